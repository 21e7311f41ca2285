"""Published figures of learned auto-bidders on AuctionNet's sparse data, and where an order of ours
differs from theirs. Of each learner the row that is nearest to it: our dt has the score as its
return, as DT-score there; our dd is DiffBid.
"""

# GAS, arXiv 2412.17018, Table 1: score in a replay of logs, by budget ratio.
GAS = {"50 %": {"cql": 12.8, "bcq": 17.7, "iql": 16.5, "dt": 17.7, "dd": 9.87},
       "75 %": {"cql": 16.7, "bcq": 24.6, "iql": 22.1, "dt": 25.9, "dd": 15.4},
       "100 %": {"cql": 22.2, "bcq": 31.1, "iql": 30.0, "dt": 33.2, "dd": 19.5},
       "125 %": {"cql": 28.6, "bcq": 34.2, "iql": 37.1, "dt": 39.6, "dd": 25.3},
       "150 %": {"cql": 35.8, "bcq": 37.9, "iql": 43.1, "dt": 44.7, "dd": 30.8}}
# CBD, arXiv 2509.03348, Table 1: conversions, whatever their CPA.
CBD = {"50 %": {"cql": 16.79, "bcq": 18.10, "iql": 20.21, "dt": 19.62},
       "75 %": {"cql": 21.80, "bcq": 27.00, "iql": 26.90, "dt": 28.70},
       "100 %": {"cql": 30.15, "bcq": 30.54, "iql": 36.06, "dt": 36.82},
       "125 %": {"cql": 37.67, "bcq": 35.19, "iql": 43.92, "dt": 43.91},
       "150 %": {"cql": 44.43, "bcq": 36.97, "iql": 49.27, "dt": 49.65}}
# OIL, arXiv 2412.11434, Table 2: score over the slot oracle's, rivals fixed to the log.
OIL = {"online_lp": 0.65, "bc": 0.52, "iql": 0.46}


def order(figures):
    """As "dt > iql > cql"."""
    return " > ".join(sorted(figures, key=lambda name: -figures[name]))


def swapped(ours, published):
    """Pairs that come the other way round, as "cql before iql"."""
    return [f"{first} before {second}" for first in published for second in published
            if ours[first] > ours[second] and published[first] < published[second]]


def row(label, ours, published):
    """A row of Markdown about the learners that both have."""
    both = [name for name in published if name in ours]
    ours, published = ({name: figures[name] for name in both} for figures in (ours, published))
    differences = ", ".join(swapped(ours, published)) or "none"
    return f"| {label} | {order(ours)} | {order(published)} | {differences} |"


def order_lines(scores, conversions=None, shares=None):
    """A table; scores and conversions: {budget ratio: {policy: figure}}, shares: {policy: share of
    the oracle's score at 100 %}; None: not compared."""
    lines = ["| what | ours, best first | published, best first | pairs in another order |",
             "|---|---|---|---|"]
    lines += [row(f"score, {ratio}: GAS, Table 1", figures, GAS[ratio])
              for ratio, figures in scores.items()]
    lines += [row(f"conversions, {ratio}: CBD, Table 1", figures, CBD[ratio])
              for ratio, figures in (conversions or {}).items()]
    if shares:
        lines.append(row("score over the oracle's, 100 %: OIL, Table 2", shares, OIL))
    return lines + [
        "", "Published trainings had up to 479,376 trajectories and larger networks; their figures "
        "differ by 40 % among the papers for the same baseline."]
