#!/usr/bin/python3
# openood.py make DIR: a small benchmark in exactly OpenOOD's layout: benchmark_imglist, images_classic.
# openood.py table RUN SETS...: the table of the scores in RUN/s1, RUN/s2, ... as OpenOOD's evaluators compute it
# (openood/evaluators/metrics.py, evaluation_api/evaluator.py; their own code agrees to 1e-12, see "Which score leads" in
# pipelines/RESULTS.md): scikit-learn's curves, each in percent, near and far the means
# of their sets, then mean over seeds; a line "METHOD near far" for AUROC, then for FPR. SETS: near:NAME, far:NAME.
import os
import subprocess
import sys

import numpy as np

SETS = {'near': ['cifar100', 'tin'], 'far': ['mnist', 'svhn', 'texture', 'places365']}


def make(top):
    from PIL import Image
    rng = np.random.default_rng(15)

    def images(split, name, n, size, suffix='png', gray=False, tint=None):
        lines = []
        for i in range(n):
            label = i % 3
            path = '%s/%s/%d/%04d.%s' % (name, split, label, i, suffix)
            full = os.path.join(top, 'images_classic', path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            p = rng.integers(0, 90, (*size, 3))
            p[..., label if tint is None else tint] += 110 if tint is None else 60 + 20 * label
            im = Image.fromarray(p.astype(np.uint8))
            (im.convert('L') if gray else im).save(full)
            lines.append('%s %d\n' % (path, label if tint is None else -1))
        return lines

    def write(name, lines):
        path = os.path.join(top, 'benchmark_imglist/cifar10', name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, 'w').writelines(lines)

    write('train_cifar10.txt', images('train', 'cifar10', 90, (32, 32)))
    test = images('test', 'cifar10', 80, (32, 32))
    write('val_cifar10.txt', test[:30])
    write('test_cifar10.txt', test[30:])
    write('test_cifar10c.txt', images('fog', 'cifar10c', 12, (32, 32)))
    write('val_tin.txt', images('val', 'tin', 20, (40, 32), 'jpg', tint=1))
    write('test_cifar100.txt', images('test', 'cifar100', 23, (32, 32), tint=2))
    write('test_tin.txt', images('test', 'tin', 31, (64, 64), 'jpg', tint=1))
    write('test_mnist.txt', images('test', 'mnist', 40, (28, 28), gray=True, tint=0))
    write('test_svhn.txt', images('test', 'svhn', 25, (32, 32), tint=0))
    write('test_texture.txt', images('images', 'texture', 17, (48, 70), 'jpg', tint=2))
    write('test_places365.txt', images('val', 'places365', 29, (64, 48), 'jpg', tint=1))


def scores(path):
    text = subprocess.run(['ts-dump', '--tsv', path], check=True, capture_output=True, text=True).stdout.splitlines()
    head = text[0].split('\t')
    methods = head[:head.index('pred')]
    rows = np.array([[float(x) for x in line.split('\t')[:len(methods)]] for line in text[1:]])
    return dict(zip(methods, rows.T))


def measure(conf_id, conf_ood):
    from sklearn import metrics
    conf = np.concatenate([conf_id, conf_ood])
    ood = np.concatenate([np.zeros(len(conf_id)), np.ones(len(conf_ood))])
    fpr, tpr, _ = metrics.roc_curve(ood, -conf)
    return np.array([metrics.auc(fpr, tpr), fpr[np.argmax(tpr >= 0.95)]])


def table(run, names, id_set):
    seeds = sorted(d for d in os.listdir(run) if d[0] == 's' and os.path.isdir(os.path.join(run, d)))
    out = {}
    for s in seeds:
        known = scores('%s/%s/%s.scores' % (run, s, id_set))
        each = {n: scores('%s/%s/%s.scores' % (run, s, n.split(':')[1])) for n in names}
        for m in known:
            by = {g: [measure(known[m], each[n][m]) for n in names if n.startswith(g)] for g in ('near', 'far')}
            out.setdefault(m, []).append([np.mean(by['near'], axis=0), np.mean(by['far'], axis=0)])
    for m, v in out.items():
        near, far = 100 * np.mean(v, axis=0)
        print('%s %.2f %.2f %.2f %.2f' % (m, near[0], near[1], far[0], far[1]))


if sys.argv[1] == 'make':
    make(sys.argv[2])
else:
    table(sys.argv[2], sys.argv[4:], sys.argv[3])
