#!/usr/bin/python3
# Every post-hoc score from its definition, in NumPy and SciPy, in double precision and without lib/ood's
# shortcuts: one row at a time, explicit inverses, log-space only where the definition is. Used by ood_methods.py
# and by t/3040. A method that cannot work on the data gives None.
import numpy as np
from scipy import linalg, optimize
from scipy.special import logsumexp, softmax, log_softmax


def log_odds(l):
    k = l.argmax()
    return -logsumexp(np.delete(l, k) - l[k])


def pinvh(a):
    return linalg.pinvh(a, rtol=a.shape[0] * np.finfo(float).eps)


class Data:
    """Logits, features, labels of a set."""
    def __init__(self, logits, features, labels):
        self.l = np.asarray(logits, dtype=np.float64)
        self.z = np.asarray(features, dtype=np.float64)
        self.y = np.asarray(labels)
        self.pred = self.l.argmax(1)


def unit(z):
    n = np.linalg.norm(z, axis=1, keepdims=True)
    return np.divide(z, n, out=np.zeros_like(z), where=n > 0)


def single(z):
    """lib/ood divides by the norm and stores the result in single precision."""
    return unit(z).astype(np.float32).astype(np.float64)


# ---- logits

def msp(t, temperature=1, published=0, **k):
    if published:
        return softmax(softmax(t.l / temperature, axis=1), axis=1).max(1)
    return [log_odds(l / temperature) for l in t.l]


def maxlogit(t, **k):
    return t.l.max(1)


def energy(t, temperature=1, **k):
    return temperature * logsumexp(t.l / temperature, axis=1)


def entropy(t, **k):
    # -log H; H in long double, without mpmath, fine for margins up to 40
    lp = log_softmax(t.l, axis=1)
    out = []
    for l, q in zip(t.l, lp):
        i = l.argmax()
        rest = logsumexp(np.delete(l, i)) - logsumexp(l)
        top = np.exp(q[i]) * -np.log1p(-np.exp(rest))
        out.append(-np.log(top + sum(np.exp(v) * -v for j, v in enumerate(q) if j != i)))
    return out


def logitgap(t, W, b, top=0, **k):
    return [np.mean(sorted(l[i] - np.delete(l, i))[:int(top) or None]) for l, i in zip(t.l, t.pred)]


def gen(t, gamma=0.1, top=100, **k):
    whole = logsumexp(t.l, axis=1)[:, None]
    rest = np.stack([logsumexp(np.delete(t.l, c, axis=1), axis=1) for c in range(t.l.shape[1])], axis=1)
    order = np.argsort(-t.l, axis=1, kind='stable')[:, :int(top)]
    return -sum(np.take_along_axis(np.exp(gamma * (t.l - whole + rest - whole)), order, axis=1).T)


def temperature(t, val=None, **k):
    if val is None:
        return None
    rows = np.arange(len(val.y))
    nll = lambda b: -np.mean(log_softmax(b * val.l, axis=1)[rows, val.y])
    grad = lambda b: np.mean((softmax(b * val.l, axis=1) * val.l).sum(1) - val.l[rows, val.y])
    if (val.pred == val.y).all() or grad(1e-4) >= 0:
        return None
    b = optimize.brentq(grad, 1e-4, 1e4, xtol=1e-14, rtol=1e-14)
    assert nll(b) <= nll(b * 1.01) and nll(b) <= nll(b * 0.99)
    return [log_odds(b * l) for l in t.l]


def klm(t, val=None, train=None, **k):
    f = val if val is not None else train
    p = softmax(f.l, axis=1)
    C = f.l.shape[1]
    d = [p[f.pred == c].mean(0) if (f.pred == c).any() else np.eye(C)[c] for c in range(C)]
    d = np.log(np.maximum(d, 1e-300))
    return [-min((np.exp(q) * (q - d[c])).sum() for c in range(C)) for q in log_softmax(t.l, axis=1)]


