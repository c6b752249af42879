"""Pictures of random squares, for helpers that compare networks with PyTorch's."""
import os

import numpy as np
import torch
from PIL import Image


def write(folder, size, n):
    """FOLDER/SIZE/000.png and so on; the same as numbers from 0 to 1, (n, 3, size, size)."""
    path = os.path.join(folder, str(size))
    os.makedirs(path, exist_ok=True)
    random = np.random.default_rng(size)
    all_of = []
    for i in range(n):
        a = random.integers(0, 256, (size // 4, size // 4, 3), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
        Image.fromarray(a).save(os.path.join(path, "%03d.png" % i))
        all_of.append(a)
    return torch.from_numpy(np.stack(all_of)).permute(0, 3, 1, 2).float() / 255
