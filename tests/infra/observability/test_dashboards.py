"""Panels lie beside each other and never upon each other; each asks the Prometheus that was chosen."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from architecture.tree import ROOT

from infra_checks.dashboards import COLUMNS, SOURCE, files, read

EVERY = files(read((ROOT / SOURCE).read_text("utf-8")))
ONE = """
[[dashboard]]
uid = "mcp-one"
title = "One"
about = "Of it."
choose = { tool = "label_values(x, tool)" }
[[dashboard.panel]]
title = "a"
expr = { "a" = "one", "b" = "two" }
width = 20
[[dashboard.panel]]
title = "b"
expr = { "c" = "" }
show = "table"
width = 6
"""


def dashboard(text: str) -> dict[str, Any]:
    (made,) = files(read(text)).values()
    found: dict[str, Any] = json.loads(made)
    return found


def touch(one: dict[str, int], other: dict[str, int]) -> bool:
    apart = (
        one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    )  # fmt: skip
    return not apart


@pytest.mark.parametrize("path", sorted(EVERY), ids=lambda path: path.stem)
def test_panels_do_not_lie_upon_each_other(path: Path) -> None:
    places = [panel["gridPos"] for panel in json.loads(EVERY[path])["panels"]]
    assert all(place["x"] + place["w"] <= COLUMNS for place in places)
    assert not any(touch(*pair) for pair in combinations(places, 2))


@pytest.mark.parametrize("path", sorted(EVERY), ids=lambda path: path.stem)
def test_every_panel_asks_the_chosen_prometheus_and_says_what_it_shows(path: Path) -> None:
    made = json.loads(EVERY[path])
    ids = [panel["id"] for panel in made["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in made["panels"]:
        assert panel["title"]
        for asked in (panel, *panel["targets"]):
            assert asked["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    variables = {one["name"] for one in made["templating"]["list"]}
    used = {
        name for name in ("tool", "slo", "datasource") if f"${name}" in json.dumps(made["panels"])
    }
    assert used <= variables | {"datasource"}
    assert made["uid"] == f"mcp-{path.stem}"


def test_what_does_not_fit_begins_a_new_row() -> None:
    one, other = dashboard(ONE)["panels"]
    assert one["gridPos"] == {"x": 0, "y": 0, "w": 20, "h": 8}
    assert other["gridPos"] == {"x": 0, "y": 8, "w": 6, "h": 8}
    assert [target["refId"] for target in one["targets"]] == ["A", "B"]
    assert (other["type"], other["targets"][0]["instant"]) == ("table", True)


def test_a_misspelt_key_is_refused() -> None:
    with pytest.raises(ValueError, match="widht"):
        dashboard(ONE.replace("width = 6", "widht = 6"))