def openmax(t, train=None, tail=20, alpha=3, **k):
    C = t.l.shape[1]
    fits = []
    for c in range(C):
        own = train.l[(train.y == c) & (train.pred == c)]
        if len(own) < 2:
            return None
        mav = own.mean(0)
        x = np.sort(np.linalg.norm(own - mav, axis=1))[::-1][:int(tail)]
        if x[0] == x[-1]:
            return None
        f = lambda s: (x * np.exp((x - x[0]) / s)).sum() / np.exp((x - x[0]) / s).sum() - x.mean() - s
        s = optimize.brentq(f, 1e-6 * (x[0] - x[-1]), x[0] - x[-1], xtol=1e-15, rtol=1e-14)
        fits.append((mav, x[0] + s * np.log(np.mean(np.exp((x - x[0]) / s))), s))
    out = []
    for l in t.l:
        r = l.copy()
        a = min(int(alpha), C)
        for rank, c in enumerate(np.argsort(-l, kind='stable')[:a]):
            mav, m, s = fits[c]
            w = 1 - np.exp(-np.exp((np.linalg.norm(l - mav) - m) / s))
            r[c] = l[c] * (1 - w * (a - rank) / a)
        out.append(logsumexp(r) - (l - r).sum())
    return out


# ---- features and last layer

def gradnorm(t, **k):
    C = t.l.shape[1]
    return [np.abs(z).sum() * np.abs(C * p - 1).sum() for z, p in zip(t.z, softmax(t.l, axis=1))]


def head(z, W, b):
    return THEN((z @ W.T + b))


def ENERGY(l):
    return logsumexp(l, axis=1)


THEN = ENERGY
OF_SHAPES = 'percentile', 'threshold', 'high', 'low', 'clip', 'each', 'bins'


def mcm(t, W, b, temperature=1, **k):
    cosine = unit(t.z) @ unit(W).T
    return [log_odds(c / temperature) for c in cosine]


def react(t, W, b, train=None, val=None, percentile=90, threshold=0, **k):
    high = threshold or np.percentile((val or train).z, percentile)
    return head(np.minimum(t.z, high), W, b)


def vra(t, W, b, train=None, val=None, high=90, low=10, clip=0, each=0, **k):
    lo, hi = np.percentile((val or train).z, [low, high])
    if hi <= lo:
        return None
    if each:
        lo, hi = np.percentile((val or train).z, [low, high], axis=0)
    return head(np.where(t.z < lo, lo if clip else 0, np.minimum(t.z, hi)), W, b)


def keep(z, percentile):
    D = len(z)
    k = D - int(np.round(D * percentile / 100))
    out = np.zeros(D, dtype=bool)
    out[np.argsort(-z, kind='stable')[:k]] = True
    return out


def ash(t, W, b, percentile, kind):
    rows = []
    for z in t.z:
        m = keep(z, percentile)
        p = np.where(m, z, 0)
        if kind == 'b':
            p = np.where(m, z.sum() / max(m.sum(), 1), 0)
        elif kind == 's':
            p = p * np.exp(min(z.sum() / p.sum(), 80) if p.sum() else 80)
        elif kind == 'scale':
            p = z * np.exp(min(z.sum() / p.sum(), 80) if p.sum() else 80)
        rows.append(p)
    return head(np.array(rows), W, b)


def dice(t, W, b, train=None, percentile=90, **k):
    m = W * train.z.mean(0)
    return head(t.z, np.where(m > np.percentile(m, percentile), W, 0), b)


def lts(t, percentile=95, **k):
    """andrijazz/lts, pytorch-ood 0.4: p = 1 - percentile / 100 of the features, at least one."""
    out = []
    for l, z in zip(t.l, np.maximum(t.z, 0)):
        n = max(1, len(z) - round(len(z) * percentile / 100))
        top = np.sort(z)[::-1][:n].sum()
        out.append(logsumexp(l * (z.sum() / top if top else 1) ** 2))
    return out


def optfs(t, W, b, train=None, bins=100, **k):
    """LingAndZero/CADRef's program of Qinyu-Allen-Zhao/OptFSOOD, whose left < z < left + width depends on rounding where
    z is the quantile itself; so does the number of its bins."""
    bins = int(bins)
    low, high = np.quantile(train.z, [1e-3, 1 - 1e-3])
    step = lambda z: np.floor((z - low) / ((high - low) / bins))
    added = W[train.pred] * train.z
    theta = np.array([((step(train.z) == i) * added).sum(1).mean() for i in range(bins)])
    theta *= 1000 / np.linalg.norm(theta)
    return head(sum((step(t.z) == i) * t.z * a for i, a in enumerate(theta)), W, b)


def ras(t, W, b, train=None, **k):
    shifted = np.empty_like(t.z)
    np.put_along_axis(shifted, np.argsort(-t.z, axis=1, kind='stable'), -np.sort(-train.z, axis=1).mean(0)[None], axis=1)
    return head(shifted, W, b)


