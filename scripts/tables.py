"""What the tables of results/ share: runs of gavel, figures with their intervals, Markdown."""
import json
import os
import subprocess
import sys

GAVEL = os.environ.get("GAVEL", "build/gavel")
DATA = os.environ.get("GAVEL_DATA", "../shared/data")
JOBS = ("--jobs", os.environ["GAVEL_JOBS"]) if "GAVEL_JOBS" in os.environ else ()


def say(text):
    print(text, file=sys.stderr)


def command(scenario, database, settings):
    return [GAVEL, "run", scenario, "--db", database, "--json", *sets(settings)]


def sets(settings):
    return [word for setting in settings for word in ("--set", setting)]


def run(scenario, database, *settings):
    """What the run comes to, as JSON; the database is made anew."""
    for ending in ("", "-wal", "-shm"):
        if os.path.exists(database + ending):
            os.remove(database + ending)
    environment = dict(os.environ, GAVEL_DATA=os.path.abspath(DATA))
    return subprocess.run(command(scenario, database, settings), check=True, env=environment,
                          stdout=subprocess.PIPE).stdout


def number(value, decimals):
    if value is None:
        return "-"
    return f"{round(value, decimals) + 0.0:,.{decimals}f}"


def interval(figure, decimals, scale=1):
    """"80 (61 to 97)", or the figure alone where there is no interval to give."""
    if figure["estimate"] is None:
        return "-"
    text = number(scale * figure["estimate"], decimals)
    if figure["low"] is None:
        return f"{text} ({figure['interval']})"
    low = number(scale * figure["low"], decimals)
    high = number(scale * figure["high"], decimals)
    return f"{text} ({low} to {high})"


def write(path, lines):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    os.replace(path + ".new", path)
    say(f"make results: {path}")


def commit():
    return subprocess.run(["scripts/commit-name"], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


LEAGUE_FIGURES = (("score", 2, 1), ("score_share", 1, 100), ("conversions", 2, 1), ("spend", 0, 1),
                  ("budget_used", 1, 100), ("cpa_of_target", 1, 100), ("over_cpa", 1, 100))

def market_rows(league):
    lines = ["| policy | seats | score | of the oracle's, % | conversions | spend | budget used, % "
             "| CPA of its target, % | over CPA, % |",
             "|---|---|---|---|---|---|---|---|---|"]
    for row in league["policies"]:
        figures = [interval(row["figures"][name], decimals, scale)
                   if name in row["figures"] else "-" for name, decimals, scale in LEAGUE_FIGURES]
        lines.append("| " + " | ".join([row["policy"], str(row["seats"]), *figures]) + " |")
    return lines
