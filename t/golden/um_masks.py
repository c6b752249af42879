"""Reference numbers for masked networks, computed with PyTorch's autograd in double precision.

The masks are those of the published program's layers: the int((1 - keep) n) weights of smallest |score| are cut,
and the gradient goes straight through to |score| (edge-popup); or each weight stays with probability
sigmoid(score), drawn with the generator of lib/ts/ts_rng.c (supermasks). Values come from the formula of
t/helper/golden-net.c.

    python3 um_masks.py     recreates um_masks_*.txt
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.utils.stateless import functional_call

from um_densenet import M64, DenseNet, fill, images, save, settled, shake, uniform

KEEP = 0.8
SHOWN = ("conv1", "block1.layer.0.conv1", "block3.layer.2.conv2", "trans2.conv1", "fc")


def mix(z):
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & M64
    z = (z ^ z >> 27) * 0x94D049BB133111EB & M64
    return z ^ z >> 31


class Rng:
    def __init__(self, seed, stream):
        self.state = mix((seed + 0x9E3779B97F4A7C15) & M64) ^ mix(mix((stream + 0x3C6EF372FE94F82A) & M64))

    def double(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & M64
        return (mix(self.state) >> 11) * 2.0**-53


class Through(torch.autograd.Function):
    """A hard mask whose gradient reaches x unchanged."""

    @staticmethod
    def forward(ctx, x, mask):
        return mask.clone()

    @staticmethod
    def backward(ctx, g):
        return g, None


def cut_smallest(flat, cut):
    mask = torch.ones_like(flat)
    mask[torch.sort(flat.float(), stable=True)[1][:cut]] = 0
    return mask


def effective(weights, scores, kind, scope, rng):
    """Masked weights by name."""
    if kind == "bernoulli":
        out = {}
        for k, w in weights.items():
            p = torch.sigmoid(scores[k])
            u = torch.tensor([rng.double() for _ in range(w.numel())]).double().reshape(w.shape)
            out[k] = w * Through.apply(p, (u < p.detach()).to(p.dtype))
        return out
    s = {k: (weights[k].detach() if kind == "weights" else scores[k]).abs() for k in weights}
    if scope == "model":
        flat = torch.cat([v.detach().flatten() for v in s.values()])
        parts = cut_smallest(flat, int((1 - KEEP) * flat.numel())).split([v.numel() for v in s.values()])
        masks = {k: m.reshape(s[k].shape) for k, m in zip(s, parts)}
    else:
        masks = {k: cut_smallest(v.detach().flatten(), int((1 - KEEP) * v.numel())).reshape(v.shape)
                 for k, v in s.items()}
    return {k: weights[k] * (masks[k] if kind == "weights" else Through.apply(s[k], masks[k])) for k in s}


def run(kind, scope, n_steps, lr, um=None, frozen=False, momentum=0.0, decay=0.0, n_images=16,
        dtype=torch.double, start=lambda: DenseNet(22, 10), shaken=0):
    """The losses, and the network and its scores after the steps."""
    net = fill(start()).train().to(dtype)
    weights = {n: p for n, p in net.named_parameters() if n.endswith(".weight")}
    scores = {}
    for n, p in weights.items():
        v = 0.1 * (2 * uniform(n[:-len("weight")] + "scores", p.numel()) - 1)
        scores[n] = torch.tensor(v.astype(np.float32)).to(dtype).reshape(p.shape).requires_grad_()
    shake([*net.parameters(), *scores.values()], shaken)
    trained = ([] if frozen else list(net.parameters())) + ([] if kind == "weights" else list(scores.values()))
    opt = torch.optim.SGD(trained, lr=lr, momentum=momentum, weight_decay=decay)
    rng = Rng(0, 5)
    x, y = images(n_images, 10)
    losses = []
    for _ in range(n_steps):
        ce = F.cross_entropy(functional_call(net, effective(weights, scores, kind, scope, rng), (x.to(dtype),)), y)
        loss = ce if um is None else (ce - um).abs() + um
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(ce.item())
    return losses, weights, scores


def shown(kind, weights, scores):
    rows = []
    for n in SHOWN:
        rows.append(weights[n + ".weight"].detach().flatten()[:100])
        if kind != "weights":
            rows.append(scores[n + ".weight"].detach().flatten()[:100])
    return rows


def one_step():
    """One step of rate 1 without momentum, so that old minus new values are the gradients. An activation within
    rounding of 0 takes its ReLU's other side in single precision; so only as many images are used as have none: single
    and double precision agree. The first line says how many."""
    for kind, scope in (("scores", "layer"), ("scores", "model"), ("weights", "layer"), ("bernoulli", "layer")):
        for n_images in range(2, 17):
            _, *double = run(kind, scope, 1, 1.0, n_images=n_images)
            _, *single = run(kind, scope, 1, 1.0, n_images=n_images, dtype=torch.float)
            double, single = shown(kind, *double), shown(kind, *single)
            if max((a - b).abs().max() for a, b in zip(double, single)) < 1e-6:
                save(f"um_masks_{kind}-{scope}.txt", [[n_images]] + double)
                break
        else:
            raise SystemExit(f"{kind} {scope}: single and double precision differ everywhere")


if __name__ == "__main__":
    one_step()
    # Rounding decides whether a score near the threshold is cut, and whether a loss near the level is folded.
    save("um_masks_umap.txt", [settled(lambda shaken: run(
        "scores", "layer", 20, 0.02, um=2.312, frozen=True, momentum=0.9, decay=1e-3,
        start=lambda: DenseNet(10, 10, growth=4), shaken=shaken)[0])])
