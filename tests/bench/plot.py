"""Two bar charts of a run as SVG: CPU per call and median latency, one group per connections.

Pure: no clock, no network, no state.
"""

from collections.abc import Callable, Iterator, Sequence
from xml.sax.saxutils import escape

from bench.figures import Figure, figure
from bench.measured import BUDGET, Run, Turn, of

COLOURS = {"gateway": "#0b6e4f", "nginx": "#8d99ae", "SDK server, 2026-07-28": "#c1666b",
           "SDK server, 2025-11-25": "#d4a373", "upstream": "#cbd5e1"}  # fmt: skip
OTHER = "#555555"
WIDTH, ROW, GAP, LEFT, RIGHT = 760, 18, 14, 190, 150
Pick = Callable[[Turn], float]


def svg(run: Run) -> str:
    lines: list[str] = []
    y = 24.0
    for title, unit, pick in (
        ("CPU per call", "ms", _cpu),
        ("Median latency", "ms", _latency),
    ):
        lines.append(f'<text x="8" y="{y}" class="t">{title}, {unit}</text>')
        y += 12
        chart, y = _chart(run.turns, pick, y, BUDGET if pick is _cpu else None)
        lines += chart
        y += 34
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y:.0f}" '
        f'viewBox="0 0 {WIDTH} {y:.0f}" font-family="sans-serif" font-size="11">'
        "<style>.t{font-size:14px;font-weight:bold}</style>"
        f'<rect width="{WIDTH}" height="{y:.0f}" fill="white"/>'
    )
    return "\n".join([head, *lines, "</svg>", ""])


def _cpu(turn: Turn) -> float:
    return turn.cpu_ms


def _latency(turn: Turn) -> float:
    return turn.load.p50


def _chart(
    turns: Sequence[Turn], pick: Pick, y: float, budget: float | None
) -> tuple[list[str], float]:
    bars = list(_bars(turns, pick))
    longest = max(one.high for _, _, one in bars)
    scale = (WIDTH - LEFT - RIGHT) / longest
    lines, top, before = [], y, None
    for many, subject, found in bars:
        if many != before:
            y += GAP
            lines.append(f'<text x="8" y="{y + 13:.1f}">{many} connections</text>')
            before = many
        lines += _bar(subject, found, y, scale)
        y += ROW
    if budget is not None and budget < longest:
        x = LEFT + budget * scale
        lines.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{y}" stroke="black" '
            f'stroke-dasharray="3 3"/><text x="{x + 3:.1f}" y="{top + 8}">budget {budget:.2f}</text>'
        )
    return lines, y


def _bars(turns: Sequence[Turn], pick: Pick) -> Iterator[tuple[int, str, Figure]]:
    subjects = list(dict.fromkeys(one.subject for one in turns))
    for many in dict.fromkeys(one.connections for one in turns):
        for subject in subjects:
            yield many, subject, figure(pick(one) for one in of(turns, subject, many))


def _bar(subject: str, found: Figure, y: float, scale: float) -> Iterator[str]:
    """The median as a bar, the range as a line over it."""
    middle = y + ROW / 2
    low, high = LEFT + found.low * scale, LEFT + found.high * scale
    yield (
        f'<text x="{LEFT - 6}" y="{y + 13:.1f}" text-anchor="end">{escape(subject)}</text>'
        f'<rect x="{LEFT}" y="{y + 2:.1f}" width="{found.median * scale:.1f}" '
        f'height="{ROW - 4}" fill="{COLOURS.get(subject, OTHER)}"/>'
    )
    yield (
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{middle:.1f}" y2="{middle:.1f}" '
        f'stroke="black"/><text x="{high + 5:.1f}" y="{y + 13:.1f}">{found.shown(3)}</text>'
    )
