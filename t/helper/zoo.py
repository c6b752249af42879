"""Every architecture of lib/net, in PyTorch: torchvision's own if it has it, else written from the
papers and the published program's layout. Weights and running statistics are random.

    python3 zoo.py make [NAME...]           for each network NAME.pth and NAME-legacy.pth (PyTorch's two forms),
                                            NAME.images (a stream) and NAME.want: a line per image with logits,
                                            features, channel means of the feature list; some with more.
                                            Prints a line per network: NAME SPEC INPUT LAYERS EXTRAS MEAN STD
    python3 zoo.py same A.pth B.pth ...     pairwise: equal names in equal order, types and values?
    python3 zoo.py run NAME IMAGES CKPT...  runs the tensors of checkpoint streams (mean 0.5, deviation 0.25) in the
                                            network NAME: CKPT.want has logits, CKPT.zeros a line per weight:
                                            name, zeros, numbers
"""
import sys

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F
import torchvision.models as tv

torch.set_num_threads(1)


# ---- networks: forward() is parts(), whose outputs are the feature list, and tail() -------------------------

class Listed(nn.Module):
    def forward(self, x):
        self.maps = []
        for part in self.parts():
            x = part(x)
            self.maps.append(x)
        return self.tail(x)

    def tail(self, x):
        """From the last map on; leaves the features in self.pooled."""
        self.pooled = x.mean((2, 3))
        return self.fc(self.pooled)


class WideBlock(nn.Module):
    def __init__(self, c, out, stride, affine):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(c, affine=affine)
        self.conv1 = nn.Conv2d(c, out, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out, affine=affine)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.convShortcut = nn.Conv2d(c, out, 1, stride, bias=False) if c != out else None

    def forward(self, x):
        a = F.relu(self.bn1(x))
        y = self.conv2(F.relu(self.bn2(self.conv1(a))))
        return y + (self.convShortcut(a) if self.convShortcut else x)


class WideGroup(nn.Module):
    def __init__(self, n, c, out, stride, affine):
        super().__init__()
        self.layer = nn.Sequential(*[WideBlock(c if i == 0 else out, out, stride if i == 0 else 1, affine)
                                     for i in range(n)])

    def forward(self, x):
        return self.layer(x)


