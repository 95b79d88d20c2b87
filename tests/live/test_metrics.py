"""What a running stack exports is what the table of metrics says, name by name and label by label."""

import asyncio
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

import pytest
from live.commands import demo_calls, made
from live.traces import ask, eventually, values

from infra_checks.metric_table import PARTS_OF_A_HISTOGRAM, Metric
from infra_checks.observability import known_metrics
from mcp_local.load import Stack
from mcp_local.place import find_root

ROOT = find_root(Path(__file__).parent)
OURS = re.compile(r"^(mcp_|http_client_)")
OF_EVERYBODY = {"__name__", "job", "instance", "le"}
# where the collector or a failure has to be there first
ELSEWHERE = ("collector", "host.yaml", "failure")


def turned_away(stack: Stack) -> None:
    request = urllib.request.Request(f"{stack.here.gateway}/mcp", b"{}", method="POST")
    request.add_header("content-type", "application/json")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(request, timeout=10)


def exported(stack: Stack) -> Mapping[str, set[str]]:
    """By metric, the labels of its series."""
    names = ask(stack, "/api/v1/label/__name__/values")["data"]
    found: dict[str, set[str]] = {}
    for name in filter(OURS.match, names):
        labels = set(chain.from_iterable(series for series, _ in values(stack, name)))
        whole = PARTS_OF_A_HISTOGRAM.sub("", name)
        found.setdefault(whole, set()).update(labels - OF_EVERYBODY)
    return found


async def test_a_stack_that_is_used_exports_what_the_table_says(stack: Stack) -> None:
    known = known_metrics(ROOT)
    wanted = {name for name, one in known.items() if not one.seen.startswith(ELSEWHERE)}
    await made(stack, demo_calls(stack))
    await asyncio.to_thread(turned_away, stack)

    def all_there() -> Mapping[str, set[str]] | None:
        there = exported(stack)
        complete = wanted | {"mcp_gateway_refused_total"} <= there.keys()
        return there if complete else None

    try:
        found = await eventually(all_there)
    except AssertionError:
        raise AssertionError(f"missing: {wanted - exported(stack).keys()}") from None
    assert not found.keys() - known.keys(), "name them in infra/observability/README.md"
    for name, labels in found.items():
        assert labels <= known[name].labels, name
        assert known[name].labels - labels <= {"error_type"}, name  # no call had to fail


def test_what_only_a_failure_shows_is_shown_by_the_test_it_names() -> None:
    of_failure = [one for one in known_metrics(ROOT).values() if one.seen.startswith("failure")]
    assert of_failure
    for one in of_failure:
        assert otel_name(one) in (ROOT / one.seen.split("`")[1]).read_text("utf-8"), one.name


def otel_name(metric: Metric) -> str:
    return metric.name.removesuffix("_total")
