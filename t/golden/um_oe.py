"""Reference numbers for outlier exposure, from PyTorch and NumPy by the formulas, in double precision.

Two steps of each method from the network and images of t/helper/golden-net.c, with the random numbers of
lib/ts/ts_rng.c: the choice of outliers, their order, perturbations. Writes the options of um-train, the loss, folded
loss and outliers' loss before each step, and numbers of the state after. Also the posterior of a Bayesian linear
regression.

    python3 um_oe.py     recreates um_oe.txt and um_blr.txt
"""
import copy
import math

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

from um_densenet import M64, DenseNet, fill, images, save, uniform
from um_masks import Rng

ORDER, OUTLIERS, POEM, DOE, MIX = 2, 8, 10, 11, 12
N_AUX = 40
SHOWN = ("conv1.weight", "block3.layer.2.conv2.weight", "fc.weight", "bn1.running_mean", "bn1.running_var")


class Random(Rng):
    def below(self, n):
        limit = M64 - M64 % n
        while True:
            self.double()
            x = mix(self.state)
            if x < limit:
                return x % n

    def normal(self):
        u, v = 1 - self.double(), self.double()
        return math.sqrt(-2 * math.log(u)) * math.cos(2 * math.pi * v)

    def permutation(self, n):
        idx = list(range(n))
        for i in range(n, 1, -1):
            j = self.below(i)
            idx[i - 1], idx[j] = idx[j], idx[i - 1]
        return idx

    def sample(self, k, n):
        out = []
        for i in range(n):
            if len(out) < k and self.below(n - i) < k - len(out):
                out.append(i)
        return out


def mix(z):
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & M64
    z = (z ^ z >> 27) * 0x94D049BB133111EB & M64
    return z ^ z >> 31


def random(seed, epoch, n, purpose):
    """um_oe_rng()"""
    r = Random(seed ^ epoch << 32, purpose)
    r.state = (r.state + n * 0xDA942042E4DD58B5) & M64
    r.double()
    r.double()
    return Random(mix(r.state), purpose)


def outliers(n):
    x = np.floor(256 * uniform("outlier", n * 3072)).astype(np.float32).reshape(n, 3, 32, 32)
    return torch.from_numpy(x)


def to_uniform(z):
    """-sum_c 1/C log softmax(z)_c, the mean over rows"""
    return -F.log_softmax(z, 1).mean()


def energy(z):
    return -torch.logsumexp(z, 1)


