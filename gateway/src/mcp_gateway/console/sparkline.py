"""Calls over time as a small picture, drawn on the server. Pure: no clock, no network, no state."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mcp_gateway.console.visible import plain

BUCKETS = 24
STEP, BAR, HEIGHT = 5, 4, 22


@dataclass(frozen=True, slots=True)
class Bucket:
    calls: int = 0
    errors: int = 0
    stopped: int = 0  # refused or limited


def sparkline(buckets: Sequence[Bucket], what: str) -> Markup:
    """Bars of calls; what failed stands at the foot of its bar in another colour."""
    most = max((bucket.calls for bucket in buckets), default=0) or 1
    bars = Markup().join(_bar(place, bucket, most) for place, bucket in enumerate(buckets))
    errors = sum(bucket.errors for bucket in buckets)
    label = f"{plain(what)}: {sum(bucket.calls for bucket in buckets)} calls, {errors} errors"
    return Markup(
        '<svg class="spark" role="img" aria-label="{}" width="{}" height="{}" viewBox="0 0 {} {}">'
        '<line class="base" x1="0" y1="{}" x2="{}" y2="{}"></line>{}</svg>'
    ).format(
        label, STEP * len(buckets), HEIGHT, STEP * len(buckets), HEIGHT,
        HEIGHT - 0.5, STEP * len(buckets), HEIGHT - 0.5, bars,
    )  # fmt: skip


def _bar(place: int, bucket: Bucket, most: int) -> Markup:
    parts = (
        ("errors", bucket.errors),
        ("stopped", bucket.stopped),
        ("calls", bucket.calls - bucket.errors - bucket.stopped),
    )
    drawn, foot = Markup(), HEIGHT - 1.0
    for name, count in parts:
        if count <= 0:
            continue
        # one failed call among thousands must still be seen
        height = max(1.5, (HEIGHT - 2) * count / most)
        foot = max(0.0, foot - height)
        drawn += Markup(
            '<rect class="{}" x="{}" y="{:.1f}" width="{}" height="{:.1f}"></rect>'
        ).format(name, place * STEP, foot, BAR, height)
    return drawn
