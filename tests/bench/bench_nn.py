#!/usr/bin/env python3
"""PyTorch's side of bench_nn.c: the same steps and decisions, one thread, processor time.

Prints NAME MILLISECONDS a line. The nets are those of scripts/peers/torch_vectors.py.
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


def step_of(net, inputs, clip):
    optimizer = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], 1e-4)

    def step():
        optimizer.zero_grad()
        net.loss(inputs)[1].backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(net.parameters(), 0.25)
        optimizer.step()

    return step


def add_dropout(net):
    """AuctionNet's, 0.1 behind each projection; that of the weights is left out here."""
    for block in net.decoder["blocks"]:
        block.attn["proj"] = nn.Sequential(block.attn["proj"], nn.Dropout(0.1))
        block.mlp.append(nn.Dropout(0.1))
    return net


def quiet(run):
    def inner():
        with torch.inference_mode():
            run()

    return inner


class Guided(peers.DecisionTransformer):
    """EBaReT's: a fourth token a tick, of expertness; the action is read off it."""

    def __init__(self, n):
        super().__init__(n)
        self.embed_expertness = nn.Linear(1, n["width"])

    def forward(self, i):
        when = self.embed_timestep(i["tick"].long())
        tokens = (self.embed_state(i["states"]), self.embed_return(i["returns"]),
                  self.embed_expertness(i["returns"]), self.embed_action(i["actions"]))
        b, t, c = when.shape
        x = torch.stack([token + when for token in tokens], 2).reshape(b, 4 * t, c)
        x = self.embed_ln(x)
        for block in self.decoder["blocks"]:
            x = block(x, torch.ones(b, 4 * t))
        return self.predict_action(x.reshape(b, t, 4, c)[:, :, 2])


def denoising(passes, base):
    """Ten steps of a U-Net, all passes in one batch."""
    n = {"batch": passes, "ticks": 48, "states": 16, "base": base, "kernel": 5, "groups": 8}
    net, inputs = peers.Diffuser(n).eval(), peers.unet_inputs(n)

    def decide():
        for _ in range(10):
            net.unet(inputs)

    return quiet(decide)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    small = {"width": 64, "layers": 3, "heads": 1, "inner": 512, "states": 16}
    n = {**small, "batch": 32, "ticks": 20}
    net = add_dropout(peers.DecisionTransformer(n))
    print("dt_step", milliseconds(step_of(net, peers.dt_inputs(n), True)))
    n = {**n, "width": 512, "layers": 8, "heads": 16, "inner": 1024}
    net = add_dropout(peers.DecisionTransformer(n))
    print("dt_large_step", milliseconds(step_of(net, peers.dt_inputs(n), True), 3))
    n = {**small, "batch": 1, "ticks": 48}
    net, inputs = peers.DecisionTransformer(n).eval(), peers.dt_inputs(n)
    print("dt_decision", milliseconds(quiet(lambda: net(inputs)), 30))
    n = {**n, "layers": 2, "heads": 2, "inner": 256, "states": 44}
    guided, inputs = Guided(n).eval(), peers.dt_inputs(n)
    print("ebaret_decision", milliseconds(quiet(lambda: guided(inputs)), 30))
    n = {"batch": 100, "states": 16, "q": 64}
    net, inputs = peers.Iql(n), peers.iql_inputs(n)
    print("iql_step", milliseconds(step_of(net, inputs, False), 50))
    actor = peers.mlp(16, 128, 128, 1)
    actor.loss = lambda i: (None, ((actor(i["states"]) - i["actions"]) ** 2).mean())
    print("bc_step", milliseconds(step_of(actor, inputs, False), 50))
    print("dd_decision", milliseconds(denoising(2, 128), 3))
    print("egdb_decision", milliseconds(denoising(3, 32), 9))
    print("version", torch.__version__)


if __name__ == "__main__":
    main()