def nac(t, W, b, train=None, alpha=100, least=50, edges=50, **k):
    """BierOne/ood_coverage, as in mgranz/weiper, for the layer avgpool alone; its gradient by hand."""
    left = np.log(np.linspace(1, np.sqrt(1000), int(edges) // 2)) / np.log(1000)
    left[-1] = 0.5
    x = np.concatenate([left[:-1], 1 - left[::-1]])
    C, D = W.shape
    state = lambda s: 1 / (1 + np.exp(-alpha * s.z * ((softmax(s.l, axis=1) - 1 / C) @ W)))
    place = lambda v: np.minimum(np.searchsorted(x, v, side='right') - 1, len(x) - 2)
    own, bank = place(state(t)), place(state(train))
    rows = np.stack([np.bincount(bank[:, d], minlength=len(x)) for d in range(D)])
    return np.minimum(rows, least)[np.arange(D), own].sum(1) / (least * D)


# ---- means

def by_prediction(train, z, C):
    """Means of z over the training rows that the model takes for each class."""
    rows = [z[train.pred == c] for c in range(C)]
    return None if any(len(r) == 0 for r in rows) else np.array([r.mean(0) for r in rows])


def caref(t, train=None, **k):
    """LingAndZero/CADRef."""
    mu = by_prediction(train, train.z, t.l.shape[1])
    return None if mu is None else [-np.abs(z - mu[c]).sum() / np.abs(z).sum() for z, c in zip(t.z, t.pred)]


def cadref(t, W, b, train=None, confidence=0, **k):
    mu = by_prediction(train, train.z, t.l.shape[1])
    S = [lambda l: logsumexp(l, axis=1), lambda l: softmax(l, axis=1).max(1), lambda l: l.max(1)][int(confidence)]
    if mu is None or S(train.l).mean() <= 0:
        return None
    out = []
    for z, c, own in zip(t.z, t.pred, S(t.l)):
        d = (z - mu[c]) * np.sign(W[c])
        up, down = d[d > 0].sum() / np.abs(z).sum(), -d[d < 0].sum() / np.abs(z).sum()
        out.append(-(up / own + down / S(train.l).mean()))
    return out


def core(t, W, b, train=None, **k):
    """arXiv 2603.18290; no program by its authors was found."""
    inside = linalg.orth(W.T, rcond=1e-10)
    if inside.shape[1] == W.shape[1]:
        return None
    residual = lambda z: unit(z - z @ inside @ inside.T)
    mean = by_prediction(train, residual(train.z), t.l.shape[1])
    if mean is None:
        return None
    both = lambda s: (logsumexp(s.l, axis=1), (residual(s.z) * unit(mean)[s.pred]).sum(1))
    out = 0
    for own, of_train in zip(both(t), both(train)):
        if of_train.std() <= 1e-9 * (1 + abs(of_train.mean())):
            return None
        out = out + (own - of_train.mean()) / of_train.std()
    return out


def gmm(t, train=None, reg=1e-6, **k):
    """pytorch-ood 0.4's GMM."""
    D = t.z.shape[1]
    parts = []
    for c in np.unique(train.y):
        z = train.z[train.y == c]
        s = (z - z.mean(0)).T @ (z - z.mean(0)) / len(z) + reg * np.eye(D)
        if np.linalg.eigvalsh(s)[0] <= 0:
            return None
        d = t.z - z.mean(0)
        parts.append(np.log(len(z) / len(train.z)) - 0.5 * ((d * np.linalg.solve(s, d.T).T).sum(1) +
                                                            np.linalg.slogdet(s)[1] + D * np.log(2 * np.pi)))
    return logsumexp(parts, axis=0)


def pnml(t, W, b, train=None, **k):
    """pytorch-ood 0.4's PNML, of kobybibas/pnml_ood_detection."""
    bank, u = single(train.z), single(t.z)
    P = pinvh(bank.T @ bank)
    q = ((u @ P) * u).sum(1)[:, None]
    p = np.clip(softmax(u @ W.T + b, axis=1), 1e-12, 1 - 1e-12)
    return -np.log((p / (p + (1 - p) * p ** (q / (1 + q)))).sum(1)) / np.log(len(b))


def she(t, train=None, **k):
    C = t.l.shape[1]
    right = [train.z[(train.y == c) & (train.pred == c)] for c in range(C)]
    if any(len(r) == 0 for r in right):
        return None
    return [z @ right[c].mean(0) for z, c in zip(t.z, t.pred)]


def ctm(t, train=None, **k):
    if any(not (train.y == c).any() for c in range(t.l.shape[1])):
        return None
    means = [train.z[train.y == c].mean(0) for c in range(t.l.shape[1])]
    return [max(z @ m / np.linalg.norm(z) / np.linalg.norm(m) for m in means) for z in t.z]


def nci(t, W, b, train=None, alpha=1e-4, **k):
    mu = train.z.mean(0)
    return [W[c] @ (z - mu) / np.linalg.norm(z - mu) + alpha * np.abs(z).sum() for z, c in zip(t.z, t.pred)]


def fdbd(t, W, b, train=None, centred=1, **k):
    mu = train.z.mean(0) * centred
    return [sum((l[i] - l[c]) / np.linalg.norm(W[i] - W[c]) for c in range(len(l)) if c != i) /
            np.linalg.norm(z - mu) for l, z, i in zip(t.l, t.z, t.pred)]


def ora(t, W, b, train=None, **k):
    """The angles themselves, between vectors; by Kahan's formula, which is exact for small ones."""
    C = len(b)
    if any(not (train.y == c).any() for c in range(C)):
        return None
    mu = np.mean([train.z[train.y == c].mean(0) for c in range(C)], axis=0)

    def angle(u, v):
        u, v = u * np.linalg.norm(v), v * np.linalg.norm(u)
        return 2 * np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v))

    onto = lambda z, l, v: z - l / (v @ v) * v
    return [max(angle(z - mu, onto(z, l[i] - l[c], W[i] - W[c]) - mu) for c in range(C) if c != i) / np.pi
            for l, z, i in zip(t.l, t.z, t.pred)]


