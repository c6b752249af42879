"""Networks of t/helper/zoo.py as other programs save them, for t/2230-um-ckpt-names.t.

    python3 names.py                writes files to the current folder and prints a line for each: FILE BASE OPTIONS, where
                                    BASE.pth has the tensors by our names
    python3 names.py bias           networks whose convolutions have biases: NAME.pth, NAME.images, NAME.want;
                                    prints NAME SPEC
"""
import os
import re
import sys

import numpy as np
import torch
from torch import nn

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import zoo  # noqa: E402


def rename(state, *rules):
    """Renames each by the first rule (regular expression, replacement) that matches its beginning."""
    out = {}
    for k, v in state.items():
        for a, b in rules:
            if re.match(a, k):
                k = re.sub("^" + a, b, k, count=1) if isinstance(b, str) else b(re.match(a, k), k)
                break
        out[k] = v
    return out


def put(front, state):
    return {front + k: v for k, v in state.items()}


def no(state, *names):
    return {k: v for k, v in state.items() if not k.startswith(names)}


def head(state, name, old="fc."):
    return {(name + k[len(old):] if k.startswith(old) else k): v for k, v in state.items()}


def huggingface(state):
    n = lambda i: str(int(i) - 1)
    s = rename(state, ("conv1\\.", "embedder.embedder.convolution."), ("bn1\\.", "embedder.embedder.normalization."),
               ("layer(\\d)\\.(\\d+)\\.downsample\\.0\\.", lambda m, k: f"encoder.stages.{n(m[1])}.layers.{m[2]}.shortcut.convolution." + k[m.end():]),
               ("layer(\\d)\\.(\\d+)\\.downsample\\.1\\.", lambda m, k: f"encoder.stages.{n(m[1])}.layers.{m[2]}.shortcut.normalization." + k[m.end():]),
               ("layer(\\d)\\.(\\d+)\\.conv(\\d)\\.", lambda m, k: f"encoder.stages.{n(m[1])}.layers.{m[2]}.layer.{n(m[3])}.convolution." + k[m.end():]),
               ("layer(\\d)\\.(\\d+)\\.bn(\\d)\\.", lambda m, k: f"encoder.stages.{n(m[1])}.layers.{m[2]}.layer.{n(m[3])}.normalization." + k[m.end():]))
    return {**put("resnet.", no(s, "fc.")), "classifier.1.weight": s["fc.weight"], "classifier.1.bias": s["fc.bias"]}


def mmpretrain_densenet(state):
    n = lambda i: str(int(i) - 1)
    s = rename(state, ("features\\.conv0\\.", "stem.0."), ("features\\.norm0\\.", "stem.1."), ("features\\.norm5\\.", "transitions.3.0."),
               ("features\\.denseblock(\\d)\\.denselayer(\\d+)\\.", lambda m, k: f"stages.{n(m[1])}.block.{n(m[2])}." + k[m.end():]),
               ("features\\.transition(\\d)\\.", lambda m, k: f"transitions.{n(m[1])}." + k[m.end():]))
    return {**put("backbone.", no(s, "classifier.")), "head.fc.weight": s["classifier.weight"], "head.fc.bias": s["classifier.bias"]}


def weiaicunzai(state):
    part = {"conv1": 0, "bn1": 1, "conv2": 3, "bn2": 4, "conv3": 6, "bn3": 7}
    return rename(state, ("conv1\\.", "conv1.0."), ("bn1\\.", "conv1.1."),
                  ("layer(\\d)\\.(\\d+)\\.shortcut\\.", lambda m, k: f"conv{int(m[1]) + 1}_x.{m[2]}.shortcut." + k[m.end():]),
                  ("layer(\\d)\\.(\\d+)\\.(conv\\d|bn\\d)\\.", lambda m, k: f"conv{int(m[1]) + 1}_x.{m[2]}.residual_function.{part[m[3]]}." + k[m.end():]))


def sequential(state, first):
    return rename(state, ("conv1\\.", "0."), ("bn1\\.", "1."), ("layer(\\d)\\.", lambda m, k: f"{first + int(m[1]) - 1}." + k[m.end():]))


