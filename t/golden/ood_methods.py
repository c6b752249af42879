#!/usr/bin/python3
# Makes ood_methods.txt: small sets, and each method's scores for them by ood_reference.py.
import numpy as np

from ood_reference import Data, score

rng = np.random.default_rng(20230607)
METHODS = '''msp maxlogit energy energy:temperature=10 entropy gen gen:gamma=0.5:top=2 temperature klm openmax
openmax:tail=5:alpha=2 gradnorm react react:percentile=75 ash-p:percentile=60 ash-b:percentile=60 ash-s:percentile=60
scale:percentile=60 vra vra:high=80:low=30:clip=1 dice:percentile=50 she nci nci:alpha=0.1 fdbd fdbd:centred=0 ora
logitgap logitgap:top=2 ctm ras ras+msp mahalanobis mahalanobis:ridge=0.01 rmds mds++ rmds++ vim vim:dim=2 residual
sirc sirc:dim=2 sirc:norm=1 neco neco:dim=2:logit=0 cop cop:variance=50 corp corp:variance=95:gamma=0.5:size=40
knn:k=1 knn:k=4 knn:k=1000 nnguide:k=3:alpha=1 relation relation:power=2:threshold=0.1
msp:temperature=10 msp:published=1 mcm mcm:temperature=0.1 react:threshold=1 react+msp react+msp:percentile=75:temperature=10
ash-s+msp:percentile=60 ash-b+msp:percentile=60:published=1 scale+maxlogit:percentile=60 vra:high=80:low=30:each=1
vra:high=80:low=30:each=1:clip=1 lts lts:percentile=60 optfs optfs:bins=7 optfs+entropy caref cadref cadref:confidence=1
cadref:confidence=2 core gmm gmm:reg=0.01 pnml nac nac:alpha=0.5:least=9:edges=8
cfood:alpha=1:k=0.3 cfood:alpha=1:k=0.6 grood mc-dropout mc-dropout:passes=3:share=0.2:logits=1 weiper
weiper:delta=0.5:lambda1=0.3:lambda2=2:smooth1=3:smooth2=2:bins=9:repeats=5'''.split()


def number(x):
    return '%.9g' % x


def rows(f, a):
    for r in np.atleast_2d(a):
        f.write(' '.join(number(x) for x in r) + '\n')


def make(n, C, W, b, spread, relu, labels, dead=0, repeat=False):
    y = rng.integers(0, C, n) if labels == 'random' else np.zeros(n, dtype=int)
    z = rng.normal(size=(n, W.shape[1])) + spread * W[y]
    if relu:
        z = np.maximum(z, 0)
    z[:, :dead] = 0.25
    if repeat:
        z[1::2] = z[::2][:len(z[1::2])]
        y[1::2] = y[::2][:len(y[1::2])]
    z = z.astype(np.float32)
    l = (z.astype(np.float64) @ W.T + b).astype(np.float32)
    return Data(l, z, y)


def case(f, name, C, D, n_train, n_val, n_test, spread=2.0, relu=False, labels='random', dead=0, repeat=False):
    W = rng.normal(size=(C, D)).astype(np.float32).astype(np.float64)
    b = rng.normal(size=C).astype(np.float32).astype(np.float64)
    train, val = (make(n, C, W, b, spread, relu, labels, dead, repeat) for n in (n_train, n_val))
    test = make(n_test, C, W, b, spread / 2, relu, labels, 0, repeat)
    test.y[:] = -1
    f.write('case %s %d %d %d %d %d\n' % (name, C, D, n_train, n_val, n_test))
    rows(f, W)
    rows(f, b)
    for s in (train, val, test):
        for y, l, z in zip(s.y, s.l, s.z):
            f.write('%d %s %s\n' % (y, ' '.join(map(number, l)), ' '.join(map(number, z))))
    for m in METHODS:
        want = score(m, test, W, b, train, val)
        f.write('%s %s\n' % (m, 'refused' if want is None else ' '.join('%.15g' % v for v in want)))
    f.write('end\n')


with open('ood_methods.txt', 'w') as f:
    f.write('# by ood_methods.py: case NAME C D train val test; weight, bias; rows "label logits features" of the\n'
            '# three sets; METHOD and its scores of the test rows; end\n')
    case(f, 'plain', 4, 6, 60, 40, 7)
    case(f, 'relu', 3, 9, 50, 30, 6, relu=True)
    case(f, 'dead-features', 3, 8, 40, 30, 5, relu=True, dead=2)
    case(f, 'more-features-than-rows', 3, 14, 9, 20, 5, spread=1.0)
    case(f, 'one-class', 2, 5, 30, 20, 5, labels='one')
    case(f, 'each-row-twice', 3, 6, 40, 30, 6, repeat=True)
    case(f, 'many-classes', 12, 7, 200, 150, 5, spread=0.7)
