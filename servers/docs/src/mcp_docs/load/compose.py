"""A page's body and its sections: one text, cut where its headings are.

Pure: no clock, no network, no state.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from mcp_docs.load.blocks import Block, Heading
from mcp_docs.text import escaped

# A section this long is two for the ranking: long enough for context, short enough to be about
# something.
SECTION_CHARACTERS = 2_000
MAX_BLOCK_CHARACTERS = 6_000
MAX_HEADING_CHARACTERS = 160


@dataclass(frozen=True, slots=True)
class Section:
    headings: tuple[str, ...]
    starts: int
    stops: int


@dataclass(frozen=True, slots=True)
class Composed:
    body: str
    sections: tuple[Section, ...]


@dataclass
class _Writer:
    parts: list[str] = field(default_factory=list)
    at: int = 0
    starts: int = 0
    has_text: bool = False
    path: list[tuple[int, str]] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)

    def write(self, text: str) -> None:
        self.parts.append(text + "\n\n")
        self.at += len(text) + 2

    def cut(self) -> None:
        if self.has_text:
            headings = tuple(text for _, text in self.path)
            self.sections.append(Section(headings, self.starts, self.at))
            self.starts, self.has_text = self.at, False


def compose(title: str, blocks: Iterable[Block]) -> Composed:
    """`# title`, then the blocks. A heading that only repeats the title is left out."""
    writer = _Writer()
    writer.write(f"# {title}")
    for block in blocks:
        if isinstance(block, Heading):
            text = escaped(block.text)[:MAX_HEADING_CHARACTERS].rstrip("\\")
            if text.casefold() == title.casefold():
                continue
            writer.cut()
            if not writer.sections and not writer.path:
                writer.starts = writer.at  # the title belongs to no section
            level = max(2, block.level)
            writer.path = [(depth, name) for depth, name in writer.path if depth < level]
            writer.path.append((level, text))
            writer.write(f"{'#' * level} {text}")
        else:
            for piece in _pieces(block.text):
                if writer.has_text and writer.at - writer.starts + len(piece) > SECTION_CHARACTERS:
                    writer.cut()
                writer.write(piece)
                writer.has_text = True
    writer.cut()
    return Composed("".join(writer.parts).rstrip("\n") + "\n", tuple(writer.sections))


def _pieces(text: str) -> Iterable[str]:
    """Cut only what is too long to take in at once; a cut code block stays one."""
    if len(text) <= MAX_BLOCK_CHARACTERS:
        return [text]
    fence = text.partition("\n")[0] if text.startswith("```") else ""
    lines = text.split("\n")[1:-1] if fence else text.split("\n")
    pieces: list[list[str]] = []
    current: list[str] = []
    size = 0
    for line in lines:
        for cut in (
            line[i : i + MAX_BLOCK_CHARACTERS]
            for i in range(0, max(len(line), 1), MAX_BLOCK_CHARACTERS)
        ):
            if size + len(cut) > MAX_BLOCK_CHARACTERS and current:
                pieces.append(current)
                current, size = [], 0
            current.append(cut)
            size += len(cut) + 1
    pieces.append(current)
    return ["\n".join([fence, *piece, fence] if fence else piece) for piece in pieces]
