"""Whether people work on it: days with a commit by a person, in the 90 days before the fetch.

Days, not commits: a branch pushed at once is one day's work as far as anybody can tell.
"""

from datetime import date, timedelta

from mcp_playbook.vet.record import Record
from mcp_playbook.vet.rubric import MAXIMA, Signal, known, unknown
from mcp_playbook.vet.steps import CLONE

NAME = "commits"
WINDOW_DAYS = 90
# at least so many days → points
STEPS = ((12, 20.0), (4, 14.0), (1, 8.0), (0, 0.0))


def signal(record: Record) -> Signal:
    source = record.get("clone")
    maximum = MAXIMA[NAME]
    if source is None:
        why = record.why("clone", "no clone was given")
        return Signal(NAME, (unknown(NAME, maximum, why, do=CLONE),))
    data = source.data
    since = source.fetched.date() - timedelta(days=WINDOW_DAYS)
    if data["shallow_since"] and date.fromisoformat(data["shallow_since"]) > since:
        why = f"the clone is shallow and begins at {data['shallow_since']}"
        return Signal(NAME, (unknown(NAME, maximum, why, do="git fetch --unshallow, then again"),))
    days = [day for day in data["days"] if date.fromisoformat(day["day"]) > since]
    authors = {author for day in days for author in day["authors"]}
    points = next(points for least, points in STEPS if len(days) >= least)
    value = (
        f"{len(days)} days with commits by {len(authors)} people "
        f"({sum(day['commits'] for day in days)} commits, bots left out) in {WINDOW_DAYS} days"
    )
    if data["path"]:
        value += f", under {data['path']}"
    return Signal(NAME, (known(NAME, maximum, points, value, source),))
