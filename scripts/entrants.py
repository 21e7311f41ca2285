"""Who enters the tables of robustness and of the simulated A/B, and how their runs are set.

Variables, of make or of the environment: POLICIES, names by spaces or commas; WEIGHTS, a folder
whose *.safetensors enter, too, each under its file's name; PERIODS; SETTINGS, more words of --set.
"""
import json
import os
import struct

from tables import number

MARKET = "scenarios/market48.yaml"
FIRST_PERIOD = 7  # of those that no training and no choice of weights sees
ORACLE = "oracle_slot"


def words(name, fallback):
    """The variable's words, by spaces or commas."""
    return os.environ.get(name, fallback).replace(",", " ").split()


def periods():
    return int(os.environ.get("PERIODS", "20"))


def type_of(path):
    """The type of policy that bids by these weights."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(size))["__metadata__"]["type"]


def networks():
    """Paths of the weights by the policy's name."""
    folder = os.environ.get("WEIGHTS", "build/weights")
    files = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return {name.removesuffix(".safetensors"): os.path.abspath(f"{folder}/{name}")
            for name in files if name.endswith(".safetensors")}


def settings():
    """Of every run: the periods, the networks, and what is asked for besides."""
    own = [f'policies.+={{name: "{name}", type: {type_of(path)}, weights: "{path}"}}'
           for name, path in networks().items()]
    return [f"market.first_period={FIRST_PERIOD}", f"market.periods={periods()}",
            "market.keep_ticks=off", *own, *os.environ.get("SETTINGS", "").split()]


def span():
    return f"periods {FIRST_PERIOD} to {FIRST_PERIOD + periods() - 1}"


def signed(figure, decimals, scale=1):
    """"+80 (+61 to +97)", or without an interval where there is none to give."""
    if figure["estimate"] is None:
        return "-"

    def with_sign(value):
        text = number(scale * value, decimals)
        return text if text.startswith("-") or not text.strip("0.,") else "+" + text

    if figure["low"] is None:
        return f"{with_sign(figure['estimate'])} ({figure['interval']})"
    return (f"{with_sign(figure['estimate'])} ({with_sign(figure['low'])} to "
            f"{with_sign(figure['high'])})")
