"""Other kinds of steps, DenseNet-100 with batches of 64, ours and PyTorch's in turn, as a Markdown table; then how long
um-train takes to start, and how three busy programs slow it.

    python3 methods.py SRC BUILD THREADS ROUNDS [PYTHON...]    PYTHON: other interpreters with a PyTorch

Ours is the last epoch's rate as um-train and um-prune log it, reading and cropping included; PyTorch's is t/gpu/peer.py's,
as in training.py. A rate counts images of the network's own classes; outlier exposure (oe) has as many others in
addition.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

import forward
from training import Peer, ratio

ARCH, IMAGES = "densenet:depth=100,growth=12", 512
METHODS = {  # name: (program and its options, PyTorch's name)
    "plain": ("um-train -i m.ckpt", "train"),
    "UM": ("um-train -i m.ckpt --um 2", "train"),
    "outlier exposure": ("um-train -i m.ckpt --aux aux.images --oe oe", "oe"),
    "UMAP": ("um-prune -m m.ckpt --um 2", "umap"),
}


class Ours:
    def __init__(self, build, threads, work):
        self.build, self.threads, self.work, self.n = build, threads, work, 0
        self.run("ds-synth", "--set", "id", "-n", str(IMAGES), "-o", "train.images")
        self.run("ds-synth", "--set", "textures", "-n", str(IMAGES), "-o", "aux.images")
        self.run("ds-synth", "--set", "id", "-n", "2", "-o", "two.images")
        with open(f"{work}/m.ckpt", "wb") as f:
            subprocess.run([f"{build}/t/helper/golden-net", "ckpt", ARCH, "10"], stdout=f, check=True)

    def run(self, program, *args):
        subprocess.run([f"{self.build}/{program}", *args], cwd=self.work, check=True)

    def rate(self, words):
        """Images per second of the second epoch."""
        self.n += 1
        program, *args = words.split()
        self.run(program, *args, "-q", "-b", "64", "-e", "2", "--threads", str(self.threads), "--run", f"run{self.n}",
                 "-o", "x.ckpt", "train.images")
        log = subprocess.run(["find", f"run{self.n}", "-name", "log.tsv"], cwd=self.work, capture_output=True, text=True,
                             check=True).stdout.split()[0]
        with open(f"{self.work}/{log}") as f:
            names, *rows = (line.split() for line in f)
        return float(rows[-1][names.index("images_s")])

    def start(self):
        """Milliseconds of a whole run: reads a network, takes one step, writes a checkpoint."""
        begin = time.perf_counter()
        self.run("um-train", "-q", "-i", "m.ckpt", "-b", "2", "-e", "1", "-o", "x.ckpt", "two.images")
        return 1e3 * (time.perf_counter() - begin)


def busy(ours, rounds):
    """How much longer um-train takes next to three programs that only compute, round by round."""
    slowed = []
    for _ in range(rounds):
        alone = ours.rate(METHODS["plain"][0])
        others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
        try:
            slowed.append(alone / ours.rate(METHODS["plain"][0]))
        finally:
            for o in others:
                o.kill()
                o.wait()
    return slowed


def main(src, build, threads, rounds, pythons):
    versions = {p: forward.version(p, "torch, torchvision") for p in pythons}
    env = {**forward.TUNED, "OMP_NUM_THREADS": str(threads)}
    with tempfile.TemporaryDirectory() as work:
        ours = Ours(os.path.abspath(build), threads, work)
        peers = [Peer([p, f"{src}/t/gpu/peer.py", "cpu"], env) for p in pythons]
        print("| step, DenseNet-100, 64 | unmask | " + " | ".join(f"PyTorch {versions[p]} tuned" for p in pythons) +
              " | to the best |\n|---|" + "--:|" * (len(pythons) + 2))
        for name, (words, theirs) in METHODS.items():
            seen = [[] for _ in range(1 + len(peers))]
            for _ in range(rounds):
                seen[0].append(ours.rate(words))
                for s, p in zip(seen[1:], peers):
                    s.append(p.ask(f"{theirs} densenet f32 64 eager 1 1"))
            print(f"| {name} | " + " | ".join(f"{statistics.median(s):.4g}" for s in seen) + f" | {ratio(seen)} |",
                  flush=True)
        for p in peers:
            p.close()
        t = sorted(ours.start() for _ in range(9))
        print(f"\n`um-train` from its start to its end with one step of two images: {statistics.median(t):.0f} ms "
              f"({t[0]:.0f} to {t[-1]:.0f}; nine runs).")
        if os.sched_getscheduler(0) != os.SCHED_OTHER:  # the busy programs would not share, but keep the processors
            sys.exit("methods.py: without `chrt` it also measures um-train beside three busy programs")
        slowed = sorted(busy(ours, rounds))
        print(f"Beside three busy programs its epoch takes "
              f"{statistics.median(slowed):.2f} times as long ({slowed[0]:.2f} to {slowed[-1]:.2f}); its share of "
              f"{os.cpu_count()} processors is then {(threads + 3) / os.cpu_count():.2f} times smaller.")


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:] or ["/usr/bin/python3"])
