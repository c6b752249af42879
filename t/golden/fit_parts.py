#!/usr/bin/python3
# Makes fit_parts.txt: what NumPy and scikit-learn make of the columns of t/helper/parts-gen: eps, bias and AUROC of the
# combination of layers, then a line per test row: mahalanobis-layers, mahalanobis-layer:layer=1, gram, odin, rankfeat,
# kl-distance.
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, '../helper')
import gram
import layers


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
scores = np.stack([layers.table(fit, test, eps) @ w + bias, layers.table(fit, test, '0')[:, 1],
                   gram.scores_of(train, val, test), odin[:, -1] - lse(odin[:, :-1]),
                   lse(test['rankfeat'].astype(float)), test['kl-distance']], 1)
with open('fit_parts.txt', 'w') as f:
    print(eps, '%.9g' % bias, '%.9g' % auroc, file=f)
    for row in scores:
        print(*('%.9g' % x for x in row), file=f)