class Run:
    def __init__(self, method, n, dtype, seed=0, lr=0.02, um=None, ratio=1.0, separate=False, published=False, t=None,
                 pool=None, alpha=1.0, layout=torch.contiguous_format):
        self.__dict__.update(locals())
        self.net = fill(DenseNet(22, 10)).train().to(dtype).to(memory_format=layout)
        self.opt = torch.optim.SGD(self.net.parameters(), lr=lr, momentum=0.9, weight_decay=1e-3)
        self.x, self.y = images(n, 10)
        self.x, self.aux = self.x.to(dtype).to(memory_format=layout), outliers(N_AUX).to(dtype)
        self.k = max(1, round(ratio * n))
        self.direction, self.proxy = None, None
        self.buffer = {}
        if method == "poem":
            d, r = self.net.fc.in_features, random(seed, 0, 0, POEM)
            mean = np.array([0.01 * r.normal() for _ in range(d)])
            self.beta = mean + math.sqrt(20) * np.array([r.normal() for _ in range(d)])

    # ---- which outliers ----
    def features(self, x):
        self.net.eval()
        with torch.no_grad():
            self.net(x)
        self.net.train()
        return self.net.features.double().numpy()

    def choose(self, epoch):
        choice, order = (random(self.seed, epoch, i, OUTLIERS) for i in (0, 1))
        if self.method != "poem":
            which = choice.sample(self.k, N_AUX)
            return [which[i] for i in order.permutation(self.k)]
        pool = choice.sample(self.pool or N_AUX, N_AUX)
        f = np.abs(self.features(self.aux[pool]) @ self.beta)
        near = [pool[i] for i in np.argsort(f, kind="stable")]
        return [near[i] for i in order.permutation(self.k)]

    def posterior(self, epoch):
        h_in, h_out = self.features(self.x), [self.features(self.aux[self.buffer[e]]) for e in range(epoch + 1)]
        z = np.concatenate([h_in] * (epoch + 1) + h_out)
        shift = math.sqrt(0.5) * random(self.seed, 0, 1, POEM).normal() if self.published else 0.0
        y = np.concatenate([np.full(len(h_in) * (epoch + 1), shift - 3.9)] + [np.full(len(h), shift + 3.9) for h in h_out])
        a = z.T @ z / 0.5 + np.eye(z.shape[1]) / 20
        mean = np.linalg.solve(a, z.T @ y / 0.5)
        r = random(self.seed, epoch + 1, 0, POEM)
        noise = np.linalg.solve(np.linalg.cholesky(a).T, np.array([r.normal() for _ in mean]))
        self.beta = mean + math.sqrt(20 if self.published else 1) * noise

    # ---- a step ----
    def forward(self, net, x, out):
        if not self.separate:
            z = net(torch.cat([x, out]))
            return z[:len(x)], z[len(x):]
        z = net(x)
        norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
        for m in norms:
            m.momentum = 0.0
        z_out = net(out)
        for m in norms:
            m.momentum = 0.1
        return z, z_out

    def id_loss(self, z, y):
        if self.t:
            z = z / (z.norm(dim=1, keepdim=True) + 1e-7) / self.t
        ce = F.cross_entropy(z, y)
        return ce, ce if self.um is None else (ce - self.um).abs() + self.um

    def down(self, loss, clip=None):
        self.opt.zero_grad()
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(self.net.parameters(), clip)
        self.opt.step()

    def step(self, epoch):
        order = Random(self.seed ^ epoch << 32, ORDER).permutation(self.n)
        x, y = self.x[order], self.y[order]
        if self.method is None:
            ce, folded = self.id_loss(self.net(x), y)
            self.down(folded)
            return ce.item(), folded.item(), 0
        self.buffer[epoch] = which = self.choose(epoch)
        out = self.aux[which]
        if self.method == "doe":
            return self.doe(epoch, x, y, out)
        if self.method == "mixoe":
            r = random(self.seed, epoch, 0, MIX)
            while True:
                a, b = r.double() ** (1 / self.alpha), r.double() ** (1 / self.alpha)
                if 0 < a + b <= 1:
                    break
            share, pair = a / (a + b), [j % self.n for j in range(self.k)]
            out = torch.floor(share * x[pair].double() + (1 - share) * out.double() + 0.5).to(self.dtype)
            target = share * F.one_hot(y[pair], 10) + (1 - share) / 10
        z, z_out = self.forward(self.net, x, out)
        ce, folded = self.id_loss(z, y)
        if self.method == "oe":
            term = 0.5 * to_uniform(z_out)
        elif self.method == "mixoe":
            term = 2 * -(target.to(self.dtype) * F.log_softmax(z_out, 1)).sum(1).mean()
        else:
            term = 0.1 * (F.relu(energy(z) + 3).pow(2).mean() + F.relu(-2 - energy(z_out)).pow(2).mean())
        self.down(folded + term)
        if self.method == "poem":
            self.posterior(epoch)
        return ce.item(), folded.item(), term.item()

    def doe(self, epoch, x, y, out):
        gamma = (0.1, 0.01, 0.001, 0.0001)[random(self.seed, epoch, 0, DOE).below(4)]
        if self.proxy is None:
            self.proxy = copy.deepcopy(self.net)
            self.proxy_opt = (torch.optim.SGD(self.proxy.parameters(), lr=1, momentum=0.9, weight_decay=1e-3)
                              if self.published else torch.optim.SGD(self.proxy.parameters(), lr=1))
        self.proxy.load_state_dict(self.net.state_dict())
        s = torch.ones(1, dtype=self.dtype, requires_grad=True)
        z = self.forward(self.proxy, x, out)[1] * s
        slope = torch.autograd.grad((z.mean(1) - torch.logsumexp(z, 1)).mean(), [s], create_graph=True)[0]
        r = slope.pow(2).sum()
        self.proxy_opt.zero_grad()
        (r if self.published else -r).backward()
        if not self.published:
            nn.utils.clip_grad_norm_(self.proxy.parameters(), 1)
        self.proxy_opt.step()
        weights = {n: p for n, p in self.net.named_parameters() if "weight" in n and p.dim() > 1}
        moved = dict(self.proxy.named_parameters())
        with torch.no_grad():
            d = {n: p.norm() / ((moved[n] - p).norm() + 1e-20) * (moved[n] - p) for n, p in weights.items()}
            self.direction = d if self.direction is None else {n: 0.6 * self.direction[n] + 0.4 * d[n] for n in d}
            for n, p in weights.items():
                p.add_(self.direction[n], alpha=gamma)
        term = to_uniform(self.forward(self.net, x, out)[1])
        self.down(term, clip=1)
        with torch.no_grad():
            for n, p in weights.items():
                p.sub_(self.direction[n], alpha=gamma)
        ce, folded = self.id_loss(self.forward(self.net, x, out)[0], y)
        self.down(folded, clip=1)
        return ce.item(), folded.item(), term.item()

    def numbers(self):
        rows = [self.step(epoch) for epoch in (0, 1)]
        state = self.net.state_dict()
        return np.concatenate([np.ravel(rows)] + [state[n].double().numpy().ravel()[:30] for n in SHOWN])


