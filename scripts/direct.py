"""results/league_direct.md: the policy to begin with, `direct`, in periods that it never saw.

Networks are those of scripts/models, which trains what build/models/ does not hold. PERIODS (20)
says how many periods are tested against fixed rivals; where rivals react one is, since the market
is then sold 48 times a period for each policy.
"""
import json
import os
import subprocess

from tables import commit, interval, market_rows, number, run, write

MARKET = "scenarios/market48.yaml"
NETWORKS = ("direct-1", "direct-2", "direct-3")
BESIDE = ("online_lp", "mcpa")
FIRST_PERIOD = 7


def networks():
    subprocess.run(["scripts/models", *NETWORKS], check=True)
    return [f'policies.+={{name: {name}, type: direct, weights: '
            f'"{os.path.abspath(f"build/models/{name}.safetensors")}"}}' for name in NETWORKS]


def league(rivals, periods, policies, settings):
    """The figures of each policy in every advertiser's place."""
    os.makedirs("build/direct", exist_ok=True)
    report = json.loads(run(
        MARKET, f"build/direct/{rivals}.db", f"market.first_period={FIRST_PERIOD}",
        f"market.periods={periods}", f"market.rivals={rivals}", "market.keep_ticks=off", *settings,
        f"market.contenders=[{', '.join(policies)}]"))
    return next(league for league in report["league"] if league["rivals"] != "market")


def reacting_rows(reacting, oracle):
    lines = ["| policy | score | over the oracle's against fixed rivals, % | conversions "
             "| over CPA, % |", "|---|---|---|---|---|"]
    for row in reacting["policies"]:
        figures = row["figures"]
        lines.append("| " + " | ".join([
            row["policy"], interval(figures["score"], 2),
            number(100 * figures["score"]["estimate"] / oracle, 1),
            interval(figures["conversions"], 2), interval(figures["over_cpa"], 1, 100)]) + " |")
    return lines


def oracle_of_first_period(settings):
    fixed = league("fixed", 1, ("oracle_slot",), settings)
    return fixed["policies"][0]["figures"]["score"]["estimate"]


def make():
    periods = int(os.environ.get("PERIODS", "20"))
    settings = networks()
    fixed = league("fixed", periods, (*NETWORKS, *BESIDE, "oracle_slot"), settings)
    reacting = league("reacting", 1, ("direct-1", *BESIDE), settings)
    oracle = oracle_of_first_period(settings)
    write("results/league_direct.md", [
        "# The policy to begin with: direct",
        "",
        f"Commit {commit()}. Made by `make results RESULTS=direct`. `direct-1` is what Gavel "
        "ships, the others are of other seeds. All learnt from the bid landscapes of periods 1000 "
        "to 1099, 1,500 steps, nothing chosen by validation. At 100 % of the budget.",
        "",
        f"## Rivals fixed to the record, periods {FIRST_PERIOD} to {FIRST_PERIOD + periods - 1}",
        "",
        "Brackets hold 95 % intervals of a bootstrap over whole periods (BCa).",
        "",
        *market_rows(fixed),
        "",
        f"## Rivals that react, period {FIRST_PERIOD}",
        "",
        f"The oracle foresees offers that stand still; there its score is {number(oracle, 2)} "
        "in this period. Brackets hold intervals of a bootstrap over seats.",
        "",
        *reacting_rows(reacting, oracle),
    ])
