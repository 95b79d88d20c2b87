"""A knowledge base of any size, of words nobody has ever said, with the shape real text has.

Pure: the same seed makes the same pages. Words follow Zipf's law as Mandelbrot mended it: the
commonest stand in two sections of three, most stand in a handful.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import accumulate

from mcp_docs.load.compose import Section
from mcp_docs.load.front_matter import Dates
from mcp_docs.load.pages import Label, Page

WORDS = 50_000
SECTIONS_OF_A_PAGE = 5
GROUPS = [f"g{number:02}" for number in range(20)]
EVERY_TENTH = 10  # pages for everyone; the others are for one to three groups
_SYLLABLES = [c + v + e for c in "bdfgklmnprstvz" for v in "aeiou" for e in ("", "n", "r")]


def vocabulary(chance: random.Random) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < WORDS:
        found["".join(chance.choices(_SYLLABLES, k=chance.choice((2, 3, 3, 4))))] = None
    return list(found)


class Corpus:
    def __init__(self, sections: int, seed: int = 1) -> None:
        self.chance = random.Random(seed)
        self.words = vocabulary(self.chance)
        self.weights = list(accumulate(1 / (rank + 12) ** 1.05 for rank in range(WORDS)))
        self.pages = sections // SECTIONS_OF_A_PAGE

    def said(self, many: int) -> list[str]:
        return self.chance.choices(self.words, cum_weights=self.weights, k=many)

    def made(self) -> Iterator[Page]:
        for number in range(self.pages):
            yield self._page(number)

    def _page(self, number: int) -> Page:
        title = " ".join(self.said(3))
        body, sections = f"# {title}\n\n", []
        for _ in range(SECTIONS_OF_A_PAGE):
            heading = " ".join(self.said(2))
            text = " ".join(self.said(self.chance.randint(60, 160)))
            sections.append(
                Section((heading,), len(body), len(body) + len(heading) + len(text) + 8)
            )
            body += f"## {heading}\n\n{text}.\n\n"
        open_ = number % EVERY_TENTH == 0
        groups = ("everyone",) if open_ else self._some()
        label = Label(
            doc_id=f"c{number % 40:02}/p{number}", collection=f"c{number % 40:02}", groups=groups,
            owner="team", classification="internal",
            dates=Dates(date(2026, 1, 1), None), source=f"p{number}.md", digest=b"",
            title=title, format="markdown", text="",
        )  # fmt: skip
        return Page(label, title, body, tuple(sections))

    def _some(self) -> tuple[str, ...]:
        # two hundred sets of groups: few enough to be real, more than a person would count
        picked = random.Random(self.chance.randrange(200))
        return tuple(sorted(picked.sample(GROUPS, picked.randint(1, 3))))

    def questions(self, many: int, slips: float = 0.0) -> list[str]:
        """Three to eight words as they come in the text, so that common ones are common."""
        asked = []
        for _ in range(many):
            words = self.said(self.chance.randint(3, 8))
            if self.chance.random() < slips:
                words[0] = slipped(words[0], self.chance)
            asked.append(" ".join(words))
        return asked


def slipped(word: str, chance: random.Random) -> str:
    """Two neighbouring letters exchanged."""
    at = chance.randrange(1, len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]
