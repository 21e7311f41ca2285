"""results/league_planners.md: EBaReT and EGDB, whole and with each of their parts left out.

Networks are those of scripts/models, which trains what build/models/ does not hold. Every league's
outcome is kept in build/planners/ until its settings change, so an interrupted table goes on.
"""
import json
import os
import subprocess

from tables import GAVEL, commit, interval, market_rows, number, sets, write

MARKET = "scenarios/market48.yaml"
WORK = "build/planners"
SEEDS = (1, 2, 3)
FIRST_PERIOD, PERIODS = 7, 20
ABLATION_PERIODS = 10
CURVE_PERIODS = 3
JUMPS = (1, 2, 5, 10, 20, 50, 100)
STUDENT = 4.302653  # its 97.5 % for three values
BESIDE = ("direct", "online_lp", "mcpa")
ORACLE = "oracle_slot"

# What is left out, by the name that scripts/models knows the network by; "" the whole.
EBARET = {"": "whole", "no_experts": "no experts: taught by the log alone, what it played",
          "no_pu": "no discriminator: every transition weighs the same",
          "no_bag": "no bags: rewards tick by tick, conversions as they came",
          "plain": "plain inference: the whole network, with a fixed target instead of a tilt"}
EGDB = {"": "whole", "no_experts": "no experts: taught by the log alone, no embedding",
        "no_forcing": "no decode forcing: the embedding is always the teacher's in training",
        "no_completion": "no completion: the past is noise in training, too",
        "return_only": "the return alone: CBD's planner at these sizes"}
SERVED_AS = {"plain": ("", "tilt: off")}  # of what network, and how, where nothing is trained


def network_name(kind, part, seed):
    return f"{kind}.{part}-{seed}" if part else f"{kind}-{seed}"


def train(names):
    subprocess.run(["scripts/models", *names], check=True)


def policy(name, kind, network, more=""):
    path = os.path.abspath(f"build/models/{network}.safetensors")
    serving = f", {more}" if more else ""
    return f'policies.+={{name: "{name}", type: {kind}, weights: "{path}"{serving}}}'


def league(name, policies, contenders, settings):
    """{"commit", "settings", "league", "seconds"} of one run, kept until its settings change."""
    words = [*policies, *settings, "market.keep_ticks=off",
             f"market.contenders=[{', '.join(contenders)}]"]
    path = f"{WORK}/{name}.json"
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            outcome = json.load(file)
        if outcome["settings"] == words:
            return outcome
    os.makedirs(WORK, exist_ok=True)
    report = subprocess.run([GAVEL, "run", MARKET, "--json", "--quiet", "--resume", "--db",
                             f"{WORK}/{name}.db", *sets(words)], check=True,
                            stdout=subprocess.PIPE).stdout
    (table,) = [one for one in json.loads(report)["league"] if one["rivals"] != "market"]
    outcome = {"commit": commit(), "settings": words, "league": table}
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(outcome, file, indent=1)
    os.replace(path + ".new", path)
    return outcome


def of_periods(count):
    return [f"market.first_period={FIRST_PERIOD}", f"market.periods={count}"]
