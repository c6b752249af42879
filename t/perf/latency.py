"""How long a picture takes: ResNet-18 for 32 x 32 as a detector in one file.

    python3 latency.py BUILD THREADS [ROUNDS]

Prints, as medians with the smallest and largest: ood-detect from its start to the verdict of one picture; opening the
detector; one picture in the library (unmask_images(), including score and verdict); and the network alone (nn-bench),
in turn with that. DETECTOR=FILE: another detector, and NETWORK=FILE its network.
"""
import ctypes as c
import os
import statistics
import subprocess
import sys
import tempfile
import time

import forward

SPEC = "resnet-cifar:depth=18"


class Picture(c.Structure):
    _fields_ = [("rgb", c.c_char_p), ("width", c.c_int), ("height", c.c_int), ("stride", c.c_size_t), ("prepared", c.c_int)]


def make(build, work):
    """A network with random weights, and a detector built from it."""
    def run(words):
        subprocess.run(["sh", "-c", words], cwd=work, check=True, env={**os.environ, "PATH": f"{build}:{os.environ['PATH']}"})
    run(f"{build}/t/helper/golden-net ckpt {SPEC} 10 >m.ckpt && ds-synth -q --set id -n 32 -o i.ts && "
        "um-embed -q -m m.ckpt i.ts | ood-score -q -m energy | ood-threshold -q -a 0.1 -o thr && "
        "ood-pack -q -m m.ckpt -t thr -o d && ts-cat -q --head 1 -o one.ts i.ts")


def said(name, times):
    print(f"{name}: {statistics.median(times):.1f} ms ({min(times):.1f} to {max(times):.1f})", flush=True)


def main(build, threads, rounds):
    unmask = c.CDLL(f"{build}/libunmask.so.0")
    unmask.unmask_open.restype = c.c_void_p
    unmask.unmask_error.restype = c.c_char_p
    unmask.unmask_images.argtypes = [c.c_void_p, c.POINTER(Picture), c.c_size_t, c.c_void_p]
    for f in unmask.unmask_error, unmask.unmask_close:
        f.argtypes = [c.c_void_p]
    with tempfile.TemporaryDirectory() as work:
        make(build, work)
        detector = os.environ.get("DETECTOR", f"{work}/d")

        def timed(work, *args):
            start = time.perf_counter()
            value = work(*args)
            return value, 1000 * (time.perf_counter() - start)

        said("ood-detect, start to verdict", [timed(lambda: subprocess.run(
            [f"{build}/ood-detect", "--threads", str(threads), detector, f"{work}/one.ts"], stdout=subprocess.DEVNULL))[1]
            for _ in range(rounds)])
        opened = []
        for _ in range(rounds):
            u, t = timed(unmask.unmask_open, detector.encode(), threads)
            if unmask.unmask_error(u):
                sys.exit(unmask.unmask_error(u).decode())
            opened.append(t)
            unmask.unmask_close(u)
        said("opening the detector", opened)
        u = unmask.unmask_open(detector.encode(), threads)
        network = forward.Peer([f"{build}/t/helper/nn-bench", os.environ.get("NETWORK", f"{work}/m.ckpt"), str(threads)])
        picture, result = Picture(os.urandom(3 * 32 * 32), 32, 32, 0, 1), c.create_string_buffer(256)
        ours, alone = [], []
        for _ in range(rounds):
            ours.append(statistics.median(timed(unmask.unmask_images, u, picture, 1, result)[1] for _ in range(50)))
            alone.append(1000 / network.ask("nn 1"))
        said("a picture in the library", ours)
        said("the network alone", alone)
        print(f"ratio: {statistics.median(a / b for a, b in zip(ours, alone)):.2f}")
        network.close()
        unmask.unmask_close(u)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main(os.path.abspath(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 7)
