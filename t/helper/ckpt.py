"""Files made by torch.save(), for t/2200-um-ckpt.t.

    python3 ckpt.py make            writes them to the current folder
    python3 ckpt.py same A B...     for each pair: torch.load() gives equal tensors in equal order
"""
import collections
import copy
import os
import sys

import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
import um_densenet  # noqa: E402


def both(state, name):
    torch.save(state, name + ".pth")
    torch.save(state, name + ".old", _use_new_zipfile_serialization=False)


def cast(state, dtype):
    return collections.OrderedDict((k, v.to(dtype) if v.is_floating_point() else v) for k, v in state.items())


def safetensors(path, state, extra=""):
    """By hand: the format is a length, JSON, bytes."""
    import json
    types = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float64: "F64", torch.int64: "I64", torch.float16: "F16"}
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for k, v in state.items():
        b = v.contiguous().view(torch.int16).numpy().tobytes() if v.dtype == torch.bfloat16 else v.numpy().tobytes()
        header[k] = {"dtype": types[v.dtype], "shape": list(v.shape), "data_offsets": [len(data), len(data) + len(b)]}
        data += b
    text = (json.dumps(header) + extra).encode()
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text + data)


def flat(state):
    """All floating point tensors as views of one storage, the 4-d ones channels last."""
    one, at, views = torch.zeros(sum(v.numel() for v in state.values()) + 7), 7, collections.OrderedDict()
    for k, v in state.items():
        if not v.is_floating_point():
            views[k] = v
            continue
        part = one[at:at + v.numel()]
        at += v.numel()
        if v.dim() == 4:
            o, i, h, w = v.shape
            part = part.view(o, h, w, i).permute(0, 3, 1, 2)
        else:
            part = part.view(v.shape)
        part.copy_(v)
        views[k] = part
    return views


def masked(state, keep, scores):
    """The weights that SubnetConv and SubnetLinear use: the lowest int((1 - keep) n) of |scores| are cut."""
    s = collections.OrderedDict()
    for k, v in state.items():
        s[k] = v
        if k[:-6] + "scores" in scores:
            a = scores[k[:-6] + "scores"].abs().flatten()
            m = torch.ones_like(a)
            m[a.argsort()[:int((1 - keep) * a.numel())]] = 0
            s[k] = v * m.view(v.shape)
    return s


