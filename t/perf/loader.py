# Images per second of torchvision's ImageFolder + Resize + ToTensor, with several numbers of workers, and of ds-pack,
# in turn, so that both see the same machine: loader.py FOLDER SIZE ROUNDS WORKERS... The import of torch is not
# counted; the start of ds-pack is. Prints a line for each and the median of the rounds' ratios to the best of
# torchvision's.
import os, statistics, subprocess, sys, time
import torch, torchvision
from torchvision import transforms as T

folder, size, rounds, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), [int(w) for w in sys.argv[4:]]
torch.set_num_threads(1)


def theirs(w):
    start = time.perf_counter()
    data = torchvision.datasets.ImageFolder(folder, T.Compose([T.Resize((size, size)), T.ToTensor()]))
    n = sum(len(x) for x, _ in torch.utils.data.DataLoader(data, batch_size=256, num_workers=w))
    return time.perf_counter() - start, n


def ours():
    start = time.perf_counter()
    subprocess.run(["ds-pack", "-q", "--size", str(size), "-o", "loader.images", folder], check=True)
    t = time.perf_counter() - start
    os.remove("loader.images")
    return t


ours()                                                           # the files are in memory now
times, ratios = {w: [] for w in workers}, []
mine = []
for _ in range(rounds):
    for w in workers:
        t, n = theirs(w)
        times[w].append(t)
    mine.append(ours())
    ratios.append(min(times[w][-1] for w in workers) / mine[-1])
best = min(workers, key=lambda w: statistics.median(times[w]))
for w in workers:
    t = statistics.median(times[w])
    print("%-46s %10.0f %-9s %8.3f s%s" % ("  torchvision, %d workers" % w, n / t, "images/s", t, "  (best)" if w == best else ""))
t = statistics.median(mine)
print("%-46s %10.0f %-9s %8.3f s  %.1f times torchvision's best (%.1f to %.1f)" %
      ("  ds-pack", n / t, "images/s", t, statistics.median(ratios), min(ratios), max(ratios)))
