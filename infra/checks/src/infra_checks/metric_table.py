"""The metrics that exist, as infra/observability/README.md lists them, and those that are named.

Pure: no clock, no network, no state.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

HEAD = "| metric | labels | most series | seen |"
ROW = re.compile(
    r"^\| `(?P<name>[a-z_]+)` \|(?P<labels>[^|]*)\|(?P<most>[^|]*)\|(?P<seen>[^|]*)\|$"
)
PARTS_OF_A_HISTOGRAM = re.compile(r"_(bucket|count|sum)$")
TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
CALLED = re.compile(r"[A-Za-z_:][\w:]*(?=\s*\()")
# by (a, b), on(c), group_left(d): labels
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
BRACES = re.compile(r"\{[^}]*\}")
NAME = re.compile(r"[A-Za-z_:][\w:]{2,}")
WORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan"}
RECORDED = re.compile(r"^(slo:|ALERTS$)")


@dataclass(frozen=True)
class Metric:
    name: str
    labels: frozenset[str]
    seen: str


def metrics(page: str) -> dict[str, Metric]:
    """The rows of the table, by name; a histogram by the name its parts share."""
    found: dict[str, Metric] = {}
    for line in page.partition(HEAD)[2].splitlines():
        if row := ROW.match(line):
            labels = frozenset(re.findall(r"`([a-z_]+)`", row["labels"]))
            found[row["name"]] = Metric(row["name"], labels, row["seen"].strip())
        elif found:
            break
    return found


def named(expr: str) -> set[str]:
    """The metrics in a PromQL expression, and no functions, labels or values."""
    bare = BRACES.sub(" ", TEXT.sub('""', expr))
    bare = re.sub(r"\[[^]]*\]", " ", GROUPING.sub(" ", bare))
    return set(NAME.findall(CALLED.sub(" ", bare))) - WORDS


def unknown(expr: str, known: dict[str, Metric]) -> Iterator[str]:
    for name in sorted(named(expr)):
        whole = PARTS_OF_A_HISTOGRAM.sub("", name)
        if not (name in known or whole in known or RECORDED.match(name)):
            yield name