class WideResNet(Listed):
    def __init__(self, depth, widen, classes, affine=True):
        super().__init__()
        w = [16, 16 * widen, 32 * widen, 64 * widen]
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.block1 = WideGroup((depth - 4) // 6, w[0], w[1], 1, affine)
        self.block2 = WideGroup((depth - 4) // 6, w[1], w[2], 2, affine)
        self.block3 = WideGroup((depth - 4) // 6, w[2], w[3], 2, affine)
        self.bn1 = nn.BatchNorm2d(w[3], affine=affine)
        self.fc = nn.Linear(w[3], classes)

    def parts(self):
        return self.conv1, self.block1, self.block2, self.block3

    def tail(self, x):
        return super().tail(F.relu(self.bn1(x)))


class CifarBlock(nn.Module):
    def __init__(self, c, width, stride, bottleneck, affine):
        super().__init__()
        out = width * (4 if bottleneck else 1)
        sizes = [(c, width, 1, 1), (width, width, 3, stride), (width, out, 1, 1)] if bottleneck else [
            (c, width, 3, stride), (width, out, 3, 1)]
        self.n = len(sizes)
        for i, (a, b, k, s) in enumerate(sizes):
            setattr(self, f"conv{i + 1}", nn.Conv2d(a, b, k, s, k // 2, bias=False))
            setattr(self, f"bn{i + 1}", nn.BatchNorm2d(b, affine=affine))
        self.shortcut = nn.Sequential()
        if stride != 1 or c != out:
            self.shortcut = nn.Sequential(nn.Conv2d(c, out, 1, stride, bias=False),
                                          nn.BatchNorm2d(out, affine=affine))

    def forward(self, x):
        y = x
        for i in range(1, self.n + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            y = F.relu(y) if i < self.n else y
        return F.relu(y + self.shortcut(x))


class CifarResNet(Listed):
    def __init__(self, blocks, bottleneck, classes, affine=True):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64, affine=affine)
        c = 64
        for k, n in enumerate(blocks):
            layer = []
            for i in range(n):
                layer.append(CifarBlock(c, 64 << k, 2 if k and i == 0 else 1, bottleneck, affine))
                c = (64 << k) * (4 if bottleneck else 1)
            setattr(self, f"layer{k + 1}", nn.Sequential(*layer))
        self.fc = nn.Linear(c, classes)

    def parts(self):
        return lambda x: F.relu(self.bn1(self.conv1(x))), self.layer1, self.layer2, self.layer3, self.layer4


class NarrowBlock(CifarBlock):
    """Where a layer halves the map: every second pixel and zeros for missing channels, or a projection."""
    def __init__(self, c, width, stride, projection):
        super().__init__(c, width, stride, False, True)
        self.pad = 0 if projection or c == width else width // 4
        if not projection:
            self.shortcut = nn.Sequential()

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.pad:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad, self.pad))
        return F.relu(y + self.shortcut(x))


class NarrowResNet(Listed):
    def __init__(self, depth, projection, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        for k in range(3):
            layer = [NarrowBlock(max(16, 8 << k) if i == 0 else 16 << k, 16 << k, 2 if k and i == 0 else 1, projection)
                     for i in range((depth - 2) // 6)]
            setattr(self, f"layer{k + 1}", nn.Sequential(*layer))
        self.fc = nn.Linear(64, classes)

    def parts(self):
        return lambda x: F.relu(self.bn1(self.conv1(x))), self.layer1, self.layer2, self.layer3


class CifarNetBlock(nn.Module):
    def __init__(self, c, out):
        super().__init__()
        self.conv1 = nn.Conv2d(c, out, 3, 1, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(out)

    def forward(self, x):
        x = F.relu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        return F.relu(self.norm2(self.conv2(x)))


class CifarNet(Listed):
    def __init__(self, classes, widen=1):
        super().__init__()
        w = [24] + [int(widen * n) for n in (64, 256, 256)]
        self.whiten = nn.Conv2d(3, 24, 2)
        for k in range(3):
            setattr(self, f"block{k + 1}", CifarNetBlock(w[k], w[k + 1]))
        self.fc = nn.Linear(w[3], classes)

    def parts(self):
        return lambda x: F.relu(self.whiten(x)), self.block1, self.block2, self.block3

    def tail(self, x):
        self.pooled = x.amax((2, 3))
        return self.fc(self.pooled)


class Small(Listed):
    """Convolutions in pairs, then 1x1 convolutions as dense layers. bias: 0 none, 1 in the dense ones, 2 in all."""
    def __init__(self, pairs, shape, classes, widths, bias=0, width=1):
        super().__init__()
        c, h, w = shape
        convs = []
        for i in range(pairs):
            for _ in range(2):
                convs += [nn.Conv2d(c, int(width * (64 << i)), 3, 1, 1, bias=bias == 2), nn.ReLU()]
                c = int(width * (64 << i))
            convs.append(nn.MaxPool2d(2))
            h, w = h // 2, w // 2
        if pairs:
            self.convs = nn.Sequential(*convs)
        a, b = widths
        self.linear = nn.Sequential(nn.Conv2d(c * h * w, a, 1, bias=bias > 0), nn.ReLU(),
                                    nn.Conv2d(a, b, 1, bias=bias > 0), nn.ReLU(),
                                    nn.Conv2d(b, classes, 1, bias=bias > 0))
        for m in self.modules():        # without norms, logits vanish under PyTorch's initialisation
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight)

    def parts(self):
        return [self.convs[i:i + 5] for i in range(0, len(self.convs), 5)] if hasattr(self, "convs") else []

    def tail(self, x):
        x = self.linear[:4](x.reshape(len(x), -1, 1, 1))
        self.pooled = x.flatten(1)
        return self.linear[4](x).flatten(1)


class Torchvision(Listed):
    """Runs one of torchvision's by its own modules, whose state_dict it has."""
    def __init__(self, net):
        super().__init__()
        self.net = net

    def state_dict(self, *args, **kw):
        return self.net.state_dict(*args, **kw)

    def load_state_dict(self, state):
        return self.net.load_state_dict(state)

    def parts(self):
        n = self.net
        if hasattr(n, "layer1"):
            return lambda x: n.maxpool(n.relu(n.bn1(n.conv1(x)))), n.layer1, n.layer2, n.layer3, n.layer4
        f = n.features
        return (f[:4], f[4:6], f[6:8], f[8:10], lambda x: F.relu(f[10:](x)))

    def tail(self, x):
        self.pooled = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return (self.net.fc if hasattr(self.net, "fc") else self.net.classifier)(self.pooled)


class Split(Torchvision):
    """The same if parts of `features` are the feature list; tail(net, map) gives features and logits."""
    def __init__(self, net, ends, tail, features=None):
        super().__init__(net)
        self.sequence, self.ends, self.end = net.features if features is None else features, ends, tail

    def parts(self):
        return [self.sequence[a:b] for a, b in zip([0] + self.ends, self.ends)]

    def tail(self, x):
        self.pooled, logits = self.end(self.net, x)
        return logits


def pooled(net, x):
    f = x.mean((2, 3))
    return f, net.classifier(f)


def vgg(net):
    net.classifier = nn.Sequential(nn.Linear(25088, 64), nn.ReLU(), nn.Dropout(), nn.Linear(64, 64), nn.ReLU(),
                                   nn.Dropout(), nn.Linear(64, 10))

    def tail(net, x):
        f = net.classifier[:6](x.flatten(1))
        return f, net.classifier[6](f)
    return Split(net, [i + 1 for i, m in enumerate(net.features) if isinstance(m, nn.MaxPool2d)], tail)


def mobilenet_v3(net, ends):
    def tail(net, x):
        f = net.classifier[:2](x.mean((2, 3)))
        return f, net.classifier[3](f)
    return Split(net, ends, tail)


def regnet(net):
    def tail(net, x):
        f = x.mean((2, 3))
        return f, net.fc(f)
    return Split(net, [1, 2, 3, 4, 5], tail, nn.Sequential(net.stem, *net.trunk_output))


def convnext():
    from torchvision.models.convnext import CNBlockConfig as B
    net = tv.ConvNeXt([B(12, 24, 1), B(24, 48, 2), B(48, 96, 1), B(96, None, 1)], layer_scale=0.5, num_classes=10)

    def tail(net, x):
        f = net.classifier[:2](x.mean((2, 3), keepdim=True))
        return f, net.classifier[2](f)
    return Split(net, [2, 4, 6, 8], tail)


class Vit(Torchvision):
    def parts(self):
        return []

    def tail(self, x):
        n = self.net
        x = n._process_input(x)
        self.pooled = n.encoder(torch.cat([n.class_token.expand(len(x), -1, -1), x], 1))[:, 0]
        return n.heads(self.pooled)


def vit():
    net = tv.VisionTransformer(40, 8, 2, 2, 128, 192, num_classes=7)
    nn.init.normal_(net.class_token)
    nn.init.normal_(net.heads.head.weight)
    return Vit(net)


class Cifar(Listed):
    """The DenseNet of t/golden/um_densenet.py, which normalises by itself."""
    def __init__(self, **kw):
        super().__init__()
        import os
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
        import um_densenet
        self.net = um_densenet.DenseNet(**kw)

    state_dict, load_state_dict = Torchvision.state_dict, Torchvision.load_state_dict

    def parts(self):
        n = self.net
        return (n.conv1, lambda x: n.trans1(n.block1(x)), lambda x: n.trans2(n.block2(x)),
                lambda x: F.relu(n.bn1(n.block3(x))))

    def tail(self, x):
        self.fc = self.net.fc
        return super().tail(x)


CIFAR = [0.5, 0.48, 0.44], [0.25, 0.24, 0.26]         # mean, deviation of the pixels; the first for grey ones
CASES = {       # name: (spec, network, (c, h, w), extra columns)
    "densenet": ("densenet:depth=22,growth=12,reduction=0.5,bottleneck=1,affine=0",
                 lambda: Cifar(depth=22, classes=10), (3, 32, 32), ""),
    "wrn16": ("wideresnet:depth=16,widen=2,affine=1", lambda: WideResNet(16, 2, 10), (3, 32, 32), "odin rankfeat step"),
    "wrn10": ("wideresnet:depth=10,widen=1,affine=0", lambda: WideResNet(10, 1, 7, False), (3, 21, 30), ""),
    "cifar18": ("resnet-cifar:depth=18,affine=0", lambda: CifarResNet([2, 2, 2, 2], False, 10, False), (3, 16, 16),
                "odin rankfeat gram step"),
    "cifar50": ("resnet-cifar:depth=50,affine=1", lambda: CifarResNet([3, 4, 6, 3], True, 10), (3, 17, 16), ""),
    "resnet20a": ("resnet-narrow:depth=20,projection=0", lambda: NarrowResNet(20, False, 10), (3, 32, 32),
                 "odin rankfeat step"),
    "resnet14b": ("resnet-narrow:depth=14,projection=1", lambda: NarrowResNet(14, True, 7), (3, 27, 30), "odin step"),
    "cifarnet": ("cifarnet:widen=1", lambda: CifarNet(10), (3, 32, 32), "odin rankfeat step"),
    "halfnet": ("cifarnet:widen=0.5", lambda: CifarNet(5, 0.5), (3, 21, 21), "odin"),
    "resnet18": ("resnet:depth=18,widen=1", lambda: Torchvision(tv.resnet18(num_classes=10)), (3, 48, 48),
                 "odin rankfeat step"),
    "resnet50": ("resnet:depth=50,widen=1", lambda: Torchvision(tv.resnet50(num_classes=12)), (3, 64, 64), ""),
    "wide50": ("resnet:depth=50,widen=2", lambda: Torchvision(tv.wide_resnet50_2(num_classes=10)), (3, 33, 47), ""),
    "densenet121": ("densenet121:growth=32,init=64,block1=6,block2=12,block3=24,block4=16",
                    lambda: Torchvision(tv.densenet121(num_classes=10)), (3, 64, 64), ""),
    "narrow": ("densenet121:growth=6,init=10,block1=2,block2=3,block3=1,block4=2",
               lambda: Torchvision(tv.DenseNet(6, (2, 3, 1, 2), 10, num_classes=10)), (3, 75, 50),
               "odin rankfeat step"),
    "resnext50": ("resnext:depth=50,groups=32,width=4", lambda: Torchvision(tv.resnext50_32x4d(num_classes=10)), (3, 40, 33),
                  ""),
    "vgg11": ("vgg:depth=11,bn=1,dense=64", lambda: vgg(tv.vgg11_bn()), (3, 224, 224), ""),
    "mobilenet2": ("mobilenet-v2:widen=1,timm=0",
                   lambda: Split(tv.mobilenet_v2(num_classes=10), [2, 4, 7, 11, 14, 17, 18, 19], pooled), (3, 64, 48), ""),
    "mobilenet3": ("mobilenet-v3-small:widen=1,timm=0",
                   lambda: mobilenet_v3(tv.mobilenet_v3_small(num_classes=10), [2, 4, 7, 9, 12, 13]), (3, 64, 64), ""),
    "mobilenet3l": ("mobilenet-v3-large:widen=1,timm=0",
                    lambda: mobilenet_v3(tv.mobilenet_v3_large(num_classes=10), [2, 4, 7, 11, 13, 16, 17]), (3, 33, 47), ""),
    "efficient": ("efficientnet:widen=1,timm=0,deepen=1",
                  lambda: Split(tv.efficientnet_b0(num_classes=10), [2, 3, 4, 5, 6, 7, 8, 9], pooled), (3, 64, 64), ""),
    "regnety": ("regnet:depth=16,w0=48,wa=27.89,wm=2.09,group=8,se=1",
                lambda: regnet(tv.regnet_y_400mf(num_classes=10)), (3, 64, 64), ""),
    "regnetx": ("regnet:depth=22,w0=24,wa=24.48,wm=2.54,group=16,se=0",
                lambda: regnet(tv.regnet_x_400mf(num_classes=10)), (3, 33, 50), ""),
    "convnext": ("convnext:width=12,block1=1,block2=2,block3=1,block4=1,timm=0", convnext, (3, 64, 64), ""),
    "vit": ("vit:patch=8,width=128,depth=2,heads=2,mlp=192", vit, (3, 40, 40), ""),
    "conv2": ("conv2:bias=0,width=1", lambda: Small(1, (3, 32, 32), 10, (256, 256)), (3, 32, 32), "odin rankfeat gram step"),
    "conv4": ("conv4:bias=0,width=1", lambda: Small(2, (3, 22, 28), 7, (256, 256)), (3, 22, 28), ""),
    "conv6": ("conv6:bias=0,width=1", lambda: Small(3, (3, 32, 32), 10, (256, 256)), (3, 32, 32), ""),
    "conv8": ("conv8:bias=0,width=1", lambda: Small(4, (3, 32, 32), 10, (256, 256)), (3, 32, 32), ""),
    "half4": ("conv4:bias=2,width=0.5", lambda: Small(2, (3, 32, 32), 10, (128, 128), 2, 0.5), (3, 32, 32), "odin step"),
    "bias2": ("conv2:bias=1,width=1", lambda: Small(1, (3, 16, 16), 10, (256, 256), 1), (3, 16, 16), "step"),
    "fc": ("fc:bias=0", lambda: Small(0, (1, 28, 28), 10, (300, 100)), (1, 28, 28), "odin step"),
}


def pictures(n, shape, seed):
    """Patches and noise: pictures of pure noise all look the same to deep layers."""
    rng = np.random.default_rng(seed)
    c, h, w = shape
    patches = rng.integers(0, 200, (n, c, h // 8 + 1, w // 8 + 1), dtype=np.uint8).repeat(8, 2).repeat(8, 3)
    return patches[:, :, :h, :w] + rng.integers(0, 56, (n, c, h, w), dtype=np.uint8)


def network(name):
    """Random values that have an effect: running statistics close to those of such pictures, but not equal,
    so that layers neither vanish nor blow up."""
    torch.manual_seed(len(name) * 7 + sum(name.encode()))
    _, make, shape, _ = CASES[name]
    net = make()
    norms = {k: m for k, m in net.named_modules() if isinstance(m, nn.BatchNorm2d)}
    for k, m in norms.items():
        m.momentum = 1.0
        if m.affine:                    # in a long chain of bottlenecks, each adds a little, as learnt ones do
            nn.init.uniform_(m.weight, *((0.1, 0.4) if k.endswith("bn3") else (0.7, 1.3)))
            nn.init.normal_(m.bias, 0, 0.2)
    for m in net.modules():
        if isinstance(m, nn.LayerNorm):
            nn.init.uniform_(m.weight, 0.7, 1.3)
            nn.init.normal_(m.bias, 0, 0.2)
    with torch.no_grad():
        net.train()(normalise(torch.from_numpy(pictures(8, shape, 1)).double()).float())
        deep = isinstance(net, Split)   # fifty norms in a row: their rounding errors must not add up
        for m in norms.values():
            m.running_mean += (0.02 if deep else 0.2) * m.running_var.sqrt() * torch.randn(m.num_features)
            m.running_var *= torch.empty(m.num_features).uniform_(*((0.95, 1.05) if deep else (0.7, 1.3)))
            if deep:                    # on a few pixels, a depthwise channel may not vary at all, and rounding decides
                m.running_var.clamp_(min=m.running_var.mean())
            m.momentum = 0.1
    return net.eval()


def pack(o):
    import msgpack                      # here, so that using the networks alone needs neither
    import msgpack_numpy
    return msgpack.packb(o, default=msgpack_numpy.encode)


def write_images(path, x, label):
    with open(path, "wb") as f:
        f.write(pack({"unmask": 1, "kind": "images",
                      "fields": {"image": {"type": "|u1", "shape": list(x.shape[1:])},
                                 "label": {"type": "<i8", "shape": []}}, "meta": {}, "history": []}))
        f.write(pack({"image": x, "label": label}))
        f.write(pack({"end": True, "rows": len(x), "xxh3": None}))


def save(path, rows):
    with open(path, "w") as f:
        for row in rows.detach():
            f.write(" ".join(f"{float(v):.9g}" for v in row) + "\n")


def read_stream(path):
    """Its tensors by name, slices joined."""
    import msgpack
    import msgpack_numpy
    got = {}
    with open(path, "rb") as f:
        unpacker = msgpack.Unpacker(f, object_hook=msgpack_numpy.decode, raw=False, strict_map_key=False,
                                    max_buffer_size=2**31 - 1)
        fields = next(unpacker)["fields"]
        for rec in unpacker:
            for k, v in rec.items():
                if k in fields:
                    got.setdefault(k, []).append(np.asarray(v))
    return got, fields


def normalise(x):
    c = x.shape[1]
    mean, std = (torch.tensor(v[:c], dtype=torch.float64).reshape(1, c, 1, 1) for v in CIFAR)
    return (x / 255 - mean) / std


# ---- references of um-embed's extras, in double precision ----------------------------------------------------

def odin(net, x):
    """Logits after a step of 0.01 in pixels from 0 to 1, T = 1000."""
    x = x.clone().requires_grad_()
    z = net(x)
    F.cross_entropy(z / 1000, z.argmax(1), reduction="sum").backward()
    std = torch.tensor(CIFAR[1][:x.shape[1]], dtype=torch.float64).reshape(1, -1, 1, 1)
    with torch.no_grad():
        return net(x - 0.01 / std * torch.where(x.grad >= 0, 1.0, -1.0))


def step(net, x):
    """Logits after one step of SGD: that training, too, runs the same network."""
    opt = torch.optim.SGD(net.parameters(), lr=0.003)
    opt.zero_grad()
    F.cross_entropy(net.train()(x), torch.arange(len(x))).backward()
    opt.step()
    with torch.no_grad():
        return net.eval()(x)


def rankfeat(net, x):
    net(x)
    maps, parts, total = net.maps, net.parts(), 0
    ends = range(max(len(maps) - 2, 0), len(maps))
    for k in ends:
        f = maps[k].flatten(2)
        u, s, v = torch.linalg.svd(f, full_matrices=False)
        y = (f - s[:, :1, None] * u[:, :, :1] @ v[:, :1]).reshape(maps[k].shape)
        for part in parts[k + 1:]:
            y = part(y)
        total = total + net.tail(y)
    return total / len(ends)


def gram(f):
    """Row sums of Gram matrices of powers 1 to 5 of a map."""
    rows = []
    for p in range(1, 6):
        g = (f.flatten(2) ** p @ (f.flatten(2) ** p).transpose(1, 2)).sum(2)
        rows.append(g.sign() * g.abs() ** (1 / p))
    return torch.cat(rows, 1)


def make(names):
    for name in names or CASES:
        net = network(name)
        spec, _, shape, extras = CASES[name]
        torch.save(net.state_dict(), f"{name}.pth")
        if "50" not in name:            # 90 to 275 MB; once is enough
            torch.save(net.state_dict(), f"{name}-legacy.pth", _use_new_zipfile_serialization=False)
        x = pictures(3, shape, 2)
        write_images(f"{name}.images", x, np.arange(3))
        net.double()
        x = normalise(torch.from_numpy(x).double())
        with torch.no_grad():
            row = [net(x), net.pooled] + [m.mean((2, 3)) for m in net.maps]
            for k, m in enumerate(net.maps if "gram" in extras else []):
                save(f"{name}.layer{k}", gram(m))
        save(f"{name}.want", torch.cat(row, 1))
        for extra, f in (("odin", odin), ("rankfeat", rankfeat), ("step", step)):
            if extra in extras:
                save(f"{name}.{extra}", f(net, x))
        numbers = [",".join(str(u) for u in v[:shape[0]]) for v in CIFAR]
        print(name, spec, "x".join(map(str, shape)), ",".join(f"layer{k}" for k in range(len(net.maps))) or "-",
              extras.replace(" ", ",") or "-", *numbers)


def same(paths):
    bad = 0
    for a, b in zip(paths[::2], paths[1::2]):
        x, y = torch.load(a), torch.load(b)
        # Parameters of ViT and ConvNeXt outside layers come first in PyTorch, but here where they are used.
        if sorted(x) != sorted(y) or (list(x) != list(y) and not a.startswith(("vit", "convnext"))):
            print(f"# {a}, {b}: names differ or their order")
            bad = 1
            continue
        for k in x:
            if x[k].dtype != y[k].dtype or x[k].shape != y[k].shape or not torch.equal(x[k], y[k]):
                print(f"# {a}, {b}: '{k}' differs")
                bad = 1
    return bad


def run(name, images, ckpts):
    pixels = np.concatenate(read_stream(images)[0]["image"])
    x = (torch.from_numpy(pixels).double() / 255 - 0.5) / 0.25
    for ckpt in ckpts:
        net = CASES[name][1]()
        got, fields = read_stream(ckpt)
        state = {k: torch.from_numpy(np.concatenate([p.reshape(-1) for p in v])).reshape(fields[k]["shape"])
                 for k, v in got.items()}
        net.load_state_dict(state)
        with torch.no_grad():
            save(f"{ckpt}.want", net.double().eval()(x))
        with open(f"{ckpt}.zeros", "w") as f:
            f.writelines(f"{k} {int((v == 0).sum())} {v.numel()}\n" for k, v in state.items() if v.ndim in (2, 4))


if __name__ == "__main__":
    what, rest = sys.argv[1], sys.argv[2:]
    if what == "make":
        make(rest)
    elif what == "same":
        sys.exit(same(rest))
    elif what == "run":
        run(rest[0], rest[1], rest[2:])
