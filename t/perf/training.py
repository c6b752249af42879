"""Images per second of the training step, ours and PyTorch's in turn, as a Markdown table.

    python3 training.py SRC BUILD THREADS ROUNDS [PYTHON...]    PYTHON: other interpreters with a PyTorch

A step is the forward pass with the batch's statistics, cross-entropy, back, and SGD with momentum; ours starts from
bytes. PyTorch's is t/gpu/peer.py's: channels-last, normalised floats already in memory, a malloc that keeps freed
memory. Each number is the median of ROUNDS, each of at least a second; the spread is half of (largest - smallest) /
median. "to the best": ours over the better PyTorch in the same round, as the clock speed of a shared machine varies,
the median of the rounds. "of sgemm": three times the forward pass's multiplication rate, over OpenBLAS's for 2048 x
2048.
"""
import os
import statistics
import subprocess
import sys
import tempfile

import forward

NETS = {  # name: (title, architecture, input, batch)
    "densenet": ("DenseNet-100, 32x32", "densenet:depth=100,growth=12", "3x32x32", 64),
    "wrn": ("WRN-40-2, 32x32", "wideresnet:depth=40,widen=2", "3x32x32", 64),
    "cifar18": ("ResNet-18, 32x32", "resnet-cifar:depth=18", "3x32x32", 64),
    "resnet20": ("ResNet-20, 32x32", "resnet-narrow:depth=20,projection=0", "3x32x32", 64),
    "resnet50": ("ResNet-50, 224x224", "resnet:depth=50", "3x224x224", 32),
}


class Peer(forward.Peer):
    """peer.py, which prints several numbers, a tab and its memory use."""
    def ask(self, line):
        print(line, file=self.p.stdin, flush=True)
        answer = self.p.stdout.readline()
        if not answer or answer.startswith("error"):
            sys.exit(f"training.py: {self.p.args}: {answer or 'no answer'}")
        return float(answer.split("\t")[0])


def memory(process):
    """Its peak in MiB."""
    with open(f"/proc/{process.p.pid}/status") as f:
        return next(int(line.split()[1]) >> 10 for line in f if line.startswith("VmHWM"))


def ratio(seen):
    """Ours over the best other, round by round: the median, smallest and largest."""
    r = sorted(ours / max(others) for ours, *others in zip(*seen))
    return f"{statistics.median(r):.2f} ({r[0]:.2f} to {r[-1]:.2f})"


def row(name, src, build, threads, rounds, pythons):
    title, spec, shape, batch = NETS[name]
    with tempfile.TemporaryDirectory() as work:
        with open(f"{work}/m.ckpt", "wb") as f:
            subprocess.run([f"{build}/t/helper/golden-net", "ckpt", spec, "1000" if name == "resnet50" else "10",
                            *(["224"] if name == "resnet50" else [])], stdout=f, check=True)
        ours = forward.Peer([f"{build}/t/helper/nn-bench", f"{work}/m.ckpt", str(threads)])
        env = {**forward.TUNED, "OMP_NUM_THREADS": str(threads)}
        peers = [Peer([p, f"{src}/t/gpu/peer.py", "cpu"], env) for p in pythons]
        flop, sgemm, seen = ours.ask("flop"), ours.ask("sgemm"), [[] for _ in range(1 + len(pythons))]
        for _ in range(rounds):
            seen[0].append(ours.ask(f"step {batch}"))
            for s, p in zip(seen[1:], peers):
                s.append(p.ask(f"train {name} f32 {batch} eager 1 1"))
        sgemm = max(sgemm, ours.ask("sgemm"))
        m = [statistics.median(s) for s in seen]
        cells = [f"{v:.4g} (±{100 * (max(s) - min(s)) / v / 2:.0f} %)" for v, s in zip(m, seen)]
        print(f"| {title}, {batch} | " + " | ".join(cells) + f" | {ratio(seen)} | "
              f"{m[0] * 3 * flop / sgemm / 1e7:.0f} % | {memory(ours)} MiB, " +
              ", ".join(str(memory(p)) for p in peers) + " |", flush=True)
        for p in [ours] + peers:
            p.close()
    return sgemm


def main(src, build, threads, rounds, pythons):
    versions = {p: forward.version(p, "torch, torchvision") for p in pythons}
    print("| network, batch | unmask | " + " | ".join(f"PyTorch {versions[p]} tuned" for p in pythons) +
          " | to the best | of sgemm | memory |")
    print("|---|" + "--:|" * (len(pythons) + 4))
    sgemm = max(row(n, src, build, threads, rounds, pythons)
                for n in os.environ.get("NETS", " ".join(NETS)).split())
    print(f"\nOpenBLAS sgemm (2048) on {threads} threads: {sgemm:.0f} GFLOP/s.")


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:] or ["/usr/bin/python3"])
