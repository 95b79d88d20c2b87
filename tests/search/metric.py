"""How good an order is. Pure: no clock, no network, no state."""

import random
from collections.abc import Mapping, Sequence
from math import log2
from statistics import mean


def dcg(grades: Sequence[int]) -> float:
    return sum((float(2) ** grade - 1) / log2(place + 2) for place, grade in enumerate(grades))


def ndcg(ranked: Sequence[str], judged: Mapping[str, int], depth: int = 10) -> float:
    """1 for the best order there is, 0 when no judged page is among the first `depth`."""
    best = dcg(sorted(judged.values(), reverse=True)[:depth])
    return dcg([judged.get(page, 0) for page in ranked[:depth]]) / best


def recall(ranked: Sequence[str], judged: Mapping[str, int], depth: int = 50) -> float:
    return len(judged.keys() & set(ranked[:depth])) / len(judged)


def difference(one: Sequence[float], other: Sequence[float]) -> tuple[float, float, float]:
    """How much better `one` is, question by question, and the 95 % interval of a paired bootstrap."""
    paired = [a - b for a, b in zip(one, other, strict=True)]
    chance = random.Random(1)
    means = sorted(mean(chance.choices(paired, k=len(paired))) for _ in range(2000))
    return mean(paired), means[49], means[1949]
