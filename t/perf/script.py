"""What a user would run instead of um-embed, from a cold start: python3 script.py MODEL.pth IMAGES.npy OUT.npy"""
import sys

import numpy as np
import torch
sys.path.insert(0, __file__.rsplit("/", 1)[0])
from forward import network

threads = torch.get_num_threads()           # the default
net, forward = network("densenet")
torch.set_num_threads(threads)
net.load_state_dict(torch.load(sys.argv[1]))
x = np.load(sys.argv[2])
out = []
with torch.inference_mode():
    for i in range(0, len(x), 64):
        out.append(forward(torch.from_numpy(x[i:i + 64]).float() / 255).numpy())
np.save(sys.argv[3], np.concatenate(out))