def distances(z, train_z, y, ridge, relative):
    """max_c -(z - mu_c)' P (z - mu_c) [+ (z - mu)' P0 (z - mu)]"""
    classes = np.unique(y)
    if relative and len(classes) < 2:
        return None
    means = {c: train_z[y == c].mean(0) for c in classes}
    inner = train_z - np.array([means[c] for c in y])
    add = lambda s: s + np.eye(len(s)) * ridge * np.trace(s) / len(s)
    s = inner.T @ inner / len(y)
    if not s.any():
        return None
    P = pinvh(add(s))
    mu = train_z.mean(0)
    total = (train_z - mu).T @ (train_z - mu) / len(y)
    P0 = pinvh(add(total))
    out = []
    for v in z:
        d = max(-(v - m) @ P @ (v - m) for m in means.values())
        out.append(d + ((v - mu) @ P0 @ (v - mu) if relative else 0))
    return out


# ---- subspaces

def residual_norm(z, W, b, train, dim):
    D = z.shape[1]
    dim = int(dim) or (1000 if D >= 2048 else 512 if D > 512 else D // 2)
    if dim == 0 or dim >= D:
        return None, None
    u = -np.linalg.pinv(W) @ b
    w, v = np.linalg.eigh((train.z - u).T @ (train.z - u) / len(train.z))
    R = v[:, np.argsort(-w, kind='stable')[dim:]]
    return np.linalg.norm((z - u) @ R, axis=1), np.linalg.norm((train.z - u) @ R, axis=1)


def residual(t, W, b, train=None, dim=0, **k):
    r, _ = residual_norm(t.z, W, b, train, dim)
    return None if r is None else -r


def vim(t, W, b, train=None, dim=0, **k):
    r, own = residual_norm(t.z, W, b, train, dim)
    if r is None or own.mean() == 0:
        return None
    return logsumexp(t.l, axis=1) - train.l.max(1).mean() / own.mean() * r


def sirc(t, W, b, train=None, dim=0, norm=0, **k):
    if norm:
        s, own = np.abs(t.z).sum(1), np.abs(train.z).sum(1)
    else:
        s, own = residual_norm(t.z, W, b, train, dim)
        if s is None:
            return None
        s, own = -s, -own
    if own.std() == 0:
        return None
    return np.logaddexp(0, msp(t)) - np.logaddexp(0, -(s - own.mean() + 3 * own.std()) / own.std())


def neco(t, train=None, dim=0, variance=90, logit=1, **k):
    mu, sd = train.z.mean(0), train.z.std(0)
    scale = np.divide(1, sd, out=np.zeros_like(sd), where=sd > 0)
    s = (train.z - mu) * scale
    w, v = np.linalg.eigh(s.T @ s / len(s))
    w, v = w[::-1], v[:, ::-1]
    d = int(dim) or int(np.searchsorted(np.cumsum(np.maximum(w, 0)), variance / 100 * np.maximum(w, 0).sum()) + 1)
    d = d if dim else min(d, len(mu) - 1)
    if d >= len(mu):
        return None
    x = (t.z - mu) * scale
    share = np.linalg.norm(x @ v[:, :d], axis=1) / np.linalg.norm(x, axis=1)
    return share * (t.l.max(1) if logit else 1)


def outside(x, own, variance):
    """Minus the norms of what lies outside the principal axes that hold `variance` percent of own's variance."""
    mu = own.mean(0)
    w, v = np.linalg.eigh((own - mu).T @ (own - mu))
    w, v = np.maximum(w[::-1], 0), v[:, ::-1]
    q = int(np.searchsorted(np.cumsum(w), variance / 100 * w.sum()) + 1)
    if w[q:].sum() <= 1e-12 * w.sum():
        return None
    return -np.linalg.norm((x - mu) @ v[:, q:], axis=1)


def cop(t, train=None, variance=85, **k):
    return outside(single(t.z), single(train.z), variance)


def corp(t, train=None, variance=80, gamma=2, size=0, **k):
    D = train.z.shape[1]
    M = int(size) or min(4 * D, 2048)
    w, u = np.sqrt(2 * gamma) * normals(M * D).reshape(M, D), 2 * np.pi * uniforms(M, 1)
    phi = lambda z: (np.sqrt(2 / M) * np.cos(single(z) @ w.T + u)).astype(np.float32).astype(np.float64)
    return outside(phi(t.z), phi(train.z), variance)


# ---- neighbours

def knn(t, train=None, k=50, **o):
    if k > len(train.z):
        return None
    bank = unit(train.z)
    return [-np.sort(((z - bank) ** 2).sum(1))[int(k) - 1] for z in unit(t.z)]


def nnguide(t, train=None, k=100, **o):
    """alpha=1: over all training rows."""
    if k > len(train.z):
        return None
    bank = unit(train.z) * logsumexp(train.l, axis=1)[:, None]
    return [logsumexp(l) * np.sort(bank @ z)[::-1][:int(k)].mean() for l, z in zip(t.l, unit(t.z))]


def relation(t, train=None, power=1, threshold=0.03, **k):
    bank, p = unit(train.z), softmax(train.l, axis=1)
    r = np.maximum(unit(t.z) @ bank.T, 0) * (softmax(t.l, axis=1) @ p.T)
    return np.where(r > threshold, r, 0).__pow__(power).sum(1)


def cfood(t, train=None, alpha=0.1, k=0.01, **o):
    """alpha=1: of all training rows."""
    n = int(alpha * len(train.z))
    if n < 2:
        return None
    bank = unit(train.z)
    grid = np.concatenate([np.linspace(.001, .1, 100), np.linspace(.105, .5, 81), np.linspace(.51, .99, 49)])
    rank = np.array(grid * n - 1, dtype=int)
    first = np.concatenate([[True], rank[1:] > rank[:-1]])
    grid, rank = grid[first], rank[first]
    to = lambda z: z.any() * 1 + bank.any(1) - 2 * bank @ z  # exactly 2 where no feature is shared, so that ties are ties
    radius = np.array([np.sort(to(z))[rank + 1] for z in bank])
    out = []
    for z in unit(t.z):
        enough = (radius >= to(z)[:, None]).mean(0) >= k
        out.append(-grid[enough.argmax()] if enough.any() else -1)
    return out


def grood(t, W, b, train=None, val=None):
    """val holds the outliers."""
    right = train.pred == train.y
    if not right.any() or len(np.unique(train.y)) < train.l.shape[1]:
        return None
    o = val.z.mean(0)
    prototypes = np.array([train.z[train.y == c].mean(0) for c in range(train.l.shape[1])] + [o])

    def gradient(z):
        d = np.linalg.norm(z - prototypes, axis=1)
        return softmax(-d)[-1] * (z - o) / d[-1]
    bank = np.array([gradient(z) for z in train.z[right]])
    return [-np.log(min(((gradient(z) - bank) ** 2).sum(1))) for z in t.z]


def uniforms(n, stream):
    """ts_rng.h: the numbers of ts_rng_double() from ts_rng_new(0, stream)."""
    golden = np.uint64(0x9e3779b97f4a7c15)

    def mix(z):
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xbf58476d1ce4e5b9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94d049bb133111eb)
        return z ^ (z >> np.uint64(31))
    with np.errstate(over='ignore'):
        start = mix(np.array([golden])) ^ mix(mix(np.array([0x3c6ef372fe94f82a + stream], dtype=np.uint64)))
        return (mix(start + golden * np.arange(1, n + 1, dtype=np.uint64)) >> np.uint64(11)) * 2.0 ** -53


