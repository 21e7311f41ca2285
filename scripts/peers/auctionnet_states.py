#!/usr/bin/env python3
"""auctionnet_states.py LOG.csv ADVERTISER...: the 16-entry states of AuctionNet's training data, the
plain way: one tick's rows at a time, no library. Prints a line for each advertiser and tick:
advertiser, tick, 16 entries, action, reward, continuous reward, done. `-` reads from stdin.
The reference of tests/sim/test_trajectory.c, whose excerpt it made from the sample:

  zstd -dc period-7.csv.zst | auctionnet_states.py - 0 17 47 >tests/golden/auctionnet_states.tsv
"""
import csv
import sys

TICKS = 48


def mean(numbers):
    return sum(numbers) / len(numbers) if numbers else 0.0


class Advertiser:
    """Means of each past tick: bid, least winning cost, value, conversion, win; and their counts."""

    def __init__(self):
        self.past = []
        self.counts = []

    def state(self, rows, tick):
        first = rows[0]
        budget = float(first["budget"])
        columns = list(zip(*self.past)) or [()] * 5
        bid, least, value, conversion, win = columns
        return [
            (TICKS - tick) / TICKS,
            float(first["remainingBudget"]) / budget if budget > 0 else 0.0,
            mean(bid), mean(bid[-3:]), mean(least), mean(value), mean(conversion), mean(win),
            mean(least[-3:]), mean(value[-3:]), mean(conversion[-3:]), mean(win[-3:]),
            mean([float(row["pValue"]) for row in rows]), len(rows),
            sum(self.counts[-3:]), sum(self.counts),
        ]

    def remember(self, rows):
        names = ["bid", "leastWinningCost", "pValue", "conversionAction", "xi"]
        self.past.append([mean([float(row[name]) for row in rows]) for name in names])
        self.counts.append(len(rows))


def tell(advertiser, number, tick, rows):
    values = sum(float(row["pValue"]) for row in rows)
    action = sum(float(row["bid"]) for row in rows) / values if values > 0 else 0.0
    seen = [row for row in rows if float(row["isExposed"]) == 1]
    reward = sum(float(row["conversionAction"]) for row in seen)
    continuous = sum(float(row["pValue"]) for row in seen)
    done = tick == TICKS - 1 or float(rows[0]["isEnd"]) == 1
    figures = advertiser.state(rows, tick) + [action, reward, continuous, int(done)]
    print(number, tick, *(repr(figure) for figure in figures), sep="\t")
    advertiser.remember(rows)


def main():
    numbers = [int(argument) for argument in sys.argv[2:]]
    if not numbers:
        sys.exit(__doc__)
    file = sys.stdin if sys.argv[1] == "-" else open(sys.argv[1], newline="")
    advertisers = {number: Advertiser() for number in numbers}
    ticks = {}
    for row in csv.DictReader(file):
        number = int(float(row["advertiserNumber"]))
        if number in advertisers:
            ticks.setdefault((number, int(float(row["timeStepIndex"]))), []).append(row)
    for number, tick in sorted(ticks):
        tell(advertisers[number], number, tick, ticks[number, tick])


if __name__ == "__main__":
    main()
