"""results/interference.md: what A/B tests in one market say of an effect, against the truth.

The truth takes two markets, all advertisers by the one policy and all by the other; a design
takes one, in which both bid. Variables: PERIODS, 8 to 20; PAIRS, as "mcpa:online_lp ...".
"""
import contextlib
import os
import sqlite3
import subprocess

from tables import JOBS, command, commit, number, remove_database, say, write

MARKET = "scenarios/market48.yaml"
WORK = "build/interference"
PAIRS = "mcpa:ta_pid auctionnet_pid:abid mcpa:online_lp"
ADVERTISERS = 12
BUDGETS, CPAS = ([2900, 4350, 3000, 2400, 4800, 2000, 2050, 3500, 4600, 2000, 2800, 2350],
                 [100, 70, 90, 110, 60, 130, 120, 80, 70, 130, 100, 110])
FIRST_PERIOD = 7
COMMON = ("market.contenders=[]", "market.keep_ticks=off", "traffic.opportunities=50000",
          "traffic.preset=dense", "advertisers.cpa_scale=0.1",
          f"market.history_period={FIRST_PERIOD - 1}")
WHOLE = (f"advertisers.count={ADVERTISERS}", "advertisers.budget_scale=0.1")
SEED = 1
BLOCK = 4  # ticks of a switchback's turn, of 48
STREAM_EXPERIMENT = 48  # of sim/base/random.h
METRICS = ("conversions to be expected", "spend")
# Student's 97.5 % by the number of values.
STUDENT = dict(enumerate((2.364624, 2.306004, 2.262157, 2.228139, 2.200985, 2.178813, 2.160369,
                          2.144787, 2.131450, 2.119905, 2.109816, 2.100922, 2.093024), start=8))


def periods():
    count = int(os.environ.get("PERIODS", "8"))
    if count not in STUDENT:
        raise ValueError(f"PERIODS={count}: expected {min(STUDENT)} to {max(STUDENT)}")
    return count


def pairs():
    """As the variable PAIRS says: [(first policy, second policy)]."""
    named = [tuple(pair.split(":")) for pair in os.environ.get("PAIRS", PAIRS).split()]
    if any(len(pair) != 2 for pair in named):
        raise ValueError("PAIRS: expected two policies each, such as mcpa:online_lp")
    return named


def start(database, words, first, count, *more):
    remove_database(database)
    settings = [*COMMON, *words, f"market.first_period={first}", f"market.periods={count}"]
    subprocess.run([*command(MARKET, database, settings), "--quiet", *JOBS, *more], check=True,
                   stdout=subprocess.DEVNULL)


def sell(words):
    """{(period, policy): [expected conversions, spend]} of one market, over its advertisers."""
    database = f"{WORK}/market.db"
    start(database, words, FIRST_PERIOD, periods())
    with contextlib.closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT period, policy, sum(exposed_value), sum(spend_currency) "
                                  "FROM market_league GROUP BY period, policy").fetchall()
    return {(period, policy): sums for period, policy, *sums in rows}


def by_period(sold, first, second):
    """For each metric the effect of `second` over `first` in percent, a period at a time.

    A policy's sums are over all markets of `sold`, so what is swapped between two cancels."""
    numbers = sorted({period for market in sold for period, _ in market})

    def total(period, policy, metric):
        return sum(market.get((period, policy), (0, 0))[metric] for market in sold)

    return [[100 * (total(period, second, metric) / total(period, first, metric) - 1)
             for period in numbers] for metric in range(len(METRICS))]


def truth(first, second):
    return by_period([sell([*WHOLE, f"advertisers.policies=[{policy}]"])
                      for policy in (first, second)], first, second)


def advertiser_split(first, second):
    """Every other advertiser by the one policy, and then by the other, as in results/ab.md."""
    return by_period([sell([*WHOLE, f"advertisers.policies=[{one}, {other}]"])
                      for one, other in ((first, second), (second, first))], first, second)


def halves(first, second):
    """Twins with half a budget each: even ones have the users below the share, odd the others."""
    twice = [f"advertisers.{name}=[{', '.join(str(value) for value in values for _ in '12')}]"
             for name, values in (("budget", BUDGETS), ("cpa", CPAS))]
    return [*twice, f"advertisers.count={2 * ADVERTISERS}", "advertisers.budget_scale=0.05",
            f"policies.+={{name: left, type: split, first: none, second: {first}}}",
            f"policies.+={{name: right, type: split, first: {second}, second: none}}",
            "advertisers.policies=[left, right]"]


def budget_split(first, second):
    """Likewise with both changing places, since twins are not worth the same."""
    names = ({"left": first, "right": second}, {"left": second, "right": first})
    sold = [sell(halves(name["left"], name["right"])) for name in names]
    return by_period([{(period, name[side]): sums for (period, side), sums in market.items()}
                      for name, market in zip(names, sold)], first, second)


def draw(opportunity):
    """gv_random_uniform() of the stream at index 0: Philox 4x32-10, of which one word is used."""
    mask = 0xffffffff
    word = [opportunity & mask, opportunity >> 32, 0, STREAM_EXPERIMENT << 24]
    key = [SEED & mask, SEED >> 32]
    for _ in range(10):
        low, high = 0xd2511f53 * word[0], 0xcd9e8d57 * word[2]
        word = [(high >> 32) ^ word[1] ^ key[0], high & mask,
                (low >> 32) ^ word[3] ^ key[1], low & mask]
        key = [(key[0] + 0x9e3779b9) & mask, (key[1] + 0xbb67ae85) & mask]
    return ((word[0] | word[1] << 32) >> 11) * 2.0 ** -53


