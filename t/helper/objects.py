"""Files of torch.save() that hold more than a state: for t/2220-um-ckpt-objects.t.

    python3 objects.py              writes them to the current folder, plain.pth among them; all hold its tensors
"""
import argparse
import collections
import datetime
import enum
import fractions
import functools
import os
import pathlib
import pickle
import re
import sys
import uuid

import numpy as np
import torch
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
import um_densenet  # noqa: E402


class Loss(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))


class Config(dict):
    pass


class Items(list):
    pass


class Slots:
    __slots__ = "a", "b"

    def __init__(self):
        self.a, self.b = 1, torch.ones(2)


class Colour(enum.Enum):
    RED = 1


class Keyed:
    def __new__(cls, *, a):
        return super().__new__(cls)

    def __getnewargs_ex__(self):
        return (), {"a": 1}


class Trap:
    def __reduce__(self):
        return os.system, ("touch executed",)


class TrapCalled:
    """Calls what a call returns, and sets the state of the result."""
    def __reduce__(self):
        return functools.partial(os.system, "touch executed"), (), {"x": 1}


torch.manual_seed(1)
net = um_densenet.DenseNet(10, 10, growth=2)
for m in net.modules():
    if isinstance(m, nn.BatchNorm2d):
        m.running_mean.normal_()
        m.running_var.uniform_(0.5, 2)
state = net.state_dict()
torch.save(state, "plain.pth")
deep = Config(a=Config(b=[Items([1, 2]), {3: Colour.RED}]))
deep.attribute = 1
beside = {
    "posixpath": pathlib.PosixPath("/data"), "torchversion": torch.__version__, "none": None,
    "history": collections.defaultdict(list, {"loss": [1.0]}), "factory": collections.defaultdict(functools.partial(dict, a=1)),
    "ordered": collections.OrderedDict(a=1), "deque": collections.deque([1, 2], 3), "set": {1, 2}, "frozen": frozenset("ab"),
    "time": datetime.timedelta(seconds=3), "date": datetime.datetime(2024, 1, 2), "uuid": uuid.UUID(int=5),
    "regex": re.compile("a"), "fraction": fractions.Fraction(1, 3), "slice": slice(1), "complexnumber": 1j, "enum": Colour.RED,
    "namespace": argparse.Namespace(lr=.1, path=pathlib.PosixPath("a")), "deep": deep, "slots": Slots(), "keyed": Keyed(a=1),
    "names": np.array(["cat", "dog"], dtype=object), "text": np.array(["cat", "dog"]), "strings": np.array([b"a"]),
    "record": np.zeros(2, dtype=[("a", "f4"), ("b", "i8")]), "dates": np.array(["2024-01-01"], dtype="M8[D]"),
    "half": np.float16(1), "longdouble": np.longdouble(1), "complexarray": np.zeros(2, "c8"), "many": np.zeros((1,) * 6),
    "bigend": np.arange(3, dtype=">i4"), "float": np.float64(1.5), "bool": np.bool_(True), "str": np.str_("a"),
    "random": np.random.RandomState(1), "generator": np.random.default_rng(1), "dtypes": np.dtype("f4"),
    "dtype": torch.int8, "format": torch.channels_last, "device": torch.device("cpu"), "size": torch.Size([1]),
    "bytearray": bytearray(b"abc"), "noarray": bytearray(), "bytes": b"a\xff", "nobytes": b"", "big": 1 << 100,
    "complex": torch.zeros(2, dtype=torch.complex64), "complex128": torch.zeros(2, dtype=torch.complex128),
    "sparse": torch.eye(2).to_sparse(), "quantised": torch.quantize_per_tensor(torch.ones(2), .1, 0, torch.qint8),
    "generators": torch.Generator().get_state(), "loss": Loss(), "function": torch.relu, "class": Loss, "builtin": len,
    "optimizer": torch.optim.Adam(net.parameters()), "trap": Trap(), "called": TrapCalled(),
}
names = []
for n, o in beside.items():
    for old in False, True:
        for protocol in (2, 4, 5):
            name = f"{n}-{protocol}{'-old' if old else ''}.pth"
            try:
                torch.save({"state_dict": state, "extra": {"x": [o, o]}, "last": 7}, name, pickle_protocol=protocol,
                           _use_new_zipfile_serialization=not old)
            except (TypeError, AttributeError, RuntimeError, pickle.PicklingError) as e:
                print(f"# {name} cannot be made: {e}", file=sys.stderr)
                os.path.exists(name) and os.remove(name)
                continue
            names.append(name)
with open("names", "w") as f:
    f.write("\n".join(names) + "\n")

# The state in unusual places.
both = {k: v for k, v in state.items()}
torch.save(Config(state_dict=Config(state)), "config.pth")
torch.save({"epoch": 3, "my_net": state, "my_head": {"weight": torch.ones(3)}}, "otherkey.pth")
torch.save({"epoch": 3, "all": {"student": {k: v * 0 for k, v in state.items() if "conv" in k}, "teacher": state}}, "nested.pth")
torch.save({"state_dict": {**state, "epoch": 3, "path": pathlib.PosixPath("a"), "freq": torch.zeros(2, dtype=torch.complex64)}}, "inside.pth")
torch.save({"state_dict": {**state, "fc.bias": torch.zeros(10, dtype=torch.complex64)}}, "wanted.pth")
# Whole modules.
torch.save(net, "module.pth")
torch.save(net, "module-old.pth", _use_new_zipfile_serialization=False)
torch.save({"model": nn.DataParallel(net), "epoch": 3}, "parallel.pth")
averaged = torch.optim.swa_utils.AveragedModel(net, avg_fn=torch.add)
torch.save({"ema": averaged}, "averaged.pth")
net.register_buffer("volatile", torch.zeros(3), persistent=False)
torch.save(net, "volatile.pth")
loop = nn.Module()
loop.__dict__["_modules"]["again"] = loop
torch.save(loop, "loop.pth")