def normals(n):
    u = uniforms(2 * n, 0)
    return np.sqrt(-2 * np.log(1 - u[::2])) * np.cos(2 * np.pi * u[1::2])


def weiper(t, W, b, train=None, delta=1.8, lambda1=2.5, lambda2=.1, smooth1=4, smooth2=15, bins=100, repeats=100, **k):
    bins, r, (C, D) = int(bins), int(repeats), W.shape
    noise = normals(r * C * D).reshape(r, C, D)
    noise /= np.linalg.norm(noise, axis=2, keepdims=True)
    perturbed = (W + delta * np.linalg.norm(W, axis=1)[:, None] * noise).astype(np.float32).astype(np.float64)
    logits = lambda z: np.einsum('nd,rcd->nrc', z, perturbed) + b

    def histograms(v, low, high):
        return np.array([np.histogram(x, bins=bins, range=(low, high))[0] / len(x) for x in v])

    def smooth(p, width):
        width = int(width)
        before = (width - 1) // 2
        p = np.pad(p, (before, width - 1 - before), mode='edge')
        return np.convolve(p, np.ones(width) / width, mode='valid')

    def apart(q, p, eps):
        q, p = (q + eps) / (q + eps).sum(), (p + eps) / (p + eps).sum()
        return (q * np.log(q / p)).sum() + (p * np.log(p / q)).sum()
    out = np.zeros(len(t.z))
    for own, of, width, eps, by in ((train.z, t.z, smooth1, .01, 1),
                                    (logits(train.z).reshape(len(train.z), -1), logits(t.z).reshape(len(t.z), -1),
                                     smooth2, .025, lambda1)):
        q = histograms(own, own.min(), own.max()).mean(0)
        out -= [by * apart(q, smooth(p, width), eps) for p in histograms(of, own.min(), own.max())]
    return out + lambda2 * softmax(logits(t.z), axis=2).max(2).mean(1)


