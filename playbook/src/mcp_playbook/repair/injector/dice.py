"""A seeded source of chance, one for each trial, so that every way of answering meets the same."""

import random
from collections.abc import Sequence
from typing import TypeVar

One = TypeVar("One")


class Dice:
    def __init__(self, *seed: object) -> None:
        self._random = random.Random("/".join(map(str, seed)))  # noqa: S311  no secret

    def pick(self, options: Sequence[One]) -> One:
        return options[self._random.randrange(len(options))]

    def below(self, most: int) -> int:
        return self._random.randrange(most)

    def chance(self, share: float) -> bool:
        return self._random.random() < share

    def shuffled(self, options: Sequence[One]) -> list[One]:
        made = list(options)
        self._random.shuffle(made)
        return made