def make():
    torch.manual_seed(1)
    net = um_densenet.DenseNet(10, 10, growth=2)
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.running_mean.normal_()
            m.running_var.uniform_(0.5, 2)
            m.num_batches_tracked.fill_(7)
    state = net.state_dict()
    both(state, "plain")
    torch.save(state, "mod\u00e8le 1.pth")
    # A training dictionary as the published program writes it, after a step with momentum.
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    for p in net.parameters():
        p.grad = torch.randn_like(p)
    before = copy.deepcopy(state)
    opt.step()
    net.load_state_dict(before)
    dp = torch.nn.DataParallel(net)
    both({"epoch": 100, "arch": "DenseNet", "state_dict": dp.state_dict(), "best_acc1": np.float64(94.5),
          "best_acc5": torch.tensor(99.0), "optimizer": opt.state_dict(), "curr_acc1": "Not evaluated"}, "training")
    both({"model": state, "ema": cast(state, torch.float64), "counts": collections.Counter("aab")}, "twomodels")
    torch.save({"model": state, "loss": {"weight": torch.ones(3)}, "optimizer": opt.state_dict(), "ema_model": dp.state_dict(),
                "teacher": copy.deepcopy(net)}, "others.pth")
    torch.save({k: v[:1] if k.startswith("fc.") else v for k, v in state.items()}, "one-logit.pth")
    for name, dtype in ("half", torch.float16), ("bf16", torch.bfloat16), ("double", torch.float64):
        both(cast(state, dtype), name)
        torch.save(cast(cast(state, dtype), torch.float32), name + ".want")
        safetensors(name + ".safetensors", cast(state, dtype))
    safetensors("plain.safetensors", state, "   ")
    ints = collections.OrderedDict(state)
    ints["fc.weight"] = torch.arange(ints["fc.weight"].numel()).view(ints["fc.weight"].shape).to(torch.int32) - 50
    ints["fc.bias"] = (ints["fc.bias"] > 0)
    ints["bn1.num_batches_tracked"] = torch.tensor(9, dtype=torch.int16)
    both(ints, "ints")
    torch.save(cast({k: v.long() if "num_b" in k else v.float() for k, v in ints.items()}, torch.float32), "ints.want")
    both(flat(state), "flat")
    both({"_orig_mod." + k.replace("fc.", "linear."): v for k, v in state.items()}, "renamed")
    both({k: v for k, v in state.items() if "num_batches" not in k}, "uncounted")
    torch.save({k: v * 0 if "num_batches" in k else v for k, v in state.items()}, "uncounted.want")
    both(collections.OrderedDict((k, torch.nn.Parameter(v) if v.is_floating_point() else v) for k, v in state.items()),
         "parameters")
    # Three ways not to fit.
    wrong = collections.OrderedDict(state)
    del wrong["bn1.running_mean"], wrong["block2.layer.0.conv2.weight"]
    wrong["fc.extra"] = torch.zeros(3)
    wrong["block3.layer.0.conv2.weight"] = torch.zeros(2, 8, 1, 1)
    torch.save(wrong, "wrong.pth")
    bad = collections.OrderedDict(state)
    bad["fc.bias"] = torch.full((10,), float("nan"))
    torch.save(bad, "nan.pth")
    # Masked layers.
    scores = {k[:-6] + "scores": torch.randn(v.shape) for k, v in state.items() if v.dim() in (2, 4)}
    torch.save({"state_dict": {"module." + k: v for k, v in {**state, **scores}.items()}}, "scores.pth")
    torch.save(masked(state, 0.8, scores), "scores.want")
    dense = {k: v for k, v in scores.items() if not k.startswith("fc.")}
    torch.save({**state, **dense}, "denselast.pth")
    torch.save(masked(state, 0.5, dense), "denselast.want")
    fixed = {k: (v > -0.5).float() for k, v in scores.items()}
    torch.save({**state, **fixed}, "fixed.pth")
    torch.save(collections.OrderedDict((k, v * fixed[k[:-6] + "scores"] if k[:-6] + "scores" in fixed else v)
                                       for k, v in state.items()), "fixed.want")
    under = {}
    for k, v in scores.items():
        under.update({k: v, k[:-6] + "mask": torch.ones_like(v), k[:-6] + "temp_mask": torch.ones_like(v),
                      k[:-6] + "threshold": torch.tensor(0.1)})
    torch.save({**state, **under}, "underscore.pth")
    # _SubnetConv keeps the weights whose scores reach a quantile, of the layer's scores or of all.
    everything = torch.cat([v.abs().flatten() for v in scores.values()])
    for name, limit in (("layer", lambda v: torch.quantile(v.abs().flatten(), 1 - 0.8)), ("model", lambda v: torch.quantile(everything, 1 - 0.8))):
        torch.save({k: v * (scores[k[:-6] + "scores"].abs() >= limit(scores[k[:-6] + "scores"])) if k[:-6] + "scores" in scores else v
                    for k, v in state.items()}, f"quantile-{name}.want")
    temp = dict(under)
    for k, v in scores.items():
        temp[k[:-6] + "temp_mask"] = (v > 0).float()
    torch.save({**state, **temp}, "tempmask.pth")
    torch.save({k: v * temp[k[:-6] + "temp_mask"] if k[:-6] + "temp_mask" in temp else v for k, v in state.items()}, "tempmask.want")
    only = {k: v for k, v in scores.items() if k.startswith("fc.")}
    torch.save({**state, **only}, "onlyfc.pth")
    torch.save(masked(state, 0.5, only), "onlyfc.want")
    some = {k: v for k, v in scores.items() if "block2" not in k}
    torch.save({**state, **some}, "some.pth")
    torch.save(masked(state, 0.5, some), "some.want")
    under["fc.mask"] = 1 - under["fc.mask"]
    torch.save({**state, **under}, "undercut.pth")
    # Refused.
    torch.save([1, 2], "list.pth")
    torch.save(torch.zeros(3, dtype=torch.complex64), "complex.pth")
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), "script.pth")
    parts = cast(state, torch.float32)
    parts["conv1.weight"] = torch.zeros(1).expand(1 << 20, 1 << 20)
    torch.save(parts, "expand.pth")


def same(names):
    for a, b in zip(names[::2], names[1::2]):
        x, y = torch.load(a, weights_only=True), torch.load(b)
        if list(x) != list(y):
            sys.exit(f"{a}, {b}: other names")
        for k in x:
            if x[k].dtype != y[k].dtype or not torch.equal(x[k], y[k]):
                sys.exit(f"{a}, {b}: {k} differs")
            if not x[k].is_contiguous():
                sys.exit(f"{a}: {k} is not contiguous")


if sys.argv[1] == "make":
    make()
else:
    same(sys.argv[2:])
