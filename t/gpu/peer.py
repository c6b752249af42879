"""What PyTorch makes of the networks that unmask is measured on: answers each line of standard input with one.

    python3 peer.py DEVICE
        forward NET PRECISION BATCH HOW ROUNDS SECONDS      HOW: eager, graph (a CUDA graph, replayed), compile
        train NET PRECISION BATCH HOW ROUNDS SECONDS        a step of SGD with momentum; HOW: eager
        oe NET PRECISION BATCH HOW ROUNDS SECONDS           the same with as many outliers in the batch (Hendrycks, 2019)
        umap NET PRECISION BATCH HOW ROUNDS SECONDS         a step of masks' scores: each layer's sorted, weights frozen

Answers: ROUNDS numbers of images a second, of at least SECONDS each, a tab and the peak of allocated memory in MiB
("-" on a CPU); or "error", a tab and why. This is its best case: channels-last, numbers that lie on the device
already, normalised, and nobody who waits for results before the end of a round; cuDNN chooses by timing for graph and
compile, by its rules for eager, as it comes. PRECISION: f32, tf32, bf16 (all of the network; in training by autocast).
Whoever asks ends it when compiling takes too long.
"""
import math
import os
import sys
import time
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
for base in (os.path.join(HERE, ".."), os.path.join(HERE, "t")):     # in the tree, in the bundle
    sys.path[:0] = [os.path.join(base, "helper"), os.path.join(base, "golden")]
sys.dont_write_bytecode = True

answers = os.fdopen(os.dup(1), "w")     # what libraries print on standard output is no answer
os.dup2(2, 1)

import torch
from torch import nn
import torch.nn.functional as F

THREADS = torch.get_num_threads()
import um_densenet                      # these two set one thread
import zoo

torch.set_num_threads(THREADS)
warnings.filterwarnings("ignore")       # of switches that newer ones have under other names too
DEVICE = torch.device(sys.argv[1])
GPU = DEVICE.type == "cuda"


class Dense(nn.Module):
    def __init__(self, **kw):
        super().__init__()
        self.net = um_densenet.DenseNet(classes=10, **kw)

    def forward(self, x):
        n = self.net
        x = n.trans1(n.block1(n.conv1(x)))
        x = n.block3(n.trans2(n.block2(x)))
        return n.fc(F.relu(n.bn1(x)).mean((2, 3)))


class Parts(nn.Module):
    """One of zoo.py's, without what it keeps for tests."""
    def __init__(self, net, last=lambda net, x: x):
        super().__init__()
        self.net, self.last = net, last

    def forward(self, x):
        for part in self.net.parts():
            x = part(x)
        return self.net.fc(self.last(self.net, x).mean((2, 3)))


NETS = {  # name: (network, side of the images, classes)
    "densenet": (lambda: Dense(depth=100), 32, 10),
    "wrn": (lambda: Parts(zoo.WideResNet(40, 2, 10), lambda net, x: F.relu(net.bn1(x))), 32, 10),
    "resnet20": (lambda: Parts(zoo.NarrowResNet(20, False, 10)), 32, 10),
    "cifar18": (lambda: Parts(zoo.CifarResNet([2, 2, 2, 2], False, 10)), 32, 10),
    "resnet50": (lambda: zoo.tv.resnet50(num_classes=1000), 224, 1000),
    "toy": (lambda: Dense(depth=10, growth=4), 32, 10),
}


def sync():
    if GPU:
        torch.cuda.synchronize(DEVICE)


def set_up(name, precision, batch, how):
    """The network, a batch and its labels."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = how != "eager"
    torch.manual_seed(0)
    make, side, classes = NETS[name]
    net = make().to(DEVICE, memory_format=torch.channels_last)
    x = torch.randn(batch, 3, side, side, device=DEVICE).contiguous(memory_format=torch.channels_last)
    y = torch.randint(classes, (batch,), device=DEVICE)
    if GPU:                             # not before there is something on it: that starts CUDA
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(DEVICE)
    return net, x, y


def rates(run, batch, rounds, seconds):
    for _ in range(3):
        run()
    sync()
    start = time.perf_counter()
    run()
    sync()
    n = max(1, math.ceil(seconds / max(time.perf_counter() - start, 1e-6)))
    got = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(n):
            run()
        sync()
        got.append(n * batch / (time.perf_counter() - start))
    return got


def graph(run):
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(side)
    g = torch.cuda.CUDAGraph()
    with torch.cuda.graph(g):
        out = run()
    return lambda: (g.replay(), out)[0]


def forward(name, precision, batch, how, rounds, seconds):
    net, x, _ = set_up(name, precision, batch, how)
    net.eval()
    if precision == "bf16":
        net, x = net.bfloat16(), x.bfloat16()
    with torch.inference_mode():
        run = lambda: net(x)
        if how == "graph":
            run = graph(run)
        elif how == "compile":
            fast = torch.compile(net, mode="reduce-overhead" if GPU else None, dynamic=False)
            run = lambda: fast(x)
        return rates(run, batch, rounds, seconds)


def steps(params, loss_of, batch, precision, rounds, seconds):
    opt = torch.optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=1e-4)

    def step():
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=precision == "bf16"):
            loss = loss_of()
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
    return rates(step, batch, rounds, seconds)


def train(name, precision, batch, how, rounds, seconds):
    net, x, y = set_up(name, precision, batch, how)
    net.train()
    return steps(net.parameters(), lambda: F.cross_entropy(net(x), y), batch, precision, rounds, seconds)


def oe(name, precision, batch, how, rounds, seconds):
    net, x, y = set_up(name, precision, 2 * batch, how)
    net.train()

    def loss():
        z = net(x)
        return F.cross_entropy(z[:batch], y[:batch]) + \
            0.5 * (torch.logsumexp(z[batch:], 1) - z[batch:].mean(1)).mean()
    return steps(net.parameters(), loss, batch, precision, rounds, seconds)


class Through(torch.autograd.Function):
    """Scores to a mask without the smallest fifth; gradients pass as they are."""
    @staticmethod
    def forward(ctx, scores):
        mask = torch.ones_like(scores).flatten()
        mask[scores.flatten().sort().indices[:int(0.2 * scores.numel())]] = 0
        return mask.reshape(scores.shape)

    @staticmethod
    def backward(ctx, g):
        return g


def umap(name, precision, batch, how, rounds, seconds):
    from torch.nn.utils.stateless import functional_call

    net, x, y = set_up(name, precision, batch, how)
    net.train()
    weights = {n: p.detach() for n, p in net.named_parameters() if p.ndim > 1}
    scores = {n: torch.rand_like(p).requires_grad_() for n, p in weights.items()}

    def loss():
        masked = {n: w * Through.apply(scores[n].abs()) for n, w in weights.items()}
        return (F.cross_entropy(functional_call(net, masked, (x,)), y) - 0.15).abs() + 0.15
    return steps(scores.values(), loss, batch, precision, rounds, seconds)


def answer(line):
    what, name, precision, batch, how, rounds, seconds = line.split()
    got = {"forward": forward, "train": train, "oe": oe, "umap": umap}[what](name, precision, int(batch), how, int(rounds), float(seconds))
    peak = torch.cuda.max_memory_allocated(DEVICE) >> 20 if GPU else "-"
    return " ".join(f"{v:.3f}" for v in got) + f"\t{peak}"


def main():
    for line in sys.stdin:
        try:
            said = answer(line)
        except Exception as e:          # the next question may go well
            said = "error\t" + " ".join(f"{type(e).__name__}: {e}".split())[:300]
        print(said, file=answers, flush=True)


if __name__ == "__main__":
    main()