# um-train's options beside those of t/2070-oe.t, and the same for Run.
CASES = (
    ("--oe oe", dict(method="oe")),
    ("--oe oe --um 2.5 --seed 2", dict(method="oe", um=2.5, seed=2)),
    ("--oe oe --aux-ratio 0.5 --separate-bn", dict(method="oe", ratio=0.5, separate=True)),
    ("--oe energy --m-in -3 --m-out -2", dict(method="energy")),
    ("--oe energy --m-in -3 --m-out -2 --um 2.5 --aux-ratio 2", dict(method="energy", um=2.5, ratio=2.0)),
    ("--oe poem --m-in -3 --m-out -2 --poem-pool 18", dict(method="poem", pool=18)),
    ("--oe poem --m-in -3 --m-out -2 --poem-published", dict(method="poem", published=True)),
    ("--oe poem --m-in -3 --m-out -2 --um 2.6", dict(method="poem", um=2.6)),
    ("--oe doe --doe-warmup 0 --seed 4 --lr 0.005", dict(method="doe", seed=4, lr=0.005)),
    ("--oe doe --doe-warmup 0 --doe-published --um 2.4 --seed 11 --lr 0.005",
     dict(method="doe", published=True, um=2.4, seed=11, lr=0.005)),
    ("--oe doe --doe-warmup 0 --um 2.6 --seed 4 --lr 0.005", dict(method="doe", um=2.6, seed=4, lr=0.005)),
    ("--oe mixoe --oe-weight 2 --mixoe-alpha 0.7 --aux-ratio 1.5", dict(method="mixoe", alpha=0.7, ratio=1.5)),
    ("--oe mixoe --oe-weight 2 --um 2.5", dict(method="mixoe", um=2.5)),
    ("--logit-norm 0.04", dict(method=None, t=0.04)),
    ("--logit-norm 0.5 --oe oe", dict(method="oe", t=0.5)),
)


def steps():
    """An activation within rounding of 0 takes its ReLU's other side in single precision; so only as many images are
    used as have none: single precision, in two memory layouts, and double agree."""
    with open("um_oe.txt", "w") as f:
        for options, args in CASES:
            for n in range(4, 20):
                double = Run(n=n, dtype=torch.double, **args).numbers()
                worst = max((np.abs(double - Run(n=n, dtype=torch.float, layout=layout, **args).numbers()) /
                             np.maximum(1, np.abs(double))).max()
                            for layout in (torch.contiguous_format, torch.channels_last))
                if worst < (4e-5 if args["method"] == "doe" else 2e-5):
                    break
            else:
                raise SystemExit(f"{options}: single and double precision differ everywhere")
            print(f"{options}: {n} images, single differs by {worst:.2g}; {double[:6].round(4)}")
            f.write(f"{n} {options}\n" + " ".join(f"{v:.9g}" for v in double) + "\n")


def regression():
    """Rows from a formula; the posterior's mean and covariance, and a sample."""
    d, n = 12, 40
    h = (4 * uniform("h", n * d) - 1).astype(np.float32).astype(np.float64).reshape(n, d)
    y = np.where(np.arange(n) < 15, -3.9, 3.9)
    times = np.where(np.arange(n) < 15, 2, 1)
    a = (h.T * times) @ h / 0.5 + np.eye(d) / 20
    covariance = np.linalg.inv(a)
    mean = covariance @ (h.T @ (times * y)) / 0.5
    r = Random(5, POEM)
    sample = mean + math.sqrt(20) * np.linalg.inv(np.linalg.cholesky(a).T) @ np.array([r.normal() for _ in range(d)])
    with open("um_blr.txt", "w") as f:
        for row in (mean, sample, *covariance):
            f.write(" ".join(f"{v:.17g}" for v in row) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    regression()
    steps()
