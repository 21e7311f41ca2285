#!/usr/bin/env python3
"""torch_vectors.py DIR [--full]: what PyTorch computes, for tests/models/test_torch_parity.c.

Writes dt, unet, iql, infnet and infnet_codes.safetensors to DIR: starting weights under Gavel's
names, inputs of a few batches, outputs and gradients of the first, and the loss of each of 200
AdamW steps that go round the batches. Small nets, which tests/golden/torch/ records, or with
--full the published sizes. Needs torch and numpy.
"""

import json
import math
import struct
import sys

import torch
import torch.nn.functional as F
from torch import nn

BATCHES = 4
STEPS = 200
RATE = 1e-4  # as published for all three
DECAY = 1e-2


def write(path, tensors, notes):
    """Own writer: Debian's PyTorch comes without the safetensors package."""
    names = {torch.float32: "F32", torch.int32: "I32"}
    header, body = {"__metadata__": {k: str(v) for k, v in notes.items()}}, b""
    for name, tensor in tensors.items():
        data = tensor.detach().contiguous().numpy().tobytes()
        header[name] = {
            "dtype": names[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + body)


class Block(nn.Module):
    """A block of AuctionNet's decision transformer, its three projections side by side."""

    def __init__(self, width, heads, inner):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.ModuleDict(
            {"qkv": nn.Linear(width, 3 * width), "proj": nn.Linear(width, width)}
        )
        self.mlp = nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width))

    def attend(self, x, valid):
        b, t, c = x.shape
        q, k, v = (
            y.view(b, t, self.heads, c // self.heads).transpose(1, 2)
            for y in self.attn["qkv"](x).chunk(3, -1)
        )
        scores = q @ k.transpose(-2, -1) / math.sqrt(c // self.heads)
        seen = torch.tril(torch.ones(t, t, dtype=torch.bool))[None, None]
        seen = seen & (valid[:, None, None, :] > 0)
        weights = F.softmax(scores.masked_fill(~seen, -1e30), -1) * seen
        return self.attn["proj"]((weights @ v).transpose(1, 2).reshape(b, t, c))

    def forward(self, x, valid):
        x = x + self.attend(self.ln1(x), valid)
        return x + self.mlp(self.ln2(x))


class DecisionTransformer(nn.Module):
    def __init__(self, n):
        super().__init__()
        width = n["width"]
        self.embed_timestep = nn.Embedding(48, width)
        self.embed_return = nn.Linear(1, width)
        self.embed_state = nn.Linear(n["states"], width)
        self.embed_action = nn.Linear(1, width)
        self.embed_ln = nn.LayerNorm(width)
        blocks = [Block(width, n["heads"], n["inner"]) for _ in range(n["layers"])]
        self.decoder = nn.ModuleDict({"blocks": nn.ModuleList(blocks)})
        self.predict_action = nn.Linear(width, 1)

    def forward(self, i):
        when = self.embed_timestep(i["tick"].long())
        tokens = (
            self.embed_return(i["returns"]) + when,
            self.embed_state(i["states"]) + when,
            self.embed_action(i["actions"]) + when,
        )
        b, t, c = when.shape
        x = self.embed_ln(torch.stack(tokens, 2).reshape(b, 3 * t, c))
        for block in self.decoder["blocks"]:
            x = block(x, i["valid"])
        return self.predict_action(x.reshape(b, t, 3, c)[:, :, 1])

    def loss(self, i):
        out = self(i)
        return out, (i["weights"] * (out - i["actions"]) ** 2).sum()


def dt_inputs(n):
    b, t = n["batch"], n["ticks"]
    valid = torch.ones(b, t)
    for row in range(b):
        valid[row, : row % 3] = 0  # padded at the left, as short histories are
    return {
        "returns": torch.randn(b, t, 1),
        "states": torch.randn(b, t, n["states"]),
        "actions": torch.randn(b, t, 1),
        "valid": valid.repeat_interleave(3, 1),
        "weights": (valid / valid.sum())[..., None],
        "tick": torch.randint(0, 48, (b, t), dtype=torch.int32),
    }


def conv_block(inputs, outputs, n):
    conv = nn.Conv1d(inputs, outputs, n["kernel"], padding=n["kernel"] // 2)
    norm = nn.GroupNorm(n["groups"], outputs)
    return nn.ModuleDict(
        {"block": nn.Sequential(conv, nn.Identity(), norm, nn.Identity(), nn.Mish())}
    )


class Residual(nn.Module):
    def __init__(self, inputs, outputs, embedding, n):
        super().__init__()
        blocks = [conv_block(inputs, outputs, n), conv_block(outputs, outputs, n)]
        self.blocks = nn.ModuleList(blocks)
        self.time_mlp = nn.Sequential(nn.Mish(), nn.Linear(embedding, outputs))
        if inputs != outputs:
            self.residual_conv = nn.Conv1d(inputs, outputs, 1)
        else:
            self.residual_conv = nn.Identity()

    def forward(self, x, e):
        y = self.blocks[0]["block"](x) + self.time_mlp(e)[:, :, None]
        return self.blocks[1]["block"](y) + self.residual_conv(x)


class Unet(nn.Module):
    """Janner's TemporalUnet with a condition, as Decision Diffuser has it; three levels."""

    def __init__(self, n):
        super().__init__()
        base = n["base"]
        widths = [base, 2 * base, 4 * base]
        embedding = 2 * base
        self.time_mlp = nn.Sequential(
            nn.Identity(), nn.Linear(base, 4 * base), nn.Mish(), nn.Linear(4 * base, base)
        )
        self.returns_mlp = nn.Sequential(
            nn.Linear(1, base), nn.Mish(), nn.Linear(base, 4 * base), nn.Mish(),
            nn.Linear(4 * base, base),
        )
        self.downs, self.ups = nn.ModuleList(), nn.ModuleList()
        last = n["states"]
        for level, width in enumerate(widths):
            down = [Residual(last, width, embedding, n), Residual(width, width, embedding, n)]
            if level < 2:
                down.append(nn.ModuleDict({"conv": nn.Conv1d(width, width, 3, 2, 1)}))
            self.downs.append(nn.ModuleList(down))
            last = width
        self.mid_block1 = Residual(last, last, embedding, n)
        self.mid_block2 = Residual(last, last, embedding, n)
        for width, narrow in ((widths[2], widths[1]), (widths[1], widths[0])):
            conv = nn.ModuleDict({"conv": nn.ConvTranspose1d(narrow, narrow, 4, 2, 1)})
            up = [Residual(2 * width, narrow, embedding, n), Residual(narrow, narrow, embedding, n)]
            self.ups.append(nn.ModuleList(up + [conv]))
        self.final_conv = nn.Sequential()
        self.final_conv.append(conv_block(base, base, n))
        self.final_conv.append(nn.Conv1d(base, n["states"], 1))

    def forward(self, i):
        x = i["x"].transpose(1, 2)
        condition = i["keep"][:, None] * self.returns_mlp(i["returns"])
        e = torch.cat((self.time_mlp(i["step"]), condition), -1)
        kept = []
        for down in self.downs:
            x = down[1](down[0](x, e), e)
            kept.append(x)
            x = down[2]["conv"](x) if len(down) > 2 else x
        x = self.mid_block2(self.mid_block1(x, e), e)
        for up in self.ups:
            x = torch.cat((x, kept.pop()), 1)
            x = up[2]["conv"](up[1](up[0](x, e), e))
        x = self.final_conv[1](self.final_conv[0]["block"](x))
        return x.transpose(1, 2)


class Diffuser(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.unet = Unet(n)

    def loss(self, i):
        out = self.unet(i)
        return out, ((out - i["noise"]) ** 2).mean()


def unet_inputs(n):
    b, t = n["batch"], n["ticks"]
    steps = torch.randint(0, 10, (b,)).float()
    half = n["base"] // 2
    angles = steps[:, None] * torch.exp(-math.log(10000) * torch.arange(half) / (half - 1))
    return {
        "x": torch.randn(b, t, n["states"]),
        "step": torch.cat((angles.sin(), angles.cos()), -1),
        "returns": torch.rand(b, 1),
        "keep": (torch.rand(b) > 0.25).float(),
        "noise": torch.randn(b, t, n["states"]),
    }


def mlp(*widths):
    layers = []
    for a, b in zip(widths, widths[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Critic(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.obs_FC, self.action_FC = nn.Linear(n["states"], n["q"]), nn.Linear(1, n["q"])
        self.net = mlp(2 * n["q"], n["q"], n["q"], 1)

    def forward(self, s, a):
        return self.net(torch.cat((self.obs_FC(s), self.action_FC(a)), -1))


class Iql(nn.Module):
    """All nets of implicit Q-learning and the sum of their losses; targets follow by tau 0.01."""

    def __init__(self, n):
        super().__init__()
        make = {
            "actor": mlp(n["states"], 2 * n["q"], n["q"], 1),
            "v": mlp(n["states"], 2 * n["q"], n["q"], n["q"] // 2, 1),
            "q1": Critic(n),
            "q2": Critic(n),
        }
        self.net = nn.ModuleDict(make)
        self.target = nn.ModuleDict({"q1": Critic(n), "q2": Critic(n)})
        self.target.requires_grad_(False)
        for name in ("q1", "q2"):
            self.target[name].load_state_dict(self.net[name].state_dict())

    def loss(self, i):
        s, a = i["states"], i["actions"]
        q = torch.min(self.target["q1"](s, a), self.target["q2"](s, a))
        v = self.net["v"](s)
        u = q - v
        value = (torch.where(u < 0, 0.3, 0.7) * u**2).mean()
        wanted = (i["rewards"] + 0.99 * i["going"] * self.net["v"](i["next"])).detach()
        critics = sum(((self.net[k](s, a) - wanted) ** 2).mean() for k in ("q1", "q2"))
        weights = (3 * torch.exp(u.detach())).clamp(max=100)
        out = self.net["actor"](s)
        return out, value + critics + (weights * (out - a) ** 2).mean()

    def after_step(self):
        with torch.no_grad():
            for name in ("q1", "q2"):
                for old, new in zip(self.target[name].parameters(), self.net[name].parameters()):
                    old += 0.01 * (new - old)


def iql_inputs(n):
    b = n["batch"]
    return {
        "states": torch.randn(b, n["states"]),
        "next": torch.randn(b, n["states"]),
        "actions": torch.randn(b, 1),
        "rewards": torch.rand(b, 1),
        "going": (torch.rand(b, 1) > 0.1).float(),
    }


class InfnetGroup(nn.Module):
    """What one group of tokens has in a block: its hubs' reading, and what they tell its tokens."""

    def __init__(self, n, hubs, tells):
        super().__init__()
        d, self.heads = n["width"], n["heads"]
        self.hub_norm, self.inner_norm = nn.LayerNorm(d), nn.LayerNorm(d)
        self.query, self.pairs, self.mix = nn.Linear(d, d), nn.Linear(d, 2 * d), nn.Linear(d, d)
        self.inner = nn.Sequential(nn.Linear(d, 2 * d), nn.SiLU(), nn.Linear(2 * d, d))
        if tells:
            self.summary, self.local_norm = nn.Linear(hubs * d, d), nn.LayerNorm(d)
            self.gain, self.shift, self.out = (nn.Linear(d, d) for _ in range(3))

    def split(self, x):
        b, t, c = x.shape
        return x.view(b, t, self.heads, c // self.heads).transpose(1, 2)

    def attend(self, hubs, tokens, seen):
        b, m, d = hubs.shape
        q = self.split(self.query(self.hub_norm(hubs)))
        k, v = (self.split(y) for y in self.pairs(tokens).chunk(2, -1))
        scores = q @ k.transpose(-2, -1) / math.sqrt(d // self.heads)
        mixed = F.softmax(scores.masked_fill(~seen[:, None, None, :], -1e30), -1) @ v
        return hubs + self.mix(mixed.transpose(1, 2).reshape(b, m, d))

    def aggregate(self, hubs, tokens, seen):
        hubs = self.attend(hubs, tokens, seen)
        return hubs + self.inner(self.inner_norm(hubs))

    def broadcast(self, tokens, hubs):
        p = self.summary(hubs.flatten(1))
        gain, shift = 2 * torch.sigmoid(self.gain(p)), self.shift(p)
        said = gain[:, None] * self.local_norm(tokens) + shift[:, None]
        return tokens + self.out(said)


class Infnet(nn.Module):
    """INFNet as models/predict/infnet.c has it."""

    groups = ("fields", "past", "tasks")

    def __init__(self, n):
        super().__init__()
        d, hubs = n["width"], {"fields": n["hubs"], "past": n["hubs"], "tasks": 2}
        self.event = nn.Linear(n["past_fields"] * d + 3, d)
        self.field = nn.Parameter(0.05 * torch.randn(n["fields"], d))
        self.task = nn.Parameter(0.3 * torch.randn(2, d))
        self.hubs = nn.ModuleDict({g: nn.Linear(d, hubs[g] * d) for g in self.groups})
        for i in range(2):
            block = {g: InfnetGroup(n, hubs[g], i == 0 or g == "tasks") for g in self.groups}
            block["token_norm"] = nn.LayerNorm(d)
            setattr(self, f"block{i}", nn.ModuleDict(block))
        for k in range(2):
            head = nn.Sequential(nn.Linear(3 * d, n["hidden"]), nn.SiLU(), nn.Linear(n["hidden"], 1))
            setattr(self, f"task{k}", head)

    def forward(self, i):
        b, _, d = i["fields"].shape
        x = {
            "fields": i["fields"] + self.field,
            "past": self.event(torch.cat((i["past"], i["ages"]), -1)),
            "tasks": self.task.expand(b, 2, d),
        }
        seen = i["valid_tokens"] > 0
        means = {g: x[g].mean(1) for g in ("fields", "tasks")}
        means["past"] = (x["past"] * i["shares"][..., None]).sum(1)
        hubs = {g: self.hubs[g](means[g]).view(b, -1, d) for g in self.groups}
        for k in range(2):
            block = getattr(self, f"block{k}")
            tokens = block["token_norm"](torch.cat([x[g] for g in self.groups], 1))
            for g in self.groups:
                hubs[g] = block[g].aggregate(hubs[g], tokens, seen)
            for g in self.groups if k == 0 else ("tasks",):
                x[g] = block[g].broadcast(x[g], hubs[g])
        read = torch.cat((hubs["fields"].mean(1), hubs["past"].mean(1)), -1)
        heads = [getattr(self, f"task{k}")(torch.cat((x["tasks"][:, k], read), -1)) for k in (0, 1)]
        return torch.cat(heads, -1)

    def loss(self, i):
        out = self(i)
        a, b = out[:, 0], out[:, 1]
        both = -torch.logsumexp(torch.stack((-a, -b, -a - b)), 0)
        bce = F.binary_cross_entropy_with_logits
        clicks = bce(a, i["click"], weight=i["click_weights"], reduction="sum")
        whole = bce(both, i["conversion"], weight=i["conversion_weights"], reduction="sum")
        return out, clicks + whole


class Reader(nn.Module):
    """All hubs' reading of a past: keys taken for codes, a kernel of time for each head."""

    def __init__(self, n):
        super().__init__()
        d, self.heads = n["width"], n["heads"]
        self.hub_norm, self.event_norm = nn.LayerNorm(d), nn.LayerNorm(d)
        self.query, self.pairs, self.mix = nn.Linear(d, d), nn.Linear(d, 2 * d), nn.Linear(d, d)
        self.codes = nn.Parameter(torch.randn(self.heads, n["codes"], d // self.heads))
        self.shares = nn.Parameter(0.3 * torch.randn(self.heads, 3))

    def split(self, x):
        b, t, d = x.shape
        return x.view(b, t, self.heads, d // self.heads).transpose(1, 2)

    def forward(self, hubs, events, decays):
        """What is added to the hubs, and what keys apart from their codes cost."""
        b, m, d = hubs.shape
        there = decays[..., :1]
        keys, values = self.pairs(self.event_norm(events)).chunk(2, -1)
        apart = torch.cdist(self.split(keys), self.codes.detach()[None])
        nearest = torch.stack([self.codes[g][apart[:, g].argmin(-1)] for g in range(self.heads)], 1)
        nearest = nearest.transpose(1, 2).reshape(keys.shape).detach()
        taken = keys + (nearest - keys).detach()
        kernel = (decays @ self.shares.exp().T).transpose(1, 2)[:, :, None]
        scores = self.split(self.query(self.hub_norm(hubs))) @ self.split(taken).transpose(-2, -1)
        scores = scores / math.sqrt(d // self.heads)
        weights = kernel * (scores - scores.max(-1, keepdim=True)[0]).exp()
        weights = weights / weights.sum(-1, keepdim=True).clamp(min=1e-30)
        told = (weights @ self.split(values)).transpose(1, 2).reshape(b, m, d)
        penalty = 0.25 * F.mse_loss(keys * there, nearest * there)
        return self.mix(told), penalty + 0 * self.codes.sum()


class InfnetCodes(Infnet):
    """The same that reads its past by codes (models/predict/infnet_read.c)."""

    def __init__(self, n):
        super().__init__(n)
        d = n["width"]
        self.event = nn.Linear(n["past_fields"] * d, d)
        hubs = {"fields": nn.Linear(d, n["hubs"] * d), "tasks": nn.Linear(d, 2 * d)}
        self.hubs = nn.Module()
        self.hubs.fields, self.hubs.tasks = hubs["fields"], hubs["tasks"]
        self.hubs.past = nn.Parameter(0.3 * torch.randn(n["hubs"], d))
        for i in range(2):
            block = getattr(self, f"block{i}")
            block["past"] = InfnetGroup(n, n["hubs"], False)
            if i == 1:
                block["fields"] = InfnetGroup(n, n["hubs"], False)
            block["read"] = Reader(n)

    def forward(self, i):
        b, _, d = i["fields"].shape
        x = {"fields": i["fields"] + self.field, "tasks": self.task.expand(b, 2, d)}
        events = self.event(i["past"])
        hubs = {g: getattr(self.hubs, g)(x[g].mean(1)).view(b, -1, d) for g in x}
        hubs["past"] = self.hubs.past.expand(b, -1, d)
        seen = torch.ones(b, x["fields"].shape[1] + 2, dtype=torch.bool)
        self.penalty = 0
        for k in range(2):
            block = getattr(self, f"block{k}")
            tokens = block["token_norm"](torch.cat((x["fields"], x["tasks"]), 1))
            hubs = {g: block[g].attend(hubs[g], tokens, seen) for g in self.groups}
            told, penalty = block["read"](torch.cat([hubs[g] for g in self.groups], 1), events,
                                          i["decays"])
            self.penalty = self.penalty + penalty
            told = told.split([hubs[g].shape[1] for g in self.groups], 1)
            for g, more in zip(self.groups, told):
                hubs[g] = hubs[g] + more
                hubs[g] = hubs[g] + block[g].inner(block[g].inner_norm(hubs[g]))
            for g in ("fields", "tasks") if k == 0 else ("tasks",):
                x[g] = block[g].broadcast(x[g], hubs[g])
        read = torch.cat((hubs["fields"].mean(1), hubs["past"].mean(1)), -1)
        heads = [getattr(self, f"task{k}")(torch.cat((x["tasks"][:, k], read), -1)) for k in (0, 1)]
        return torch.cat(heads, -1)

    def loss(self, i):
        out, loss = super().loss(i)
        return out, loss + self.penalty


def infnet_inputs(n):
    b, f, t, d = n["batch"], n["fields"], n["past_length"], n["width"]
    counts = torch.arange(b) % (t + 1)
    there = (torch.arange(t)[None] < counts[:, None]).float()
    click = (torch.rand(b) < 0.4).float()
    return {
        "fields": torch.randn(b, f, d),
        "past": torch.randn(b, t, n["past_fields"] * d),
        "ages": torch.rand(b, t, 3),
        "valid_tokens": torch.cat((torch.ones(b, f), there, torch.ones(b, 2)), 1),
        "shares": there / counts.clamp(min=1)[:, None],
        "no_task": torch.zeros(b, 2, d),
        "click": click,
        "conversion": click * (torch.rand(b) < 0.5).float(),
        "click_weights": torch.full((b,), 1 / b),
        "conversion_weights": torch.full((b,), 1 / b),
    }


def infnet_codes_inputs(n):
    b, t, d = n["batch"], n["past_length"], n["width"]
    inputs = infnet_inputs(n)
    there = (inputs.pop("shares") > 0).float()
    del inputs["ages"], inputs["valid_tokens"]
    decays = torch.rand(b, t, 3) * there[..., None]
    decays[..., 0] = there
    return {**inputs, "decays": decays, "no_past": torch.zeros(b, n["hubs"], d),
            "no_shares": torch.zeros(b, n["heads"], 3)}


def record(path, net, make_inputs, notes):
    batches = [make_inputs(notes) for _ in range(BATCHES)]
    tensors = {"param." + k: v.clone() for k, v in net.state_dict().items()}
    for name in batches[0]:
        tensors["input." + name] = torch.stack([b[name] for b in batches])
    trained = [p for p in net.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, RATE, weight_decay=DECAY)
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        out, loss = net.loss(batches[step % BATCHES])
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            tensors["output"] = out
            for name, param in net.named_parameters():
                if param.requires_grad:
                    tensors["gradient." + name] = param.grad.clone()
        optimizer.step()
        if hasattr(net, "after_step"):
            net.after_step()
    tensors["losses"] = torch.tensor(losses)
    write(path, tensors, {**notes, "torch": torch.__version__, "rate": RATE, "decay": DECAY})


def main():
    if len(sys.argv) < 2 or sys.argv[2:] not in ([], ["--full"]):
        sys.exit(__doc__)
    folder, full = sys.argv[1], len(sys.argv) == 3
    torch.set_num_threads(1)
    torch.manual_seed(1)
    small = {"batch": 4, "ticks": 5, "states": 3, "width": 12, "layers": 2, "heads": 2, "inner": 20}
    published = {
        "batch": 32, "ticks": 20, "states": 16, "width": 64, "layers": 3, "heads": 1, "inner": 512,
    }
    n = published if full else small
    record(folder + "/dt.safetensors", DecisionTransformer(n), dt_inputs, n)
    small = {"batch": 3, "ticks": 8, "states": 3, "base": 4, "kernel": 5, "groups": 2}
    published = {"batch": 4, "ticks": 48, "states": 16, "base": 64, "kernel": 5, "groups": 8}
    n = published if full else small
    record(folder + "/unet.safetensors", Diffuser(n), unet_inputs, n)
    n = {"batch": 100, "states": 16, "q": 64} if full else {"batch": 6, "states": 4, "q": 8}
    record(folder + "/iql.safetensors", Iql(n), iql_inputs, n)
    small = {
        "batch": 4, "fields": 3, "past_length": 4, "past_fields": 2, "width": 8, "heads": 2,
        "hubs": 2, "hidden": 6,
    }
    published = {
        "batch": 64, "fields": 8, "past_length": 20, "past_fields": 2, "width": 16, "heads": 2,
        "hubs": 4, "hidden": 32,
    }
    n = published if full else small
    record(folder + "/infnet.safetensors", Infnet(n), infnet_inputs, n)
    n = {**n, "sequence": "codes", "codes": 64 if full else 5}
    record(folder + "/infnet_codes.safetensors", InfnetCodes(n), infnet_codes_inputs, n)


if __name__ == "__main__":
    main()
