"""Templates to answers. Everything is escaped; what callers chose goes through `visible`."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from mcp_gateway.console.sparkline import sparkline
from mcp_gateway.console.visible import document, visible

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
STATIC_FILES = ("console.css", "mark.svg", "vendor/htmx/htmx.min.js")

Clock = Callable[[], datetime]


def now_utc() -> datetime:
    return datetime.now(UTC)


class Look:
    def __init__(self, clock: Clock = now_utc) -> None:
        self._clock = clock
        self._pages = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._pages.globals["static"] = {name: _address(name) for name in STATIC_FILES}
        self._pages.globals["sparkline"] = sparkline
        self._pages.filters.update(
            visible=visible,
            document=document,
            clock=_clock_time,
            instant=_instant,
            ago=self._ago,
            milliseconds=_milliseconds,
            percent=_percent,
            count=_count,
        )

    def page(self, name: str, status: int = 200, **values: Any) -> HTMLResponse:
        return HTMLResponse(self._pages.get_template(name).render(**values), status)

    def _ago(self, moment: datetime) -> str:
        seconds = max(0, int((self._clock() - moment).total_seconds()))
        for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
            if seconds >= size:
                return f"{seconds // size} {unit} ago"
        return f"{seconds} s ago"


def _address(name: str) -> str:
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"/console/static/{name}?v={digest[:12]}"


def _instant(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _clock_time(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).strftime("%d %b %H:%M:%S")


def _milliseconds(value: float | None) -> str:
    if value is None:
        return "\N{EN DASH}"
    if value >= 10_000:
        return f"{value / 1000:.1f} s"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"


def _percent(value: float) -> str:
    if 0 < value < 0.001:
        return "< 0.1 %"
    return f"{100 * value:.1f} %" if value < 0.1 else f"{100 * value:.0f} %"


def _count(value: int) -> str:
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