def mean_msp(l, logits):
    """l (models,n,C)"""
    if logits:
        return [log_odds(v) for v in l.mean(0)]
    return [log_odds(v) for v in logsumexp(log_softmax(l, axis=2), axis=0)]


def mc_dropout(t, W, b, passes=5, share=.5, logits=0):
    masks = [(uniforms(W.shape[1], i) >= share) / (1 - share) for i in range(int(passes))]
    return mean_msp(np.array([(t.z * m) @ W.T + b for m in masks]), logits)


def score(text, t, W, b, train, val=None):
    """Scores of the set t by METHOD[+SCORE][:PARAMETER=VALUE]..."""
    global THEN
    name, *params = text.split(':')
    o = {k: float(v) for k, v in (p.split('=') for p in params)}
    common = dict(W=W, b=b, train=train, val=val)
    if '+' in name.rstrip('+'):  # new logits, scored by another method of logits, in the single precision of networks
        name, _, then = name.partition('+')
        THEN = lambda l: globals()[then](Data(l.astype(np.float32), t.z, t.y), **o)
        try:
            return score(':'.join([name] + [p for p in params if p.split('=')[0] in OF_SHAPES]), t, W, b, train, val)
        finally:
            THEN = ENERGY
    labelled = train.y
    if name in ('mahalanobis', 'rmds'):
        return distances(t.z, train.z, labelled, o.get('ridge', 0), name == 'rmds')
    if name in ('mds++', 'rmds++'):
        return distances(single(t.z), single(train.z), labelled, o.get('ridge', 0), name == 'rmds++')
    if name in ('ash-p', 'ash-b', 'ash-s', 'scale'):
        return ash(t, W, b, o.get('percentile', 85 if name == 'scale' else 90), name.split('-')[-1])
    if name == 'mc-dropout':
        return mc_dropout(t, W, b, **o)
    if name == 'nnguide':
        o.pop('alpha', 0)
    return globals()[name](t, **common, **o)
