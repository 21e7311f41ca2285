#!/usr/bin/env python3
"""open_weights.py WEIGHTS.safetensors [TRAJECTORIES.safetensors]: a network that Gavel trained, in
NumPy and, where it is installed, in PyTorch.

WEIGHTS is of behaviour cloning or IQL (`gavel train bc ...`): an actor, a perceptron with ReLU
between its layers, whose output is a multiplier in units of the file's own. Prints what the file says of itself and its tensors; with
TRAJECTORIES (`gavel trajectories`), also the actor's multiplier beside the logged one for the
first trajectory. The file is plain safetensors, so `safetensors.numpy.load_file()` reads it too;
the few lines below need NumPy alone.
"""
import json
import struct
import sys

import numpy as np

DTYPES = {"F32": np.float32, "F64": np.float64, "I64": np.int64, "U8": np.uint8}


def load(path):
    """The metadata, and the tensors by name."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    about = header.pop("__metadata__", {})
    tensors = {}
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        values = np.frombuffer(data[begin:end], DTYPES[tensor["dtype"]])
        tensors[name] = values.reshape(tensor["shape"])
    return about, tensors


def layers_of(tensors):
    """(weight, bias) of each layer, first to last."""
    names = [name.removesuffix(".weight") for name in tensors
             if name.startswith("actor.") and name.endswith(".weight")]
    numbered = sorted((name for name in names if name.split(".")[-1].isdigit()),
                      key=lambda name: int(name.split(".")[-1]))
    last = [name for name in names if name == "actor.mean"]  # of IQL's normal law
    return [(tensors[f"{name}.weight"], tensors[f"{name}.bias"]) for name in numbered + last]


def act(tensors, states):
    """Multipliers, currency a conversion, for states [n][16]: what the policy bids by."""
    x = ((states - tensors["scaling.offset"]) / tensors["scaling.divisor"]).astype(np.float32)
    layers = layers_of(tensors)
    for i, (weight, bias) in enumerate(layers):
        x = x @ weight.T + bias
        x = np.maximum(x, 0) if i + 1 < len(layers) else x
    unit, _ = tensors["scaling.action"]
    return x[:, 0].astype(np.float64) * unit


def act_in_torch(tensors, states):
    """The same through torch.nn; None where there is no PyTorch."""
    try:
        import torch
    except ImportError:
        return None
    modules = []
    for weight, bias in layers_of(tensors):
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight.data = torch.from_numpy(weight.copy())
        linear.bias.data = torch.from_numpy(bias.copy())
        modules += [linear, torch.nn.ReLU()]
    network = torch.nn.Sequential(*modules[:-1])
    x = (states - tensors["scaling.offset"]) / tensors["scaling.divisor"]
    with torch.no_grad():
        y = network(torch.from_numpy(x.astype(np.float32)))[:, 0].numpy()
    unit, _ = tensors["scaling.action"]
    return y.astype(np.float64) * unit


def main(arguments):
    if len(arguments) not in (1, 2):
        sys.exit(__doc__.split("\n\n")[0])
    about, tensors = load(arguments[0])
    for name in ("type", "trained.step", "trained.periods", "ticks"):
        print(f"{name}: {about.get(name, '-')}")
    for name, tensor in tensors.items():
        print(f"{name}: {tensor.dtype} {list(tensor.shape)}")
    if len(arguments) == 1:
        return
    _, trajectories = load(arguments[1])
    states, logged = trajectories["state"][0], trajectories["action"][0]
    ours, theirs = act(tensors, states), act_in_torch(tensors, states)
    print("tick  multiplier  in PyTorch      logged")
    for tick, (mine, log) in enumerate(zip(ours, logged)):
        torch_text = f"{theirs[tick]:10.3f}" if theirs is not None else "         -"
        print(f"{tick:4d}  {mine:10.3f}  {torch_text}  {log:10.3f}")


if __name__ == "__main__":
    main(sys.argv[1:])
