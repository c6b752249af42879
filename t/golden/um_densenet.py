"""Reference numbers for networks, losses and training steps, computed with PyTorch.

DenseNet is written here independently, from the paper and the published program's layout, in PyTorch; values
come from the formula of t/helper/golden-net.c, so the test needs no Python and the files stay small.

    python3 um_densenet.py                      recreates um_*.txt
    python3 um_densenet.py stream CKPT IMAGES   random weights: writes a checkpoint stream from the
                                                state_dict and prints the logits of an images stream
"""
import sys

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

torch.set_num_threads(1)
M64 = (1 << 64) - 1


def uniform(name, count):
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = ((h ^ b) * 0x100000001B3) & M64
    with np.errstate(over="ignore"):
        z = np.uint64(h) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53


class Basic(nn.Module):
    def __init__(self, c, growth, affine):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(c, affine=affine)
        self.conv1 = nn.Conv2d(c, growth, 3, padding=1, bias=False)

    def forward(self, x):
        return torch.cat([x, self.conv1(F.relu(self.bn1(x)))], 1)


class Bottleneck(nn.Module):
    def __init__(self, c, growth, affine):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(c, affine=affine)
        self.conv1 = nn.Conv2d(c, 4 * growth, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(4 * growth, affine=affine)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x):
        y = self.conv1(F.relu(self.bn1(x)))
        return torch.cat([x, self.conv2(F.relu(self.bn2(y)))], 1)


class Transition(nn.Module):
    def __init__(self, c, out, affine):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(c, affine=affine)
        self.conv1 = nn.Conv2d(c, out, 1, bias=False)

    def forward(self, x):
        return F.avg_pool2d(self.conv1(F.relu(self.bn1(x))), 2)


class Block(nn.Module):
    def __init__(self, c, growth, n, unit, affine):
        super().__init__()
        self.layer = nn.Sequential(*[unit(c + i * growth, growth, affine) for i in range(n)])

    def forward(self, x):
        return self.layer(x)


class DenseNet(nn.Module):
    def __init__(self, depth, classes, growth=12, reduction=0.5, bottleneck=True, affine=False):
        super().__init__()
        n = (depth - 4) // 3 // (2 if bottleneck else 1)
        unit = Bottleneck if bottleneck else Basic
        c = 2 * growth
        self.conv1 = nn.Conv2d(3, c, 3, padding=1, bias=False)
        for b in (1, 2, 3):
            setattr(self, f"block{b}", Block(c, growth, n, unit, affine))
            c += n * growth
            if b < 3:
                setattr(self, f"trans{b}", Transition(c, int(c * reduction), affine))
                c = int(c * reduction)
        self.bn1 = nn.BatchNorm2d(c, affine=affine)
        self.fc = nn.Linear(c, classes)

    def forward(self, pixels):
        x = (pixels / 255 - 0.5) / 0.25
        x = self.trans1(self.block1(self.conv1(x)))
        x = self.block3(self.trans2(self.block2(x)))
        self.features = F.relu(self.bn1(x)).mean((2, 3))
        return self.fc(self.features)


def fill(net):
    """Values of golden-net.c."""
    convs = {n for n, m in net.named_modules() if isinstance(m, nn.Conv2d)}
    state = net.state_dict()
    for name, t in state.items():
        u = uniform(name, t.numel()).reshape(t.shape)
        owner, leaf = name.rsplit(".", 1)
        if leaf == "num_batches_tracked":
            continue
        if owner in convs:
            v = (2 * u - 1) * np.sqrt(6 / np.prod(t.shape[1:]))
        elif owner == "fc":
            v = (2 * u - 1) * np.sqrt(3 / net.fc.in_features)
        elif leaf in ("running_mean", "bias"):
            v = 0.4 * (u - 0.5)
        else:
            v = 0.5 + u
        t.copy_(torch.from_numpy(v.astype(np.float32)))
    return net


def images(n, classes):
    x = np.floor(256 * uniform("image", n * 3072)).astype(np.float32).reshape(n, 3, 32, 32)
    return torch.from_numpy(x), torch.arange(n) % classes


def save(path, rows):
    with open(path, "w") as f:
        for row in rows:
            f.write(" ".join(f"{float(v):.9g}" for v in row) + "\n")


def forwards():
    x, _ = images(4, 10)
    for name, net in {
        "densenet100": DenseNet(100, 10),
        "densenet22-affine": DenseNet(22, 7, growth=8, reduction=0.6, affine=True),
        "densenet13-basic": DenseNet(13, 10, bottleneck=False),
    }.items():
        fill(net).eval().double()
        with torch.no_grad():
            save(f"um_{name}.txt", net(x.double()))


