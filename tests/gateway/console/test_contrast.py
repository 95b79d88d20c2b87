"""The console's colours can be read: WCAG 2.2, 1.4.3 for text and 1.4.11 for what is drawn."""

import re

import pytest

from mcp_gateway.console.look import STATIC

CSS = (STATIC / "console.css").read_text("utf-8")
TEXT, DRAWN = 4.5, 3.0
GROUNDS = ("card", "ground", "hover")
READ = [
    *((ink, ground) for ink in ("ink", "soft", "accent") for ground in GROUNDS),
    *((state, f"{state}-ground") for state in ("good", "bad", "held")),
    *((state, "card") for state in ("good", "bad", "held")),
    *(("ink", f"{state}-ground") for state in ("good", "bad", "held")),
    ("accent-ink", "accent"),
]
SEEN = [
    *((bar, "card") for bar in ("bar-calls", "bar-errors", "bar-stopped")),
    ("field", "card"), ("field", "ground"), ("accent", "ground"),
]  # fmt: skip


def palettes() -> dict[str, dict[str, str]]:
    found = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    ]
    light, dark = found
    return {"light": light, "dark": light | dark}


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(READ, TEXT), (SEEN, DRAWN)], ids=["text", "drawn"])
def test_every_pair_of_colours_that_meet_is_told_apart(
    theme: str, pairs: list[tuple[str, str]], least: float
) -> None:
    colours = palettes()[theme]
    found = {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in pairs}
    assert not {pair: ratio for pair, ratio in found.items() if ratio < least}
