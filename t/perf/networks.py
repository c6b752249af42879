"""Images per second of the forward pass of networks with torchvision's and timm's structure, ours and PyTorch's in
turn, as a Markdown table.

    python3 networks.py BUILD THREADS ROUNDS PYTHON    PYTHON has torch, torchvision and timm
    NETS="vgg16 vit-s" BATCHES="1 8" python3 networks.py ...

224 x 224, random weights. PyTorch is tuned as in forward.py: malloc keeps freed memory, and the better of both memory
formats, in inference mode, on normalised floats; ours starts from pixels. Each number is the median of ROUNDS, each of
at least half a second; the spread is half of (largest - smallest) / median. "ratio": ours over PyTorch's in the same
round, the median of the rounds, the smallest and largest. "of sgemm": the network's multiplication rate over OpenBLAS's
for 2048 x 2048.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

import forward

NETS = {  # name: (title, our architecture, PyTorch's: torchvision's or timm/ and timm's)
    "vgg16": ("VGG-16 with batch norm", "vgg:depth=16", "vgg16_bn"),
    "mobilenet-v2": ("MobileNetV2", "mobilenet-v2", "mobilenet_v2"),
    "mobilenet-v3": ("MobileNetV3, large", "mobilenet-v3-large", "mobilenet_v3_large"),
    "efficientnet": ("EfficientNet-B0", "efficientnet", "efficientnet_b0"),
    "regnet": ("RegNetY-400MF", "regnet", "regnet_y_400mf"),
    "resnext": ("ResNeXt-50 32x4d", "resnext:depth=50,groups=32,width=4", "resnext50_32x4d"),
    "convnext": ("ConvNeXt-T", "convnext", "convnext_tiny"),
    "vit-s": ("ViT-S/16", "vit:width=384,heads=6,mlp=1536", "timm/vit_small_patch16_224"),
    "vit-b": ("ViT-B/16", "vit", "vit_b_16"),
}


def network(name):
    theirs = NETS[name][2]
    if theirs.startswith("timm/"):
        import timm
        return timm.create_model(theirs[5:], num_classes=1000).eval()
    import torchvision
    return getattr(torchvision.models, theirs)(weights=None).eval()


def worker(name, threads):
    """Answers "BATCH" lines with images per second."""
    import torch
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net = network(name)
    best = {}

    def rate(batch, layout, seconds):
        net.to(memory_format=layout)
        x = torch.rand(batch, 3, 224, 224).contiguous(memory_format=layout)
        with torch.inference_mode():
            net(x)
            start, done = time.time(), 0
            while time.time() - start < seconds:
                net(x)
                done += batch
        return done / (time.time() - start)

    for line in sys.stdin:
        batch = int(line)
        if batch not in best:
            best[batch] = max((torch.contiguous_format, torch.channels_last), key=lambda f: rate(batch, f, 0.3))
        print(rate(batch, best[batch], 0.5), flush=True)


def rows(name, build, threads, rounds, python, batches):
    title, spec, _ = NETS[name]
    with tempfile.TemporaryDirectory() as work:
        with open(f"{work}/m.ckpt", "wb") as f:
            subprocess.run([f"{build}/t/helper/golden-net", "ckpt", spec, "1000", "224"], stdout=f, check=True)
        ours = forward.Peer([f"{build}/t/helper/nn-bench", f"{work}/m.ckpt", str(threads)])
        peer = forward.Peer([python, os.path.abspath(__file__), "worker", name, str(threads)], forward.TUNED)
        flop, sgemm = ours.ask("flop"), ours.ask("sgemm")
        for batch in batches:
            seen = [[], []]
            peer.ask(batch)     # now it has started, and chosen its format
            for _ in range(rounds):
                seen[0].append(ours.ask(f"nn {batch}"))
                seen[1].append(peer.ask(batch))
            m = [statistics.median(s) for s in seen]
            cells = [f"{v:.3g} (±{100 * (max(s) - min(s)) / v / 2:.0f} %)" for v, s in zip(m, seen)]
            r = sorted(a / b for a, b in zip(*seen))
            print(f"| {title}, {batch} | " + " | ".join(cells) + f" | {statistics.median(r):.2f} ({r[0]:.2f} to "
                  f"{r[-1]:.2f}) | {m[0] * flop / sgemm / 1e7:.0f} % |", flush=True)
        for p in (ours, peer):
            p.close()


def main(build, threads, rounds, python):
    batches = [int(b) for b in os.environ.get("BATCHES", "1 8").split()]
    print(f"| network, batch | unmask | PyTorch {forward.version(python, 'torch, torchvision, timm')} tuned | ratio | "
          "of sgemm |\n|---|--:|--:|--:|--:|")
    for name in os.environ.get("NETS", " ".join(NETS)).split():
        rows(name, build, threads, rounds, python, batches)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    if sys.argv[1] == "worker":
        worker(sys.argv[2], int(sys.argv[3]))
    else:
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
