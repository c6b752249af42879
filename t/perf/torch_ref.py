"""The same work in Python: what a user would run instead. Prints lines like those of bench.sh, without the
start of the interpreter (1.5 s)."""
import os
import statistics
import sys
import time

depth, threads, src = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
sys.argv = sys.argv[:1]
source = open(os.path.join(src, "t/golden/um_densenet.py")).read().split("if sys.argv[1:2]")[0]
exec(source)


def line(name, count, runs, work):
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


torch.manual_seed(0)
net = DenseNet(depth, 10)
for n in sorted({torch.get_num_threads() // 2 or 1, threads}):
    torch.set_num_threads(n)
    for batch in (16, 200):
        line(f"Python, forward, batch {batch}, {n} threads", 512, 3, lambda: forward(net.eval(), batch))
    line(f"Python, training step, batch 64, {n} threads", 256, 1, lambda: train(net.train(), 64))
