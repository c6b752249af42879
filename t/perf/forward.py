"""Images per second of the forward pass, ours and Python's in turn, as a Markdown table.

    python3 forward.py SRC BUILD THREADS ROUNDS [PYTHON...]     the table; PYTHON: other interpreters with a PyTorch
    python3 forward.py worker NET tuned|plain THREADS           answers "BATCH" lines with images per second

"as it comes": the interpreter and its defaults. "tuned": malloc keeps freed memory, and the best of all thread counts
and memory formats. Both in inference mode, on normalised floats; ours starts from pixels. Each number is the median of
ROUNDS, each of at least half a second; the spread is half of (largest - smallest) / median. For other interpreters,
only "tuned" is measured.
"""
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

NETS = {  # name: (title, spec for um-ckpt, input)
    "densenet": ("DenseNet-100, 32x32", "densenet:depth=100,growth=12", "3x32x32"),
    "wrn": ("WRN-40-2, 32x32", "wideresnet:depth=40,widen=2", "3x32x32"),
    "cifar18": ("ResNet-18, 32x32", "resnet-cifar:depth=18", "3x32x32"),
    "resnet50": ("ResNet-50, 224x224", "resnet:depth=50", "3x224x224"),
}
BATCHES = [int(b) for b in os.environ.get("BATCHES", "1 64 200").split()]
TUNED = {"MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "2147483647",
         "MALLOC_TOP_PAD_": "67108864", "MALLOC_ARENA_MAX": "1"}


def network(name):
    """The network with random weights, and a forward pass that keeps nothing."""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helper"))
    sys.dont_write_bytecode = True
    import torch
    import zoo
    torch.manual_seed(0)
    net = {"densenet": lambda: zoo.Cifar(depth=100, classes=10), "wrn": lambda: zoo.WideResNet(40, 2, 10),
           "cifar18": lambda: zoo.CifarResNet([2, 2, 2, 2], False, 10),
           "resnet50": lambda: zoo.tv.resnet50(num_classes=1000)}[name]().eval()

    def forward(x):
        if name == "resnet50":
            return net(x)
        for part in net.parts():
            x = part(x)
        return net.tail(x)
    return net, forward


def worker(name, how, threads):
    import torch
    torch_default = torch.get_num_threads()
    net, forward = network(name)                # zoo.py sets one thread
    torch.set_num_threads(torch_default)
    shape = [int(v) for v in NETS[name][2].split("x")]
    best = {}

    def rate(batch, n_threads, layout, seconds):
        if n_threads:
            torch.set_num_threads(n_threads)
        net.to(memory_format=layout)
        x = torch.rand(batch, *shape).contiguous(memory_format=layout)
        with torch.inference_mode():
            start = time.time()
            forward(x)
            if time.time() - start > 2:         # the first pass's overhead is small compared to that
                return batch / (time.time() - start)
            start, done = time.time(), 0
            while time.time() - start < seconds:
                forward(x)
                done += batch
        return done / (time.time() - start)

    choices = [(n, f) for n in range(1, threads + 1) for f in (torch.contiguous_format, torch.channels_last)]
    for line in sys.stdin:
        batch = int(line)
        if how == "plain":
            print(rate(batch, 0, torch.contiguous_format, 0.5), flush=True)
            continue
        if batch not in best:
            best[batch] = max(choices, key=lambda c: rate(batch, *c, 0.2))
        print(rate(batch, *best[batch], 0.5), flush=True)


class Peer:
    def __init__(self, args, env={}):
        self.p = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                  env={**os.environ, **env})

    def rate(self, line):
        """Its number; NaN if it died, as one does for which memory is too small."""
        try:
            print(line, file=self.p.stdin, flush=True)
            answer = self.p.stdout.readline()
        except BrokenPipeError:
            return math.nan
        if not answer:
            print(f"forward.py: {line}: no answer from {self.p.args}: exit {self.p.wait()}", file=sys.stderr)
            return math.nan
        return float(answer)

    def ask(self, line):
        number = self.rate(line)
        if math.isnan(number):
            sys.exit(f"forward.py: no answer from {self.p.args}")
        return number

    def close(self):
        try:
            self.p.stdin.close()
        except BrokenPipeError:
            pass
        self.p.wait()


def version(python, modules="torch, torchvision, msgpack_numpy"):
    """Its PyTorch's. One that was asked for and cannot be measured is an error: a column would be missing."""
    try:
        p = subprocess.run([python, "-c", f"import {modules}; print(torch.__version__.split('+')[0])"],
                           capture_output=True, text=True)
    except OSError as e:
        sys.exit(f"{sys.argv[0]}: {python}: {e.strerror}")
    if p.returncode:
        sys.exit(f"{sys.argv[0]}: {python}: {(p.stderr.splitlines() or ['no answer'])[-1]}; it needs {modules}")
    return p.stdout.strip()


def table(src, build, threads, rounds, pythons):
    versions = {p: version(p) for p in pythons}
    me = os.path.abspath(__file__)
    columns_of = [(p, how) for p in pythons for how in ("tuned", "plain") if how == "tuned" or p == pythons[0]]
    columns = ["unmask", "unmask --engine torch"] + [f"PyTorch {versions[p]} " + how.replace("plain", "as it comes")
                                                     for p, how in columns_of]
    print("| network, batch | " + " | ".join(columns) + " | to the best tuned | to as it comes | of sgemm |")
    print("|---|" + "--:|" * (len(columns) + 3))
    for name, (title, spec, shape) in NETS.items():
        with tempfile.TemporaryDirectory() as work:
            pth, ckpt = f"{work}/m.pth", f"{work}/m.ckpt"
            net, _ = network(name)
            import torch
            torch.save(net.state_dict(), pth)
            subprocess.run([f"{build}/um-ckpt", "import", "-q", "--normalise", "none", "--size", shape, "--arch", spec,
                            "-o", ckpt, pth], check=True)
            ours = Peer([f"{build}/t/helper/nn-bench", ckpt, str(threads)])
            peers = []
            for p, how in columns_of:
                peers.append(Peer([p, me, "worker", name, how, str(threads)], TUNED if how == "tuned" else {}))
            flop, sgemm = ours.ask("flop"), ours.ask("sgemm")
            for batch in BATCHES:
                seen = [[] for _ in columns]
                for _ in range(rounds):
                    for k, s in enumerate(seen):
                        s.append(ours.ask(f"{('nn', 'torch')[k]} {batch}") if k < 2 else peers[k - 2].rate(batch))
                sgemm = max(sgemm, ours.ask("sgemm"))
                seen = [[math.nan] if any(map(math.isnan, s)) else s for s in seen]
                m = [statistics.median(s) for s in seen]
                cells = [f"{v:.4g} (±{100 * (max(s) - min(s)) / v / 2:.0f} %)" for v, s in zip(m, seen)]
                others = [v for v, c in zip(m[2:], columns_of) if c[1] == "tuned" and not math.isnan(v)]
                tuned = f"{m[0] / max(others, default=math.nan):.1f}x"
                plain = f"{m[0] / m[3]:.1f}x"
                print(f"| {title}, {batch} | " + " | ".join(cells) +
                      f" | {tuned} | {plain} | {m[0] * flop / sgemm / 1e7:.0f} % |", flush=True)
            for p in peers + [ours]:
                p.close()
    print(f"\nOpenBLAS sgemm (2048) on {threads} threads: {sgemm:.0f} GFLOP/s.")


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        worker(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        table(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:] or ["/usr/bin/python3"])
