"""The few figures a comparison needs, and how sure they are.

Pure: no clock, no network; randomness comes from a fixed seed, so that the same data give the same.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

SEED = 20260917
RESAMPLES = 4000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with the percentile bootstrap interval around it."""

    value: float
    low: float
    high: float

    @property
    def shown(self) -> str:
        """In percent."""
        return f"{100 * self.value:.1f} ({100 * self.low:.0f} to {100 * self.high:.0f})"


def mean(values: Sequence[float]) -> Estimate:
    """Of paired differences too: each prompt is resampled with both of its results."""
    if not values:
        return Estimate(math.nan, math.nan, math.nan)
    dice = random.Random(SEED)  # noqa: S311  a bootstrap, not a secret
    size = len(values)
    means = sorted(fmean(dice.choices(values, k=size)) for _ in range(RESAMPLES))
    cut = (1 - CONFIDENCE) / 2
    low, high = means[math.floor(cut * RESAMPLES)], means[math.ceil((1 - cut) * RESAMPLES) - 1]
    return Estimate(fmean(values), low, high)


def mcnemar(won: int, lost: int) -> float:
    """Exact, two-sided: how likely a split this uneven is, were both as good."""
    total, fewer = won + lost, min(won, lost)
    tail = sum(math.comb(total, k) for k in range(fewer + 1)) / math.pow(2, total)
    return min(1.0, 2 * tail)


def auc(higher: Sequence[float], lower: Sequence[float]) -> float:
    """How often one of the first is above one of the second; ties count half."""
    if not higher or not lower:
        return math.nan
    wins = sum((one > other) + 0.5 * (one == other) for one in higher for other in lower)
    return wins / (len(higher) * len(lower))
