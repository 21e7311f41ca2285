"""results/coverage.md: whether 95 % intervals hold the truth, over kinds of logs.

REPLICATIONS (1000) of each cell, a tenth of them from 100,000 rounds on; MOST (1000000) rounds, cells of
more are left out. Finished cells are kept in build/coverage-REPLICATIONS.tsv: a study that was stopped
goes on where it was.
"""
import math
import os
import subprocess

from tables import commit, say, write

METHODS = ("dr, BCa", "dr, Student", "ips, BCa", "snips, BCa", "clipped IPS, sequence")
LEVEL = 0.95


def tail(held, count):
    """Two-sided chance of a count as far out, if the coverage were 95 %."""
    def chance(k):
        return math.exp(math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
                        + k * math.log(LEVEL) + (count - k) * math.log(1 - LEVEL))
    own = chance(held)
    return min(1.0, sum(c for c in map(chance, range(count + 1)) if c <= own * (1 + 1e-9)))


def wilson(held, count):
    share, z = held / count, 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count
                                               + z * z / (4 * count * count))
    return middle - half, middle + half


def figure(held, count, cells):
    if count < 20:
        return "-"
    low, high = wilson(held, count)
    text = f"{100 * held / count:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
    return f"**{text}**" if tail(held, count) < 0.05 / cells and held < LEVEL * count else text


def row(cell, cells):
    size, overlap, rate, budget, rivals, count, trusted, *held = cell
    count, trusted = int(count), int(trusted)
    broken = [word for word, is_so in (("budget", budget == "tight"),
                                       ("rivals", rivals == "reacting")) if is_so]
    shown = [f"{int(size):,}", overlap, rate, budget, rivals, " and ".join(broken) or "hold",
             f"{100 * (count - trusted) / count:.0f}"]
    shown += [figure(int(held[2 * m]), trusted, cells) for m in range(len(METHODS))]
    return "| " + " | ".join(shown) + " |"


def read(path):
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def make():
    replications = os.environ.get("REPLICATIONS", "1000")
    most = os.environ.get("MOST", "1000000")
    path = os.environ.get("COVERAGE_FILE", f"build/coverage-{replications}.tsv")
    program = "build/release/tests/bench/coverage"
    subprocess.run(["make", "-s", program], check=True)
    say(f"make results: coverage, {replications} replications of up to {most} rounds")
    subprocess.run([program, path, replications, most], check=True)
    cells = [cell for cell in read(path) if int(cell[0]) <= int(most)]
    lines = [
        "# Whether intervals hold the truth",
        "",
        f"Commit {commit()}. Made by `REPLICATIONS={replications} MOST={most} make results "
        f"RESULTS=coverage`: {len(cells)} kinds of logs of a bidding policy "
        "(`tests/bench/coverage.c` says what is drawn), "
        f"{replications} logs of each, a tenth of them from 100,000 rounds on, each evaluated by "
        "`gv_evaluate()` as `gavel evaluate` does, clusters of one day of 100 rounds. All of size x "
        "overlap x rate of conversions, half of budget x rivals.",
        "",
        "Coverage is in percent, of the evaluations that were not refused (*refused* says how many "
        "were), with its own 95 % interval (Wilson); '-': fewer than 20 were left. Bold: below 95 % "
        f"at a level of 5 % after Bonferroni's correction for {len(cells)} cells. *Assumptions* "
        "names what is broken: a budget that binds couples a day's rounds, and rivals that react "
        "change prices with the policy; an evaluation of rounds knows of neither, and cannot see "
        "them in such a log. Clipped IPS cuts weights at 10, and poor overlap has some of 60: there its "
        "sequence holds the cut value, not the policy's.",
        "",
        "| rounds | overlap | rate | budget | rivals | assumptions | refused, % | "
        + " | ".join(METHODS) + " |",
        "|---:|---|---:|---|---|---|---:|" + "---:|" * len(METHODS),
        *(row(cell, len(cells)) for cell in cells),
    ]
    write("results/coverage.md", lines)
