"""Networks as people export them to ONNX, with random weights, for t/2710-onnx-real.t.

    python3 onnx_real.py make FOLDER     NAME.onnx and NAME.want for each network whose package is installed: a line
                                         with logits and features as PyTorch computes them; FOLDER/SIZE/ has the images.
                                         Prints a line per network: NAME SIZE NORMALISE COLUMNS FEATURES LOGITS ('-':
                                         guessed)
"""
import os
import sys
import warnings

import numpy as np
import torch
from torch import nn

sys.dont_write_bytecode = True
import pictures

warnings.filterwarnings("ignore")
torch.manual_seed(1)
torch.set_num_threads(1)
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALF = (0.5,) * 3, (0.5,) * 3
N = 3


def spread(model):
    """Default random weights give outputs of 1e-2; biases and statistics are changed, so that all have an effect."""
    for name, p in model.named_parameters():
        if p.dim() == 1:
            p.data += 0.1 * torch.randn_like(p)
    for m in model.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.normal_(0, 0.1)
            m.running_var.uniform_(0.5, 1.5)
    return model.eval()


def head_input(model, layer, x):
    """A layer's input, and the model's output."""
    seen = []
    hook = layer.register_forward_hook(lambda m, inputs, out: seen.append(inputs[0]))
    with torch.no_grad():
        y = model(x)
    hook.remove()
    return y, seen[0]


class Take(nn.Module):
    """The outputs of a model of transformers, by name."""

    def __init__(self, model, *names):
        super().__init__()
        self.model, self.names = model, names

    def forward(self, x):
        out = self.model(pixel_values=x)
        return tuple(getattr(out, n) for n in self.names)


def torchvision_nets():
    import torchvision.models as tv
    for name, layer in ("resnet18", "fc"), ("swin_t", "head"), ("convnext_tiny", "classifier"), \
            ("efficientnet_b0", "classifier"), ("mobilenet_v3_small", "classifier"), ("vit_b_16", "heads"):
        if name == "vit_b_16":
            m = tv.VisionTransformer(64, 16, 2, 4, 96, 192, num_classes=11)
        else:
            m = getattr(tv, name)(num_classes=11)
        m = spread(m)
        last = getattr(m, layer)
        yield "tv-" + name, m, last if isinstance(last, nn.Linear) else last[-1], 64, "imagenet"


def timm_nets():
    import timm
    for name in "vit_tiny_patch16_224", "regnety_002", "resnext50_32x4d", "mobilenetv3_small_100":
        more = {"img_size": 64} if name.startswith("vit") else {}
        m = spread(timm.create_model(name, pretrained=False, num_classes=11, **more))
        yield "timm-" + name, m, m.get_classifier(), 64, "half"


def transformers_nets():
    import transformers as hf
    small = dict(hidden_size=96, num_hidden_layers=2, num_attention_heads=4, intermediate_size=192, image_size=56)
    m = spread(hf.ViTForImageClassification(hf.ViTConfig(patch_size=14, num_labels=11, **small)))
    yield "hf-vit", Take(m, "logits"), m.classifier, 56, "half"
    m = spread(hf.Dinov2Model(hf.Dinov2Config(patch_size=14, mlp_ratio=2, **small)))
    yield "hf-dinov2", Take(m, "last_hidden_state", "pooler_output"), "pooler_output", 56, "imagenet"
    m = spread(hf.CLIPVisionModelWithProjection(hf.CLIPVisionConfig(patch_size=14, projection_dim=40, **small)))
    yield "hf-clip", Take(m, "image_embeds", "last_hidden_state"), "image_embeds", 56, "half"


def make(folder, name, model, last, size, normalise):
    x = pictures.write(folder, size, N)
    mean, std = IMAGENET if normalise == "imagenet" else HALF
    x = (x - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)
    names = model.names if isinstance(model, Take) else ("out",)
    if isinstance(last, str):
        with torch.no_grad():
            out = dict(zip(names, model(x)))
        want, columns, features, logits = out[last], "features", last, "none"
    else:
        y, f = head_input(model, last, x)
        y = y[0] if isinstance(y, tuple) else y
        want, columns, features, logits = torch.cat([y, f], 1), "logits,features", "-", "-"
    path = os.path.join(folder, name)
    for kind in "old", "new":
        dynamo = kind == "new"
        more = {"dynamic_axes": {n: {0: "n"} for n in ("x",) + names}} if not dynamo else \
            {"dynamic_shapes": ({0: torch.export.Dim("n")},)}
        try:
            torch.onnx.export(model, (x,), path + "-" + kind + ".onnx", input_names=["x"], output_names=list(names),
                              dynamo=dynamo, verbose=False, **more)
        except Exception as e:
            print("# %s by the %s exporter: %s" % (name, kind, str(e).split("\n")[0]), file=sys.stderr)
            continue
        np.savetxt(path + "-" + kind + ".want", want.numpy(), fmt="%.9g")
        print(name + "-" + kind, size, normalise, columns, features, logits, flush=True)


def main():
    folder = sys.argv[2]
    only = sys.argv[3:]
    real, sys.stdout = sys.stdout, sys.stderr           # exporters print
    for nets in torchvision_nets, timm_nets, transformers_nets:
        try:
            for name, *rest in nets():
                if only and name not in only:
                    continue
                make_printing(real, folder, name, *rest)
        except ImportError as e:
            print("# %s: %s" % (nets.__name__, e), file=sys.stderr)


def make_printing(real, folder, name, *rest):
    import io
    sys.stdout = io.StringIO()
    make(folder, name, *rest)
    lines = [line for line in sys.stdout.getvalue().split("\n") if line.startswith(name)]
    sys.stdout = sys.stderr
    for line in lines:
        print(line, file=real, flush=True)


if __name__ == "__main__":
    main()