def steps():
    """SGD steps on one batch, in double precision; one line per run: the loss before each step; last, for the run with
    label smoothing, the loss without it. The step is small because rounding errors grow along the way: at lr 0.05
    single and double differ by 2e-4."""
    x, y = images(16, 10)
    x = x.double()
    runs, plain = [], []
    for n_steps, lr, level, nesterov in ((10, 0.01, None, False), (10, 0.01, None, True),
                                         (10, 0.01, 2.0, False), (20, 0.004, 2.12, False)):
        net = fill(DenseNet(22, 10)).train().double()
        opt = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9, weight_decay=1e-3, nesterov=nesterov)
        losses = []
        for _ in range(n_steps):
            z = net(x)
            ce = F.cross_entropy(z, y, label_smoothing=0.1 if nesterov else 0.0)
            if nesterov:
                plain.append(F.cross_entropy(z, y).item())
            loss = ce if level is None else (0.9 * ce - level).abs() + level
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(ce.item())
        runs.append(losses)
    save("um_steps.txt", runs + [plain])


def shake(parameters, seed):
    """Moves each number by about 1e-6 of its size, more than rounding does; seed 0: none."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for p in parameters if seed else ():
            p *= 1 + 1e-6 * torch.randn_like(p)


def settled(run):
    """The losses run(0), provided they do not depend on the last bits: those of eight perturbed networks agree to
    1e-6."""
    losses = run(0)
    for seed in range(1, 9):
        off = max(abs(a - b) for a, b in zip(losses, run(seed)))
        if off > 1e-6:
            raise SystemExit(f"a shaken network's losses are off by {off:.1g}: another case is needed")
    return losses


def adam(shaken):
    """Six steps of Adam, the loss before each. A weight whose gradient is nearly 0 moves a whole step either way,
    depending on rounding; so uses few weights and few images."""
    x, y = images(4, 10)
    net = fill(DenseNet(10, 10, growth=4, affine=True)).train().double()
    shake(net.parameters(), shaken)
    opt = torch.optim.Adam(net.parameters(), lr=0.003, weight_decay=1e-3)
    losses = []
    for _ in range(6):
        loss = F.cross_entropy(net(x.double()), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses


def options():
    """Six steps with each of um-train's options, the loss before each; then, for the run with a moving average, the
    average of the classifier's first weights."""
    x, y = images(16, 10)
    x = x.double()
    rows = [settled(adam)]
    for kind in ("clip", "freeze-fc", "freeze-conv", "no-bn-decay", "ema"):
        net = fill(DenseNet(10, 10, affine=True)).train().double()
        named = dict(net.named_parameters())
        bn = [p for n, p in named.items() if ".bn" in n or n.startswith("bn")]
        rest = [p for n, p in named.items() if not (".bn" in n or n.startswith("bn"))]
        for n, p in named.items():
            p.requires_grad_(not (kind == "freeze-fc" and n.startswith("fc") or
                                  kind == "freeze-conv" and not n.startswith("fc")))
        groups = [{"params": rest, "weight_decay": 0.1},
                  {"params": bn, "weight_decay": 0 if kind == "no-bn-decay" else 0.1}]
        opt = torch.optim.SGD(groups, lr=0.01, momentum=0.9)
        average = named["fc.weight"].detach().clone()
        losses = []
        for _ in range(6):
            loss = F.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            if kind == "clip":
                nn.utils.clip_grad_norm_(net.parameters(), 0.3)
            opt.step()
            losses.append(loss.item())
            average = 0.7 * average + 0.3 * named["fc.weight"].detach()
        rows.append(losses)
    save("um_options.txt", rows + [average.flatten()[:50]])


def stream(ckpt, images_path):
    """From a state_dict with random weights to our checkpoint stream."""
    import msgpack
    import msgpack_numpy
    torch.manual_seed(7)
    net = DenseNet(100, 10)
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.normal_(0, 0.1)
            m.running_var.uniform_(0.5, 1.5)
    state = {k: v.numpy() for k, v in net.state_dict().items()}
    pack = lambda o: msgpack.packb(o, default=msgpack_numpy.encode)
    with open(ckpt, "wb") as f:
        f.write(pack({
            "unmask": 1, "kind": "checkpoint",
            "fields": {k: {"type": v.dtype.str, "shape": list(v.shape)} for k, v in state.items()},
            "meta": {"arch": "densenet:depth=100", "input": np.array([3, 32, 32]), "n_classes": 10,
                     "mean": np.full(3, 0.5), "std": np.full(3, 0.25)}}))
        for k, v in state.items():
            f.write(pack({k: np.asarray(v)}))
        f.write(pack({"end": True, "rows": len(state), "xxh3": None}))
    x = []
    with open(images_path, "rb") as f:
        for rec in msgpack.Unpacker(f, object_hook=msgpack_numpy.decode, raw=False,
                                    strict_map_key=False):
            if "image" in rec:
                x.append(torch.from_numpy(rec["image"].astype(np.float32)))
    with torch.no_grad():
        for row in net.eval()(torch.cat(x)):
            print(" ".join(f"{float(v):.9g}" for v in row))


if __name__ == "__main__":
    if sys.argv[1:2] == ["stream"]:
        stream(*sys.argv[2:])
    else:
        forwards()
        steps()
        options()
