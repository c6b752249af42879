"""Model files as found in practice, with random weights, for t/2720-models.t.

    python3 models.py --names
    python3 models.py FOLDER [NAME...]   writes each file, and NAME.want: a line per image with its logits as PyTorch has
                                         them; FOLDER/SIZE/ has the images. Prints a line per file: NAME FILE SIZE
                                         OPTIONS, OPTIONS for um-ckpt import; or NAME !WHY. NAME -: names from
                                         standard input, each as it comes
"""
import os
import sys
import warnings

if sys.argv[1:] != ["--names"]:         # packages are slow to import: each where it is needed
    import numpy as np
    import torch
    from torch import nn

    sys.dont_write_bytecode = True
    import pictures
    torch.set_num_threads(1)

warnings.filterwarnings("ignore")
N, CLASSES = 3, 11
FILES = []                      # (name, size, options, maker(folder, x): file, logits)


def spread(model):
    """Default random weights give outputs of 1e-2, and values initialised to zeros or ones have no effect;
    biases, norms and statistics are changed, so that all have one."""
    for p in model.parameters():
        if p.dim() == 1 or p.numel() == max(p.shape):
            p.data += 0.1 * torch.randn_like(p)
    for m in model.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.normal_(0, 0.1)
            m.running_var.uniform_(0.5, 1.5)
    return model.eval()


def logits(model, x):
    with torch.no_grad():
        y = model(x)
    return getattr(y, "logits", y)


def file(name, size, make, options=""):
    FILES.append((name, size, options, make))


def saved(suffix, model, way):
    """The function of that name below makes the file."""
    def make(folder, name, x):
        net = spread(model())
        path = os.path.join(folder, name + suffix)
        y = logits(net, x)
        return globals()[way](net, path) or path, y
    return make


def state(net, path):
    torch.save(net.state_dict(), path)


def tensors(net, path):
    from safetensors.torch import save_file
    save_file(net.state_dict(), path)


def pretrained(net, path):
    net.save_pretrained(path)
    return os.path.join(path, "model.safetensors")


def lightning(net, path):
    torch.save({"state_dict": {"model." + k: v for k, v in net.state_dict().items()}, "epoch": 3, "global_step": 9,
                "pytorch-lightning_version": "2.4.0", "hyper_parameters": {"lr": 0.1}}, path)


def parallel(net, path):
    torch.save({"epoch": 1, "best_acc1": 0.5, "state_dict": {"module." + k: v for k, v in net.state_dict().items()}}, path)


def compiled(net, path):
    torch.save({"_orig_mod." + k: v for k, v in net.state_dict().items()}, path)


def exported(net, path):
    x = torch.zeros(1, 3, 64, 64)
    torch.onnx.export(net, (x,), path, input_names=["x"], output_names=["logits"], dynamo=False,
                      dynamic_axes={"x": {0: "n"}, "logits": {0: "n"}})


def own():
    """What someone writes in an afternoon."""
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Conv2d(3, 12, 3, padding=1)
            self.b = nn.Conv2d(12, 24, 5, 2, groups=3)
            self.out = nn.Linear(24, CLASSES)

        def forward(self, x):
            return self.out(torch.tanh(self.b(torch.nn.functional.leaky_relu(self.a(x)))).amax((2, 3)))
    return Own()


def of_torchvision(name, **more):
    def make():
        import torchvision
        return getattr(torchvision.models, name)(num_classes=CLASSES, **more)
    return make


def of_timm(name, **more):
    def make():
        import timm
        return timm.create_model(name, pretrained=False, num_classes=CLASSES, **more)
    return make


def of_transformers(name, **more):
    def make():
        import transformers as hf
        config = getattr(hf, name + "Config")(num_labels=CLASSES, **more)
        return getattr(hf, name + "ForImageClassification")(config)
    return make


for name in "resnet18", "resnet50", "wide_resnet50_2", "resnext50_32x4d", "densenet121", "mobilenet_v2", \
        "mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_b0", "regnet_y_400mf", "regnet_x_800mf", "convnext_tiny", \
        "swin_t", "shufflenet_v2_x1_0":
    file("tv-" + name, 64, saved(".pth", of_torchvision(name), "state"))
file("tv-vgg11", 224, saved(".pth", of_torchvision("vgg11"), "state"))
file("tv-vgg16_bn", 224, saved(".pth", of_torchvision("vgg16_bn"), "state"))
file("tv-vit_b_16", 64, saved(".pth", of_torchvision("vit_b_16", image_size=64), "state"))
file("lightning-resnet18", 64, saved(".ckpt", of_torchvision("resnet18"), "lightning"))
file("lightning-efficientnet_b0", 64, saved(".ckpt", of_torchvision("efficientnet_b0"), "lightning"))
file("parallel-resnext50_32x4d", 64, saved(".pth.tar", of_torchvision("resnext50_32x4d"), "parallel"))
file("compiled-mobilenet_v2", 64, saved(".pth", of_torchvision("mobilenet_v2"), "compiled"))
file("own-onnx", 64, saved(".onnx", own, "exported"))
file("tv-swin_t-onnx", 64, saved(".onnx", of_torchvision("swin_t"), "exported"))
file("tv-shufflenet_v2-onnx", 64, saved(".onnx", of_torchvision("shufflenet_v2_x1_0"), "exported"))
for name, more in ("resnext50_32x4d", {}), ("mobilenetv2_100", {}), ("mobilenetv3_large_100", {}), ("efficientnet_b0", {}), \
        ("regnety_004", {}), ("convnext_tiny", {}), ("vit_small_patch16_224", {"img_size": 64}):
    file("timm-" + name, 64, saved(".safetensors", of_timm(name, **more), "tensors"))
file("hf-resnet50", 64, saved("", of_transformers("ResNet"), "pretrained"))
file("hf-vit", 64, saved("", of_transformers("ViT", image_size=64, hidden_size=192, num_attention_heads=3,
                                             intermediate_size=768), "pretrained"))
file("hf-convnext", 64, saved("", of_transformers("ConvNext"), "pretrained"))


def main():
    folder, only = sys.argv[1], sys.argv[2:]
    if folder == "--names":
        print(*(f[0] for f in FILES))
        return
    files, real = {f[0]: f[1:] for f in FILES}, sys.stdout
    for name in (line.strip() for line in iter(sys.stdin.readline, "")) if only == ["-"] else only or files:
        size, options, make = files[name]
        torch.manual_seed(sum(name.encode()))
        sys.stdout = sys.stderr                         # exporters print
        try:
            path, y = make(folder, name, (pictures.write(folder, size, N) - 0.5) / 0.5)
            np.savetxt(os.path.join(folder, name + ".want"), y.numpy(), fmt="%.9g")
            said = f"{path} {size} {options}"
        except Exception as e:                          # the next one may be made all the same
            said = "!" + " ".join(str(e).split())
        sys.stdout = real
        print(name, said, flush=True)


if __name__ == "__main__":
    main()
