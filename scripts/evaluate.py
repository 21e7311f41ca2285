"""results/evaluate.md: policies of Open Bandit's logs, each judged by the other's log.

OBP_PYTHON is a Python that has Open Bandit Pipeline (PyPI obp); without it, or without the data, the
table stays as it is.
"""
import json
import math
import os
import subprocess

from tables import commit, say, write

BIASED = {"dm": "the model's own error is in no interval of the direct method",
          "clipped_ips": "cut weights are biased by design",
          "shrunk_ips": "shrunk weights are biased by design",
          "switch": "large weights are left to the model",
          "dros": "shrunk weights lean on the model"}


def figures(low, high):
    return "none" if low is None else f"[{1000 * low:.2f}, {1000 * high:.2f}]"


def holds(row, truth, is_thin):
    """Whether the interval contains what the policy earned on its own log, or why not."""
    interval = row["intervals"]["bca"]
    if interval["low"] is None:
        return "no interval"
    if interval["low"] <= truth["value"] <= interval["high"]:
        return "yes"
    errors = math.hypot(row["standard_error"], (truth["high"] - truth["low"]) / 3.92)
    away = f"{abs(row['value'] - truth['value']) / errors:.1f} standard errors of both away"
    other = "the overlap is too thin" if is_thin else "chance, or the policy moved within the week"
    return f"no, {away}: {BIASED.get(row['estimator'], other)}"


def section(report, truth, theirs):
    overlap = report["overlap"]
    lines = [
        f"## {report['policy']} on the log of {report['log']}, campaign {report['campaign']}", "",
        f"On its own log it earned {1000 * truth['value']:.2f} clicks per thousand rounds "
        f"{figures(truth['low'], truth['high'])}. The judging log's {report['rounds']:,} rounds are "
        f"worth {overlap['effective_rounds']:,.0f}; {overlap['effective_rewards']:.1f} clicks carry "
        f"the estimate; the largest weight is {overlap['largest_weight']:,.1f}, "
        f"{100 * overlap['largest_share']:.2f} % of all. "
        + (f"**Too thin**: {overlap['complaint']}; `gavel evaluate` exits with 3."
           if overlap["is_too_thin"] else "The overlap is not refused."), "",
        "| estimator | value, per thousand | 95 % interval (BCa) | less Open Bandit Pipeline's "
        "| contains what the policy earned |", "|---|---|---|---|---|"]
    for row in report["estimates"]:
        peer = theirs.get(row["estimator"])
        off = "not in it" if peer is None else f"{abs(row['value'] - peer):.1e}"
        interval = row["intervals"]["bca"]
        lines.append(f"| {row['estimator']} | {1000 * row['value']:.3f} | "
                     f"{figures(interval['low'], interval['high'])} | "
                     f"{off} | {holds(row, truth, overlap['is_too_thin'])} |")
    return lines + [""]


def make():
    python = os.environ.get("OBP_PYTHON", "python3")
    done = subprocess.run([python, "scripts/peers/obp_check", "--json"], check=False,
                          stdout=subprocess.PIPE)
    if done.returncode == 77:
        say("make results: evaluate.md stays as it is (OBP_PYTHON: a Python with obp)")
        return
    done.check_returncode()
    found = json.loads(done.stdout)
    truths = {(one["log"], one["campaign"]): one["logged"] for one in found["reports"]}
    lines = [
        "# Open Bandit: each policy judged by the other's log",
        "",
        f"Seed 1, commit {commit()}. Made by `make results RESULTS=evaluate`: "
        "`gavel evaluate POLICY.csv.gz --log OTHER.csv.gz --format open-bandit`, beside Open Bandit "
        f"Pipeline {found['obp']} (NumPy {found['numpy']}) on the same rounds, propensities, policy "
        "and modelled values (`scripts/peers/obp_check`). 10,000 rounds a log, a week of ZOZOTOWN in "
        "November 2019, with some 50 clicks each: intervals are wide because the logs are small. A "
        "policy is the share of the rounds of its own log in which each position showed an item, so "
        "its value is what that log earned. Clusters are hours. The model is a cross-fitted additive "
        "logistic regression. SWITCH has t = 10, shrinkage l = 100, the cut c = 10.",
        "",
        f"The largest difference to Open Bandit Pipeline is {found['worst']:.1e}. Its IPS of the "
        "version on PyPI cuts no weights; its shrunk DR with a model that is 0 stands beside shrunk "
        "IPS.",
        "",
    ]
    for report in found["reports"]:
        lines += section(report, truths[report["policy"], report["campaign"]], report["obp"])
    write("results/evaluate.md", lines[:-1])
