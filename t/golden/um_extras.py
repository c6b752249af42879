"""Reference numbers for um-embed's extra columns, from PyTorch's autograd in double precision.

The network and its values are those of um_densenet.py (t/helper/golden-net.c computes the same), with another
mean and deviation for each channel ("uneven"); 4 images, one row each.

    python3 um_extras.py     recreates um_extras_*.txt
"""
import numpy as np
import torch
import torch.nn.functional as F

from um_densenet import DenseNet, fill, images, M64, save, uniform

MEAN = torch.tensor([0.4, 0.5, 0.6], dtype=torch.float64).view(1, 3, 1, 1)
STD = torch.tensor([0.2, 0.25, 0.3], dtype=torch.float64).view(1, 3, 1, 1)
EPS = (0.0014, 0.01)
CLASSES = 7


def stages(net, x):
    """The feature list of normalised images."""
    a = net.conv1(x)
    b = net.trans1(net.block1(a))
    c = net.trans2(net.block2(b))
    return [a, b, c, F.relu(net.bn1(net.block3(c)))]


def normalise(pixels):
    return (pixels - MEAN) / STD


def logits(net, x):
    return net.fc(stages(net, x)[-1].mean((2, 3)))


def sgn(g):
    return torch.where(g >= 0, 1.0, -1.0).double()


def odin(net, pixels, temperature, eps, space):
    """space: the space of the gradient and the step."""
    x = (pixels if space == "pixel" else normalise(pixels)).requires_grad_(True)
    into = normalise if space == "pixel" else lambda v: v
    z = logits(net, into(x)) / temperature
    F.cross_entropy(z, z.argmax(1), reduction="sum").backward()
    step = eps * sgn(x.grad)
    if space == "scale-std":
        step = step / STD
    return logits(net, into(x.detach() - step))


def shaped(z, kind):
    """The published program's ReAct and ASH, at its threshold 1 and percentile 65."""
    if kind == "react":
        return z.clip(max=1)
    k = z.shape[1] - int(np.round(z.shape[1] * 65 / 100))
    v, i = torch.topk(z, k, dim=1)
    s1 = z.sum(1, keepdim=True)
    if kind == "ash-b":
        v = (s1 / k).expand(v.shape)
    y = torch.zeros_like(z).scatter(1, i, v)
    return y * torch.exp(s1 / y.sum(1, keepdim=True)) if kind == "ash-s" else y


def shaped_odin(net, pixels, temperature, eps, kind):
    of = lambda x: net.fc(shaped(stages(net, normalise(x))[-1].mean((2, 3)), kind))
    x = pixels.requires_grad_(True)
    z = of(x) / temperature
    F.cross_entropy(z, z.argmax(1), reduction="sum").backward()
    return of(x.detach() - eps * sgn(x.grad))


def iodin(net, pixels, temperature, eps):
    """The single normalised number with the largest gradient."""
    x = normalise(pixels).requires_grad_(True)
    z = logits(net, x) / temperature
    F.cross_entropy(z, z.argmax(1), reduction="sum").backward()
    g = x.grad.flatten(1)
    one = torch.zeros_like(g).scatter_(1, g.abs().argmax(1, keepdim=True), 1).view_as(x)
    return logits(net, x.detach() - eps * one * sgn(x.grad) / STD)


def adascale(net, pixels, share):
    x = normalise(pixels).requires_grad_(True)
    logits(net, x).max(1).values.sum().backward()
    g = x.grad.flatten(1)
    least = g.abs().topk(int(g.shape[1] * share), dim=1, largest=False).indices
    mask = torch.zeros_like(g).scatter_(1, least, 1).view_as(x)
    return stages(net, x.detach() + 0.5 * x.grad.sign() * mask)[-1].mean((2, 3))


def fit(layer, d):
    mean = torch.from_numpy(0.5 * uniform(f"layer{layer}.mean", CLASSES * d)).view(CLASSES, d)
    u = torch.from_numpy(uniform(f"layer{layer}.precision", d * d)).view(d, d)
    return mean, torch.eye(d).double() + (2 * u - 1) / d


def perturbed(net, pixels, layer, eps):
    x = pixels.clone().requires_grad_(True)
    f = stages(net, normalise(x))[layer].mean((2, 3))
    mean, precision = fit(layer, f.shape[1])
    diff = f[:, None, :] - mean[None]
    half = 0.5 * torch.einsum("ncd,de,nce->nc", diff, precision, diff)
    half.min(1).values.sum().backward()
    return stages(net, normalise(x.detach() - eps * sgn(x.grad)))[layer].mean((2, 3))


def fgsm(net, pixels, labels, eps):
    x = pixels.clone().requires_grad_(True)
    F.cross_entropy(logits(net, normalise(x)), labels, reduction="sum").backward()
    return (x.detach() + eps * sgn(x.grad)).clamp(0, 1)


def gram(m):
    f = m.flatten(2)
    out = []
    for p in range(1, 6):
        g = (f**p @ (f**p).transpose(1, 2)).sum(2)
        out.append(g.sign() * g.abs() ** (1 / p))
    return torch.stack(out, 1)


def activations(net, pixels):
    """Outputs of the convolutions, and of the ReLUs, under the name of the preceding batch norm."""
    seen, hooks = {}, []
    for name, m in net.named_modules():
        if isinstance(m, torch.nn.Conv2d):
            hooks.append(m.register_forward_hook(lambda _, i, o, name=name: seen.__setitem__(name, o)))
        if isinstance(m, torch.nn.BatchNorm2d):
            hooks.append(m.register_forward_hook(lambda _, i, o, name=name: seen.__setitem__(name, F.relu(o))))
    logits(net, normalise(pixels))
    for h in hooks:
        h.remove()
    return seen


