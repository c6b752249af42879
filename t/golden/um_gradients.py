"""Gradients of every architecture, in double precision: um_gradients.txt.

For each network a line "NAME SPEC CLASSES SIDE SEED", then one for each trained parameter: its name, how many numbers it
has, the largest gradient, the sums of their products with three arrays between -1 and 1, and up to 16 gradients, evenly
spaced. The loss is the mean cross-entropy of 8 images in training mode; values and images come from the formula of
t/helper/golden-net.c. Where a ReLU's input is nearly 0, rounding decides on which side it lies, and gradients jump:
SEED is the first whose images give nearly the same gradients when all values are perturbed by 2e-7, three times. No
such images were found for 50 layers.
"""
import os
import sys

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helper"))
sys.dont_write_bytecode = True
import zoo
from um_densenet import uniform

N = 8
CASES = [  # (spec, network, classes, side)
    ("densenet:depth=22,growth=12", lambda: zoo.Cifar(depth=22, classes=10), 10, 8),
    ("densenet:depth=22,growth=12,affine=1", lambda: zoo.Cifar(depth=22, classes=10, affine=True), 10, 8),
    ("densenet:depth=13,growth=6,bottleneck=0", lambda: zoo.Cifar(depth=13, growth=6, bottleneck=False, classes=7), 7, 8),
    ("wideresnet:depth=16,widen=2", lambda: zoo.WideResNet(16, 2, 10), 10, 8),
    ("resnet-cifar:depth=18", lambda: zoo.CifarResNet([2, 2, 2, 2], False, 10), 10, 8),
    ("resnet-narrow:depth=20,projection=0", lambda: zoo.NarrowResNet(20, False, 10), 10, 8),
    ("resnet-narrow:depth=14,projection=1", lambda: zoo.NarrowResNet(14, True, 10), 10, 8),
    ("cifarnet:widen=0.5", lambda: zoo.CifarNet(10, 0.5), 10, 24),
    ("resnet:depth=18", lambda: zoo.tv.resnet18(num_classes=10), 10, 32),
    ("densenet121:growth=12,init=16,block1=2,block2=3,block3=2,block4=2",
     lambda: zoo.tv.DenseNet(12, (2, 3, 2, 2), 16, num_classes=10), 10, 32),
    ("conv2", lambda: zoo.Small(1, (3, 8, 8), 10, (256, 256)), 10, 8),
    ("conv4", lambda: zoo.Small(2, (3, 8, 8), 10, (256, 256)), 10, 8),
    ("conv6", lambda: zoo.Small(3, (3, 16, 16), 10, (256, 256)), 10, 16),
    ("fc", lambda: zoo.Small(0, (3, 8, 8), 10, (300, 100)), 10, 8),
]


def by_formula(net):
    for prefix, m in net.named_modules():
        for key, p in m.named_parameters(recurse=False):
            u = uniform(f"{prefix}.{key}", p.numel())
            if isinstance(m, nn.BatchNorm2d):
                v = 0.5 + u if key == "weight" else 0.4 * (u - 0.5)
            else:                       # a dense layer may be written as a 1x1 convolution
                dense = isinstance(m, nn.Linear) or prefix.startswith("linear.")
                v = (2 * u - 1) * np.sqrt((3 if dense else 6) / m.weight[0].numel())
            p.data = torch.from_numpy(v.astype(np.float32).astype(np.float64)).reshape(p.shape)


def line(name, g):
    n = g.size
    sums = [float((g * (2 * uniform(f"probe{s}", n) - 1)).sum()) for s in range(3)]
    some = [g[i if n < 16 else i * n // 16] for i in range(min(n, 16))]
    largest = np.abs(g).max()
    # What is 0 but for double precision's rounding is written as 0: another processor rounds otherwise.
    return " ".join([name, str(n)] + [f"{v if abs(v) > 1e-12 * largest else 0:.9g}" for v in [largest] + sums + some])


def gradients(net, inner, x, y):
    inner.zero_grad()
    F.cross_entropy(net(x), y).backward()
    return [p.grad.numpy().reshape(-1).copy() for p in inner.parameters()]


def shaken(net, inner, x, y, want):
    """The largest change, relative to the largest gradient of its parameter."""
    values = [p.data for p in inner.parameters()]
    worst = 0
    for _ in range(3):
        for p, v in zip(inner.parameters(), values):
            p.data = v * (1 + 2e-7 * torch.randn_like(v))
        worst = max([worst] + [np.abs(a - b).max() / np.abs(b).max()
                               for a, b in zip(gradients(net, inner, x, y), want)])
    for p, v in zip(inner.parameters(), values):
        p.data = v
    return worst


def case(spec, make, classes, side):
    net = make().double().train()
    inner = getattr(net, "net", net)        # its names are those of a state_dict
    by_formula(inner)
    y = torch.arange(N) % classes
    least = 1
    for seed in range(20):
        torch.manual_seed(seed)
        pixels = (256 * uniform(f"image{seed}", N * 3 * side * side)).astype(np.uint8).reshape(N, 3, side, side)
        x = (torch.from_numpy(pixels).double() / 255 - 0.5) / 0.25
        g = gradients(net, inner, x, y)
        now = shaken(net, inner, x, y, g)
        least = min(least, now)
        if now < 3e-5:
            return seed, [line(name, d) for (name, _), d in zip(inner.named_parameters(), g)]
    sys.exit(f"{spec}: rounding decides all cases, by {least:.2g} or more")


with open("um_gradients.txt", "w") as out:
    for spec, make, classes, side in CASES:
        seed, lines = case(spec, make, classes, side)
        print("NAME", spec, classes, side, seed, file=out)
        print(*lines, sep="\n", file=out)
