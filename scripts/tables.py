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


def remove_database(database):
    for ending in ("", "-wal", "-shm"):
        if os.path.exists(database + ending):
            os.remove(database + ending)


def run(scenario, database, *settings):
    """What the run comes to, as JSON; the database is made anew."""
    remove_database(database)
    environment = dict(os.environ, GAVEL_DATA=os.path.abspath(DATA))
    return subprocess.run(command(scenario, database, settings), check=True, env=environment,
                          stdout=subprocess.PIPE).stdout


def children_seconds():
    """Processor time of the programs that were run so far."""
    return os.times().children_user + os.times().children_system


def league(scenario, path, words, resumes=True):
    """One run's {"commit", "settings", "league", "seconds"}: its table against fixed rivals, or
    rivals that react. Kept in PATH.json until the settings change, its database in PATH.db; what
    is to be timed must not resume, or an interrupted run's seconds are those of its end."""
    if os.path.exists(f"{path}.json"):
        with open(f"{path}.json", encoding="utf-8") as file:
            outcome = json.load(file)
        if outcome["settings"] == words:
            return outcome
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not resumes:
        remove_database(f"{path}.db")
    say(f"make results: {os.path.basename(path)}")
    began = children_seconds()
    report = subprocess.run([GAVEL, "run", scenario, *JOBS, "--json", "--quiet", "--resume", "--db",
                             f"{path}.db", *sets(words)], check=True, stdout=subprocess.PIPE).stdout
    (table,) = [one for one in json.loads(report)["league"] if one["rivals"] != "market"]
    outcome = {"commit": commit(), "settings": words, "league": table,
               "seconds": children_seconds() - began}
    with open(f"{path}.json.new", "w", encoding="utf-8") as file:
        json.dump(outcome, file, indent=1)
    os.replace(f"{path}.json.new", f"{path}.json")
    return outcome


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
