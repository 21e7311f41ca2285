"""results/ab.md: simulated A/B tests in one market, each policy against a baseline.

Every other advertiser bids by the policy, the rest by the baseline; then they change places, and
each advertiser and period is compared with itself. Variables besides those of entrants.py:
BASELINE, a policy of the scenario.
"""
import json
import os
import subprocess

import entrants
from tables import GAVEL, command, commit, interval, number, run, say, write

POLICIES = "direct online_lp"
WORK = "build/ab"
# Title, name, decimals and scale.
METRICS = (("score", "score", 2, 1), ("conversions of all", "conversions", 0, 1),
           ("spend of all", "spend", 0, 1), ("advertisers over their CPA, %", "over_cpa", 1, 100),
           ("CPA, % of its target", "cpa_of_target", 1, 100))


def baseline():
    return os.environ.get("BASELINE", "mcpa")


def policies():
    named = entrants.words("POLICIES", POLICIES)
    return [name for name in dict.fromkeys([*named, *entrants.networks()])
            if name not in (baseline(), entrants.ORACLE)]


def sell(policy, database):
    """Runs 1 and 2: advertisers of even number bid by the baseline, then by the policy."""
    halves = [[*entrants.settings(), "market.contenders=[]",
               f"advertisers.policies=[{even}, {odd}]"]
              for even, odd in ((baseline(), policy), (policy, baseline()))]
    run(entrants.MARKET, database, *halves[0])
    subprocess.run(command(entrants.MARKET, database, halves[1]), check=True,
                   stdout=subprocess.DEVNULL)


def compare(policy):
    """The comparison over all advertisers: its JSON, metrics by name."""
    os.makedirs(WORK, exist_ok=True)
    database = f"{WORK}/{policy}.db"
    say(f"make results: {policy} against {baseline()}")
    sell(policy, database)
    report = json.loads(subprocess.run(
        [GAVEL, "compare", database, "--run", "1", "--swapped-run", "2", "--baseline", baseline(),
         "--metric", ",".join(name for _, name, _, _ in METRICS), "--json"],
        check=True, stdout=subprocess.PIPE).stdout)
    (row,) = [row for row in report["comparisons"]
              if row["campaign"] is None and row["policy"] == policy]
    row["by_name"] = {metric["metric"]: metric for metric in row["metrics"]}
    return row


def lines_of(policy, row):
    lines = [f"## {policy} against {baseline()}", "",
             f"{row['parts']} pairs of one advertiser in one period with itself, half of them "
             f"under {policy} in the first run and half in the second; {row['blocks']} blocks, "
             f"each a {row['block']}.", "",
             f"| | {baseline()} | {policy} | difference | uplift, % |", "|---|---|---|---|---|"]
    for title, name, decimals, scale in METRICS:
        metric = row["by_name"][name]
        relative = entrants.signed(metric["relative"], 1, 100)
        shown = [title, number(scale * metric["baseline"], decimals),
                 interval(metric["value"], decimals, scale),
                 entrants.signed(metric["difference"], decimals, scale),
                 f"**{relative}**" if metric["clear"] else relative]
        lines.append("| " + " | ".join(shown) + " |")
    return lines + [""]


def make():
    sections = [line for policy in policies() for line in lines_of(policy, compare(policy))]
    lines = [
        "# Simulated A/B tests",
        "",
        f"Seed 1, commit {commit()}. Made by `make results RESULTS=ab`: `{entrants.MARKET}`, "
        f"{entrants.span()}. In one run the advertisers of even number bid by the baseline and "
        "those of odd number by the policy, in the next run the other way round: the same "
        "periods, opportunities and users. So each advertiser and period is compared with itself "
        "(`gavel compare --swapped-run`). Brackets hold 95 % intervals of a bootstrap (BCa) over "
        "whole periods, with fewer than ten periods over advertisers and periods; bold: the "
        "difference's interval leaves out 0.",
        "",
        "**Both halves share one market.** What the policy wins, the baseline's half loses, and "
        "prices are made by both, so interference is part of each figure: it is what an A/B test "
        "would show, not what would become of the market if all advertisers changed to the "
        "policy.",
        "",
        *sections,
    ]
    write("results/ab.md", lines[:-1])
