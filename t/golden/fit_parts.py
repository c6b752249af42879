#!/usr/bin/python3
# Makes fit_parts.txt, with NumPy's and scikit-learn's results for the columns of t/helper/parts-gen: eps, bias and
# AUROC of the combination of layers, then a line per test row: mahalanobis-layers, mahalanobis-layer:layer=1, gram,
# odin, rankfeat, kl-distance, i-odin, adascale-a and adascale-l with k1=50:k2=20, ensemble, ensemble:logits=1,
# combood, combood:k=3:reg=0.1, mc-dropout-network, mc-dropout-network:logits=1.
import subprocess
import sys
import tempfile

import numpy as np
from sklearn.preprocessing import PowerTransformer, StandardScaler

sys.path.insert(0, '../helper')
import gram
import layers
from ood_reference import mean_msp


def columns(*args):
    with tempfile.NamedTemporaryFile() as f:
        f.write(subprocess.run(['../../build/plain/t/helper/parts-gen', *args], check=True, capture_output=True).stdout)
        f.flush()
        return layers.read(f.name)


def lse(x):
    top = x.max(1)
    return top + np.log(np.exp(x - top[:, None]).sum(1))


train, val, adv = columns('train', '400', '1'), columns('val', '120', '2'), columns('adversarial', '120', '2')
test = columns('test', '20', '3')
fit = layers.fit_layers(train)
auroc, eps, w, bias = layers.combine(fit, val, adv)
odin = np.sort(test['odin:eps=0.0014'].astype(float) / 1000, 1)
iodin = np.sort(test['i-odin:eps=0.0014'].astype(float) / 10, 1)
b = np.array([0.5, -1, 0.25, 0])


def adascale(x, q, a):
    z, l = x['features'].astype(float), x['logits'].astype(float)
    strange = changes(x)[:, None] >= q[None]
    percentile = 75 + (1 - strange.mean(1)) * 10
    out = []
    for v, row, p in zip(np.maximum(z, 0), l, percentile):
        r = v.sum() / np.sort(v)[::-1][:int(len(v) - np.round(len(v) * p / 100))].sum() if v.any() else 1
        out.append(np.exp(r) * (row - b) + b if a else r**2 * row)
    return lse(np.array(out))


def changes(x):
    z, moved = x['features'].astype(float), x['adascale'].astype(float)
    order = np.argsort(-z, axis=1, kind='stable')
    of = lambda v, k: np.take_along_axis(v, order[:, :k], axis=1).sum(1)
    return (of(np.maximum(moved, 0), 3) + 10 * of(abs(z - moved), 1)).astype(np.float32)


def combood(x, k, reg):
    """As the authors' program: https://github.com/rmagesh148/combood, confidenciator.py and test_ood.py."""
    extremes = lambda v: np.hstack([v['extremes'], v['logits'].max(1, keepdims=True), -v['logits'].min(1, keepdims=True)])
    scaler, bend = StandardScaler(), PowerTransformer()
    y = bend.fit_transform(scaler.fit_transform(extremes(train).astype(float)))
    inverse = np.linalg.inv(np.cov(y, rowvar=False) + reg * np.identity(y.shape[1]))
    y = bend.transform(scaler.transform(extremes(x).astype(float)))
    unit = lambda v: v['features'].astype(float) / np.linalg.norm(v['features'].astype(float), axis=1, keepdims=True)
    far = np.sort(((unit(x)[:, None] - unit(train)[None]) ** 2).sum(2), axis=1)[:, k - 1]
    return -np.sqrt(x['features'].shape[1]) * np.log(far) - np.einsum('ni,ij,nj->n', y, inverse, y)


models = np.concatenate([test['logits'][None], test['ensemble'].swapaxes(0, 1)]).astype(float)
passes = test['passes'].swapaxes(0, 1).astype(float)
scores = np.stack([layers.table(fit, test, eps) @ w + bias, layers.table(fit, test, '0')[:, 1],
                   gram.scores_of(train, val, test), odin[:, -1] - lse(odin[:, :-1]),
                   lse(test['rankfeat'].astype(float)), test['kl-distance'], iodin[:, -1] - lse(iodin[:, :-1]),
                   adascale(test, changes(train), True), adascale(test, changes(train), False),
                   mean_msp(models, False), mean_msp(models, True),
                   combood(test, 50, 1), combood(test, 3, .1),
                   mean_msp(passes, False), mean_msp(passes, True)], 1)
with open('fit_parts.txt', 'w') as f:
    print(eps, '%.9g' % bias, '%.9g' % auroc, file=f)
    for row in scores:
        print(*('%.9g' % x for x in row), file=f)