def read_arms(path, arms, names, column, entity):
    """[expected conversions, spend] by arm, from a market's log in AuctionNet's columns.

    `entity` of the number in `column` is what the arm is drawn of; arms are remembered."""
    sums = {name: [0.0, 0.0] for name in names}
    with open(path, encoding="ascii") as file:
        place = {name: i for i, name in enumerate(file.readline().strip().split(","))}
        unit, value, cost, seen = (place[name] for name in
                                          (column, "pValue", "cost", "isExposed"))
        for line in file:
            cells = line.split(",")
            if float(cells[seen]) == 0:
                continue
            number_of_it = int(float(cells[unit]))
            if number_of_it not in arms:
                arms[number_of_it] = draw(entity(number_of_it)) < 0.5
            arm = sums[names[arms[number_of_it]]]
            arm[0] += float(cells[value])
            arm[1] += float(cells[cost])
    return sums


def sell_logged(first, second, column, entity, more=""):
    """As sell(), of a market in which every advertiser has both on its one budget: the arms are
    told apart in the logs."""
    names = (first, second)
    words = [*WHOLE, f"policies.+={{name: both, type: split, first: {first}, second: {second}{more}}}",
             "advertisers.policies=[both]"]
    arms, sold = {}, {}
    for period in range(FIRST_PERIOD, FIRST_PERIOD + periods()):
        path = f"{WORK}/period-{period}.csv"
        start(f"{WORK}/market.db", words, period, 1, "--logs", WORK)
        for name, sums in read_arms(path, arms, names, column, entity).items():
            sold[period, name] = sums
        os.remove(path)
    return sold


def user_split(first, second):
    return by_period([sell_logged(first, second, "pvIndex", lambda user: user)], first, second)


def switchback(first, second):
    """In turn by blocks of BLOCK ticks, and with the turns exchanged in another run."""
    def entity(tick):
        return (1 << 64) - 1 - tick // BLOCK
    return by_period([sell_logged(*names, "timeStepIndex", entity, f", ticks: {BLOCK}")
                      for names in ((first, second), (second, first))], first, second)


DESIGNS = (("user split, one budget", user_split), ("advertiser split", advertiser_split),
           ("budget split", budget_split), ("switchback", switchback))


def mean_and_half(values):
    """The mean and half of Student's 95 % interval."""
    mean = sum(values) / len(values)
    spread = (sum((one - mean) ** 2 for one in values) / (len(values) - 1)) ** 0.5
    return mean, STUDENT[len(values)] * spread / len(values) ** 0.5


def signed(value):
    return number(value, 1) if value < 0 else "+" + number(value, 1)


def told(values, is_bias=False):
    """Bold: a bias whose interval leaves out 0."""
    mean, half = mean_and_half(values)
    text = f"{signed(mean)} ({signed(mean - half)} to {signed(mean + half)})"
    return f"**{text}**" if is_bias and abs(mean) > half else text


def lines_of(first, second):
    lines = [f"## {second} against {first}", "",
             "| | " + " | ".join(f"{metric}: effect, % | its bias, points" for metric in METRICS)
             + " |", "|---|" + "---|---|" * len(METRICS)]
    say(f"make results: {second} against {first}")
    real = truth(first, second)
    lines.append("| the truth: all against all | " + " | ".join(
        f"{told(values)} | 0" for values in real) + " |")
    for title, design in DESIGNS:
        shown = [f"{told(values)} | {told([a - b for a, b in zip(values, true)], True)}"
                 for values, true in zip(design(first, second), real)]
        lines.append(f"| {title} | " + " | ".join(shown) + " |")
    return lines + [""]


def make():
    os.makedirs(WORK, exist_ok=True)
    sections = [line for pair in pairs() for line in lines_of(*pair)]
    settings = " ".join(f"`{word}`" for word in (*COMMON, *WHOLE))
    write("results/interference.md", [
        "# What an A/B test in one market says, and what is true",
        "",
        f"Seed {SEED}, commit {commit()}. Made by `make results RESULTS=interference`: `{MARKET}`, "
        f"{ADVERTISERS} advertisers, periods {FIRST_PERIOD} to {FIRST_PERIOD + periods() - 1}, "
        f"with {settings}. Effects are of the second policy over the "
        "first in percent, of sums over all advertisers in a period; brackets hold Student's "
        f"95 % interval over the {periods()} periods. The bias is a design's effect less the true "
        "one of the same period, in percentage points; bold: its interval leaves out 0. All "
        "designs have half of the users, budgets or advertisers under each policy.",
        "",
        "- The truth: all advertisers by the one policy, and in another run of the same periods "
        "all by the other.",
        "- User split: each advertiser has both (policy `split`), the user decides which, and "
        "both spend its one budget.",
        "- Advertiser split: every other advertiser has the one and the rest the other, then they "
        "change places in another run (as in results/ab.md).",
        "- Budget split: each advertiser is two with half a budget, each for one half of the "
        "users, then the halves change policies in another run. In these periods no user and no "
        "money is shared (in the history that policies learn from all twins bid on every user). "
        "Half of the twins have values of their own, so that a period's difference to the truth "
        "is chance, too.",
        "",
        f"- Switchback: each advertiser has both, in blocks of {BLOCK} of a period's 48 ticks one of "
        "them, the same for all, by a draw; then with the turns exchanged in another run. What one "
        "leaves of the budget the other finds. By whole periods it would be the truth on half of "
        "them each: budgets are fresh in every period, and nothing is carried over.",
        "",
        *sections[:-1],
    ])