def deflated(m):
    u, s, vh = torch.linalg.svd(m.flatten(2), full_matrices=False)
    first = s[:, :1, None] * u[:, :, :1] @ vh[:, :1, :]
    return (m.flatten(2) - first).view_as(m)


GOLDEN = 0x9E3779B97F4A7C15


def random(seed, stream, n):
    """ts_rng.h: n numbers of ts_rng_u64() from ts_rng_new(seed, stream)."""
    def mix(z):
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))
    of = lambda x: np.array([x & M64], dtype=np.uint64)
    with np.errstate(over="ignore"):
        start = mix(of(seed + GOLDEN)) ^ mix(mix(of(stream + 0x3C6EF372FE94F82A)))
        return mix(start + np.uint64(GOLDEN) * np.arange(1, n + 1, dtype=np.uint64))


def dropped(net, pixels, seed, p):
    """Logits with dropout after each convolution but the first, the same numbers from every image (nn_train_ops.c)."""
    node, hooks = [1], []  # the number of the last node of the network's list so far: the first convolution

    def drop(name, out):
        node[0] += 4  # batch norm, ReLU, convolution, dropout
        c, h, w = out.shape[1:]
        u = (random(seed + GOLDEN, node[0], c * h * w) >> np.uint64(11)) * 2.0 ** -53
        kept = torch.from_numpy((u >= p).reshape(h, w, c).transpose(2, 0, 1).copy())
        node[0] += name.endswith("conv2") or name.startswith("trans")  # concatenation, average
        return out * kept / (1 - p)
    for name, m in net.named_modules():
        if isinstance(m, torch.nn.Conv2d) and name != "conv1":
            hooks.append(m.register_forward_hook(lambda _, i, o, name=name: drop(name, o)))
    out = logits(net, normalise(pixels))
    for h in hooks:
        h.remove()
    return out


def extremes(net, pixels):
    """Minus the smallest and the largest input of each ReLU, which are the batch norms' outputs, in order."""
    seen, hooks = [], []
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            hooks.append(m.register_forward_hook(lambda _, i, o: seen.extend([-o.flatten(1).amin(1), o.flatten(1).amax(1)])))
    logits(net, normalise(pixels))
    for h in hooks:
        h.remove()
    return torch.stack(seen, 1)


def main():
    pixels, labels = images(4, CLASSES)
    pixels = pixels.double() / 255
    net = fill(DenseNet(22, CLASSES, growth=8, reduction=0.6, affine=True)).eval().double()
    other = fill(DenseNet(13, CLASSES, bottleneck=False)).eval().double()
    for p in list(net.parameters()) + list(other.parameters()):
        p.requires_grad_(False)

    steps = {space: torch.cat([odin(net, pixels.clone(), 1000, e, space) for e in EPS], 1)
             for space in ("pixel", "scale-std", "normalised")}
    assert torch.allclose(steps["pixel"], steps["scale-std"], rtol=0, atol=1e-12)  # one step, written in two ways
    save("um_extras_odin-pixel.txt", steps["pixel"])
    save("um_extras_odin-normalised.txt", steps["normalised"])
    save("um_extras_odin-t1.txt", odin(net, pixels.clone(), 1, 0.05, "pixel"))

    save("um_extras_layers.txt", torch.cat([m.mean((2, 3)) for m in stages(net, normalise(pixels))], 1))

    p, q = (logits(n, normalise(pixels)).log_softmax(1) for n in (net, other))
    save("um_extras_against.txt", (q.exp() * (q - p)).sum(1, keepdim=True))

    save("um_extras_ensemble.txt", torch.cat([logits(n, normalise(pixels)) for n in (other, net)], 1))

    save("um_extras_perturb.txt", torch.cat([perturbed(net, pixels, k, e) for k in range(4) for e in (0, *EPS)], 1))

    maps = stages(net, normalise(pixels))
    save("um_extras_gram.txt", torch.cat([gram(m).flatten(1) for m in maps], 1))
    seen = activations(net, pixels)
    last = ["block1.layer.2.conv2", "trans1.bn1", "trans1.conv1", "block3.layer.2.bn2", "block3.layer.2.conv2", "bn1"]
    save("um_extras_gram2.txt", torch.cat([gram(seen[n]).flatten(1) for n in last], 1))

    a = net.fc(deflated(maps[3]).mean((2, 3)))
    b = net.fc(F.relu(net.bn1(net.block3(deflated(maps[2])))).mean((2, 3)))
    save("um_extras_rankfeat.txt", (a + b) / 2)

    save("um_extras_odin-shaped.txt", torch.cat([shaped_odin(net, pixels.clone(), 1000, 0.01, kind)
                                                 for kind in ("react", "ash-p", "ash-b", "ash-s")], 1))
    save("um_extras_iodin.txt", torch.cat([iodin(net, pixels.clone(), 1000, e) for e in (0.0014, 1)], 1))
    save("um_extras_adascale.txt", torch.cat([adascale(net, pixels.clone(), o) for o in (0.05, 0.5)], 1))

    save("um_extras_extremes.txt", extremes(net, pixels))

    save("um_extras_passes.txt", torch.cat([dropped(net, pixels, int(random(5, k, 1)[0]), 0.3) for k in range(3)], 1))

    hit = fgsm(net, pixels, labels, 0.05)
    save("um_extras_fgsm.txt", torch.cat([logits(net, normalise(hit)), odin(net, hit, 1000, EPS[0], "pixel")], 1))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
