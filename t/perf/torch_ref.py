"""The same work in Python: what a user would run instead. Prints lines like those of bench.sh, without the
start of the interpreter (1.5 s)."""
import os
import statistics
import sys
import time

depth, threads, src = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
sys.argv = sys.argv[:1]
sys.path.insert(0, os.path.join(src, "t/golden"))
sys.dont_write_bytecode = True
import torch
import torch.nn.functional as F
from torch.nn.utils.stateless import functional_call
from um_densenet import DenseNet, images
from um_masks import Through, cut_smallest


def line(name, count, runs, work):
    work()  # the first pass maps its memory, and takes twice as long
    times = []
    for _ in range(runs):
        t = time.time()
        work()
        times.append(time.time() - t)
    t = statistics.median(times)
    print(f"{name:46s} {count / t:10.0f} images/s  {t:8.3f} s (worst {max(times):.3f})")


def forward(net, batch):
    x, _ = images(512, 10)
    with torch.no_grad():
        for i in range(0, 512, batch):
            net(x[i:i + batch])


def train(net, batch):
    x, y = images(256, 10)
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    for i in range(0, 256, batch):
        loss = F.cross_entropy(net(x[i:i + batch]), y[i:i + batch])
        opt.zero_grad()
        loss.backward()
        opt.step()


def umap(net, batch):
    """Trains scores with frozen weights, with masks from sorting each layer, as the published layers do."""
    x, y = images(256, 10)
    weights = {n: p.detach() for n, p in net.named_parameters() if n.endswith(".weight")}
    scores = {n: (torch.rand_like(p) - 0.5).requires_grad_() for n, p in weights.items()}
    opt = torch.optim.SGD(scores.values(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    for i in range(0, 256, batch):
        masked = {}
        for n, w in weights.items():
            s = scores[n].abs()
            mask = cut_smallest(s.detach().flatten(), int(0.2 * s.numel())).reshape(s.shape)
            masked[n] = w * Through.apply(s, mask)
        loss = (F.cross_entropy(functional_call(net, masked, (x[i:i + batch],)), y[i:i + batch]) - 0.15).abs() + 0.15
        opt.zero_grad()
        loss.backward()
        opt.step()


torch.manual_seed(0)
net = DenseNet(depth, 10)
for n in sorted({torch.get_num_threads() // 2 or 1, threads}):
    torch.set_num_threads(n)
    for batch in (16, 200):
        line(f"Python, forward, batch {batch}, {n} threads", 512, 3, lambda: forward(net.eval(), batch))
    line(f"Python, training step, batch 64, {n} threads", 256, 1, lambda: train(net.train(), 64))
    line(f"Python, UMAP step, batch 64, {n} threads", 256, 1, lambda: umap(net.train(), 64))
