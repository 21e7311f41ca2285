#!/usr/bin/env python3
"""PyTorch's side of bench_predict.c: the same step and pricing, one thread, processor time.

Prints NAME MILLISECONDS a line. The network is that of scripts/peers/torch_vectors.py; its table of
65536 rows has sparse gradients and SparseAdam, as Gavel's.
"""

import os
import sys
import time

import torch
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../scripts/peers"))
import torch_vectors as peers  # noqa: E402

TURNS = 9


def milliseconds(run, turns=TURNS):
    run()
    spent = []
    for _ in range(turns):
        start = time.process_time()
        run()
        spent.append(time.process_time() - start)
    return 1e3 * sorted(spent)[len(spent) // 2]


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    n = {
        "batch": 1024, "fields": 8, "past_length": 20, "past_fields": 2, "width": 16, "heads": 2,
        "hubs": 4, "hidden": 32,
    }
    b, t, e, d = n["batch"], n["past_length"], n["past_fields"], n["width"]
    net = peers.Infnet(n)
    table = nn.Embedding(65536, d, sparse=True)
    nn.init.normal_(table.weight, std=0.05)
    inputs = peers.infnet_inputs(n)
    inputs["valid_tokens"] = torch.ones(b, n["fields"] + t + 2)
    inputs["shares"] = torch.full((b, t), 1 / t)
    fields = torch.randint(0, 65536, (b, n["fields"]))
    past = torch.randint(0, 65536, (b, t, e))
    dense = torch.optim.Adam(net.parameters(), 1e-3)
    sparse = torch.optim.SparseAdam(list(table.parameters()), 1e-3)

    def gather():
        return {**inputs, "fields": table(fields), "past": table(past).flatten(2)}

    def step():
        dense.zero_grad()
        sparse.zero_grad()
        net.loss(gather())[1].backward()
        dense.step()
        sparse.step()

    def price():
        with torch.inference_mode():
            torch.sigmoid(net(gather()))

    print("version", torch.__version__)
    print("infnet_step", milliseconds(step))
    print("infnet_price", milliseconds(price))


if __name__ == "__main__":
    main()