def names():
    base = {}
    for name in "wrn10", "cifar18", "cifar50", "resnet18", "resnet50", "narrow", "densenet":
        base[name] = {k: v.clone() for k, v in zoo.network(name).state_dict().items()}
        torch.save(base[name], name + ".pth")
    wrn, c18, c50, r18, r50, d121, dense = base.values()

    def one(file, of, state, *options):
        torch.save(state, file)
        print(file, of, *options)

    # Wrappers, anywhere.
    for i, w in enumerate(("module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "model._orig_mod.", "model.module.", "net.",
                           "ema_model.module.", "model.model.backbone.", "a.b.c.d.", "0.", "student.backbone.", "timm_model.",
                           "_fsdp_wrapped_module.model._checkpoint_wrapped_module.", "encoder_q.", "f.")):
        one(f"wrapped{i}.pth", "wrn10", put(w, wrn))
    one("inner.pth", "wrn10", {k.replace("block1.", "block1._orig_mod.").replace("layer.0.", "layer.0.module."): v for k, v in wrn.items()})
    # Classifiers.
    for i, h in enumerate(("linear.", "classifier.", "head.", "head.fc.", "fc.1.", "classifier.1.", "cls_head.fc.", "last_linear.",
                           "output_layer.", "heads.cls.")):
        one(f"head{i}.pth", "wrn10", head(wrn, h))
    one("densehead.pth", "narrow", head(d121, "fc.", "classifier."))
    one("outside.pth", "cifar18", {**put("backbone.", no(c18, "fc.")), "linear.weight": c18["fc.weight"], "linear.bias": c18["fc.bias"]})
    # Other entries beside the state.
    counter = torch.tensor(5)
    one("criterion.pth", "wrn10", {"criterion.weight": torch.ones(7), **put("model.", wrn)})
    one("beside.pth", "wrn10", {**wrn, "criterion.weight": torch.ones(7), "n_averaged": counter, "temperature": torch.ones(1)})
    one("ema.pth", "wrn10", {"n_averaged": counter, **put("module.", wrn)})
    one("thop.pth", "wrn10", {**wrn, "total_ops": torch.zeros(1, dtype=torch.float64), "conv1.total_ops": torch.zeros(1, dtype=torch.float64),
                              "block1.layer.0.total_params": torch.zeros(1)})
    one("projector.pth", "cifar18", {**put("backbone.", c18), "projector.0.weight": torch.ones(128, 512), "projector.0.bias": torch.ones(128),
                                     "projector.1.running_mean": torch.ones(128), "projector.2.weight": torch.ones(64, 128)})
    one("twoheads.pth", "cifar18", {**put("model.", c18), "aux.weight": torch.ones(4, 512), "aux.bias": torch.ones(4)})
    one("teacher.pth", "wrn10", {**put("student.", wrn), **put("teacher.", {k: v * 2 for k, v in wrn.items()})})
    one("teacher2.pth", "wrn10", {**put("teacher.", {k: v * 2 for k, v in wrn.items()}), **put("student.", wrn)}, "--prefix", "student")
    one("normalised.pth", "wrn10", {"0.mean": torch.ones(1, 3, 1, 1), "0.std": torch.ones(1, 3, 1, 1), **put("1.", wrn)})
    one("larger.pth", "wrn10", {**put("detector.encoder.", c50), **put("cls.", wrn)}, "--prefix", "cls.")
    # Dialects.
    one("hf18.pth", "resnet18", huggingface(r18))
    one("hf50.pth", "resnet50", huggingface(r50), "--size", "64")
    one("hfwrapped.pth", "resnet18", put("model.", huggingface(r18)))
    one("timm.pth", "resnet18", put("timm_model.", r18))
    one("mm18.pth", "resnet18", {**put("backbone.", no(r18, "fc.")), "head.fc.weight": r18["fc.weight"], "head.fc.bias": r18["fc.bias"]})
    down = {k.replace("shortcut.", "downsample."): v for k, v in c50.items()}
    one("mmcifar.pth", "cifar50", {**put("backbone.", no(down, "fc.")), "head.fc.weight": down["fc.weight"], "head.fc.bias": down["fc.bias"]})
    one("mmdense.pth", "narrow", mmpretrain_densenet(d121))
    one("oldnames.pth", "narrow", {re.sub("(norm|conv)(\\d)\\.", r"\1.\2.", k) if "denselayer" in k else k: v for k, v in d121.items()})
    one("upward.pth", "resnet18", {k.replace("downsample.", "shortcut."): v for k, v in r18.items()})
    one("cifar100-18.pth", "cifar18", weiaicunzai(c18))
    one("cifar100-50.pth", "cifar50", put("module.", weiaicunzai(c50)))
    one("bearpaw.pth", "densenet", rename(dense, ("block(\\d)\\.layer\\.", lambda m, k: f"dense{m[1]}." + k[m.end():]), ("bn1\\.", "bn.")))
    s = sequential(r18, 4)
    one("sequential.pth", "resnet18", {**put("backbone.", no(s, "fc.")), "fc.weight": s["fc.weight"], "fc.bias": s["fc.bias"]})
    s = sequential(c18, 2)
    one("sequential2.pth", "cifar18", {**put("f.", no(s, "fc.")), "g.weight": s["fc.weight"], "g.bias": s["fc.bias"]})
    # Needs options.
    one("odd.pth", "wrn10", {k.replace("convShortcut", "proj").replace("fc.", "logit."): v for k, v in wrn.items()}, "--rename", "proj=convShortcut")
    one("renamed.pth", "resnet18", rename(put("net_", r18), ("net_layer", "stage"), ("net_", "")), "--rename", "stage1=layer1", "--rename", "stage2=layer2",
        "--rename", "stage3=layer3", "--rename", "stage4=layer4")
    one("manyheads.pth", "wrn10", {**no(wrn, "fc."), "a.weight": wrn["fc.weight"], "a.bias": wrn["fc.bias"], "b.weight": torch.ones(3, 64),
                                   "b.bias": torch.ones(3)}, "--rename", "a=fc")
    # The published program's small networks.
    for name in "conv8", "half4", "bias2", "conv4":
        base[name] = zoo.network(name).state_dict()
        torch.save(base[name], name + ".pth")
    two, four = base["bias2"], base["conv4"]
    flat = lambda v: v[:, :, 0, 0] if v.ndim == 4 and v.shape[2] == 1 else v
    published = rename(two, ("convs\\.0\\.", "conv1."), ("convs\\.2\\.", "conv2."), ("linear\\.0\\.", "fc1."), ("linear\\.2\\.", "fc2."),
                       ("linear\\.4\\.", "fc3."))
    one("published2.pth", "bias2", put("module.", {k: flat(v) for k, v in published.items()}), "--size", "16")
    dead = {f"conv{i}.weight": torch.ones(9, 3, 3, 3) for i in (1, 2, 3, 4)}
    dead.update({f"fc{i}.{k}": torch.ones(5, 5) for i in (1, 2, 3) for k in ("weight", "bias")})
    one("published4.pth", "conv4", put("module.", {**four, **dead}), "--size", "22x28")
    # Must be refused.
    torch.save({**no(wrn, "fc."), "a.weight": wrn["fc.weight"], "a.bias": wrn["fc.bias"], "b.weight": torch.ones(3, 64)}, "no-several.pth")
    torch.save({**no(wrn, "fc."), "fc.0.weight": torch.ones(64, 64), "fc.0.bias": torch.ones(64), "fc.2.weight": torch.ones(9, 64),
                "fc.2.bias": torch.ones(9)}, "no-mlp.pth")
    torch.save({**no(wrn, "fc."), "fc.0.running_mean": torch.ones(64), "fc.0.running_var": torch.ones(64), "fc.1.weight": wrn["fc.weight"],
                "fc.1.bias": wrn["fc.bias"]}, "no-norm.pth")
    torch.save({**r18, "layer1.0.se.fc1.weight": torch.ones(4, 64), "layer1.0.se.fc1.bias": torch.ones(4)}, "no-se.pth")
    torch.save({**r18, "conv2.weight": torch.ones(64, 64, 3, 3)}, "no-conv.pth")
    torch.save({"backbone." + k: v for k, v in no(r18, "fc.").items()}, "no-head.pth")
    torch.save({f"encoder.blocks.{i}.attn.qkv.weight": torch.randn(30, 10) for i in range(12)}, "no-vit.pth")
    torch.save(no(r18, "layer2", "layer3", "layer4", "bn1"), "no-half.pth")


def with_biases(net, only=None):
    """Gives all convolutions biases, as by default in PyTorch."""
    for name, m in net.named_modules():
        if isinstance(m, nn.Conv2d) and m.bias is None and (not only or re.search(only, name)):
            m.bias = nn.Parameter(torch.randn(m.out_channels) * 0.3)
    return net


def bias():
    for name in "wrn16", "cifar18", "resnet18", "narrow", "densenet", "conv2":
        net = with_biases(zoo.network(name))
        torch.save(net.state_dict(), f"biased-{name}.pth")
        x = zoo.pictures(3, zoo.CASES[name][2], 2)
        zoo.write_images(f"biased-{name}.images", x, np.arange(3))
        with torch.no_grad():
            zoo.save(f"biased-{name}.want", net.double()(zoo.normalise(torch.from_numpy(x).double())))
        print(f"biased-{name}", zoo.CASES[name][0])


if __name__ == "__main__":
    bias() if sys.argv[1:] == ["bias"] else names()
