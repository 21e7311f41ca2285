"""results/coverage.md: whether 95 % intervals hold the truth, over kinds of logs.

REPLICATIONS (1000) of each cell, a tenth of them at a million rounds; LEAST (1) and MOST (1000000)
rounds, the other cells are left out. Finished cells are kept in COVERAGE_FILE, or
build/coverage-REPLICATIONS.tsv: a study that was stopped goes on where it was.
"""
import math
import os
import subprocess

from tables import commit, say, write

ROUNDS = ("dr, BCa", "dr, Student", "ips, BCa", "snips, BCa", "clipped IPS, sequence")
PRICED = ("km, reward", "ipc, reward", "km, spend", "all prices: km, reward", "all prices: spend")
FACTORS = ("rounds", "overlap", "rate", "budget", "rivals", "policy")
FEW = 20
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
    return max(middle - half, 0.0), min(middle + half, 1.0)


def figure(judged, held, tests):
    if judged < FEW:
        return "-"
    low, high = wilson(held, judged)
    text = f"{100 * held / judged:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
    return f"**{text}**" if is_missed(judged, held, tests) else text


def is_missed(judged, held, tests):
    return tail(held, judged) < 0.05 / tests and held < LEVEL * judged


class Cell:
    """One line of the program's: tests/bench/coverage.c says what stands where."""

    def __init__(self, words):
        self.factors = words[:len(FACTORS)]
        self.size, (_, self.overlap, self.rate, self.budget, self.rivals, self.policy) = \
            int(words[0]), self.factors
        self.count, self.trusted, self.faded, self.shifted, *rest = map(int, words[len(FACTORS):])
        self.methods = list(zip(rest[::2], rest[1::2]))

    def is_sound(self):
        """What an evaluation takes for granted: no budget binds, and rivals do not answer. Those
        that react have nothing to answer where the mean bid is the log's own."""
        unanswered = self.policy == "even" and self.overlap == "good"
        return self.budget == "loose" and (self.rivals == "fixed" or unanswered)

    def row(self, methods, tests):
        """Its table row; with the evaluations refused and warned of in front."""
        shares = (self.count - self.trusted, self.faded, self.shifted)
        shown = [f"{self.size:,}", *self.factors[1:], "yes" if self.is_sound() else "no",
                 *(f"{100 * one / self.count:.0f}" for one in shares),
                 *(figure(*self.methods[m], tests) for m in methods)]
        return "| " + " | ".join(shown) + " |"


def table(cells, names, first, tests):
    methods = range(first, first + len(names))
    return ["| " + " | ".join((*FACTORS, "sound", "refused, %", "budget warned, %",
                               "spend warned, %", *names)) + " |",
            "|---:|---|---:|---|---|---|---|---:|---:|---:|" + "---:|" * len(names),
            *(cell.row(methods, tests) for cell in cells)]


def summary(cells, tests):
    """Of the default, and of where it fails: what was refused or warned of."""
    sound = [cell for cell in cells if cell.is_sound()]
    lines = ["| interval | judged cells that are sound | their coverage, % | of all their logs, % | misses "
             "| judged cells that are not | misses | of these warned of in 95 of 100 logs |",
             "|---|---:|---|---|---:|---:|---:|---:|"]
    for m, name in enumerate((*ROUNDS, *PRICED)):
        judged = [cell for cell in sound if cell.methods[m][0] >= FEW]
        missed = [cell for cell in judged if is_missed(*cell.methods[m], tests)]
        shares = [100 * cell.methods[m][1] / cell.methods[m][0] for cell in judged]
        others = [cell for cell in cells if not cell.is_sound() and cell.methods[m][0] >= FEW]
        failing = [cell for cell in others if is_missed(*cell.methods[m], tests)]
        warned = [cell for cell in failing
                  if max(cell.faded, cell.shifted) >= 0.95 * cell.count]
        spread = f"{min(shares):.1f} to {max(shares):.1f}" if shares else "-"
        pooled = figure(*map(sum, zip(*(cell.methods[m] for cell in judged))), tests) \
            if judged else "-"
        lines.append(f"| {name} | {len(judged)} | {spread} | {pooled} | {len(missed)} | {len(others)} "
                     f"| {len(failing)} | {len(warned)} |")
    return lines


def read(path):
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def make():
    replications = os.environ.get("REPLICATIONS", "1000")
    least, most = os.environ.get("LEAST", "1"), os.environ.get("MOST", "1000000")
    path = os.environ.get("COVERAGE_FILE", f"build/coverage-{replications}.tsv")
    program = "build/release/tests/bench/coverage"
    subprocess.run(["make", "-s", program], check=True)
    say(f"make results: coverage, {replications} replications of {least} to {most} rounds")
    subprocess.run([program, path, replications, least, most], check=True)
    cells = [cell for cell in map(Cell, read(path)) if int(least) <= cell.size <= int(most)]
    cells.sort(key=lambda cell: cell.size)
    tests = sum(judged >= FEW for cell in cells for judged, _ in cell.methods)
    write("results/coverage.md", [
        "# Whether intervals hold the truth",
        "",
        f"Commit {commit()}. Made by `make results RESULTS=coverage`: {len(cells)} kinds of logs of "
        "a bidding policy (`tests/bench/coverage.c` says what is drawn), "
        f"{int(replications):,} logs of each, a tenth of them at a million rounds, each evaluated "
        "as `gavel evaluate` does: as rounds with propensities, and as auctions whose prices show "
        "to the winner or to all. Clusters are days of 100 rounds. All of size x overlap x rate of "
        "conversions, each with two of budget x rivals x judged policy, so that each of these eight "
        "comes up as often.",
        "",
        "- overlap: good, the log bids five multipliers alike and weights reach 3; poor, it bids the "
        "two high ones once in a hundred, and weights reach 60.",
        "- policy: *bold* bids more than the log did; *even* bids as much on the mean (where overlap "
        "is poor 0.7 % less).",
        "- budget: tight, 60 % of what the log would spend in a day, behind which it wins nothing.",
        "- rivals: those that react bid as the square of the policy's mean bid over the log's.",
        "- sound: what an evaluation takes for granted holds: no budget binds, and no rival answers.",
        "- refused: the overlap is too thin, and `gavel evaluate` exits with 3. budget, spend "
        "warned: it says that spend falls within days, or that the policy's is not surely within "
        "10 % of the log's, by the column of what was spent.",
        "",
        "Coverage of 95 % intervals is in percent of the evaluations that were not refused (of "
        "priced rewards: that ten rewards carry; of spend all, also where rewards are too few), with its own 95 % interval (Wilson); '-': fewer "
        f"than {FEW} were left. Bold: below 95 % at a level of 5 % after Bonferroni's correction "
        f"for {tests} figures.",
        "",
        "## In short",
        "",
        *summary(cells, tests),
        "",
        "The default of `gavel evaluate` is dr with BCa, and of auctions km.",
        "",
        "Clipped IPS cuts weights at 10, and poor overlap has some of 60: there its sequence holds "
        "the cut value, not the policy's.",
        "",
        "## Evaluations of rounds",
        "",
        *table(cells, ROUNDS, 0, tests),
        "",
        "## Evaluations of priced auctions",
        "",
        *table(cells, PRICED, len(ROUNDS), tests),
    ])
