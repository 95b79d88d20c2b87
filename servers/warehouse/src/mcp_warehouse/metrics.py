"""The curated figures of `metrics.yaml`, read once: what `get_metric` may be asked for."""

from importlib import resources
from typing import TYPE_CHECKING, Literal

from mcp_warehouse.semantic.model import TOTAL
from mcp_warehouse.semantic.source import read

FILE = "metrics.yaml"

LAYER = read((resources.files("mcp_warehouse") / FILE).read_text("utf-8"), FILE)
_USED = {group for metric in LAYER.metrics.values() for group in metric.breakdowns}

if TYPE_CHECKING:
    Name = str
    Group = str
else:
    # choices in the tool's schema, though they are data
    Name = Literal[tuple(LAYER.metrics)]
    Group = Literal[tuple(name for name in (TOTAL, *LAYER.dimensions) if name in _USED)]
