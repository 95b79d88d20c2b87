"""Text between people and the CRM: notes are HTML there and plain text here. Pure."""

import html
import re
from collections.abc import Sequence
from html.parser import HTMLParser

MAX_CHARACTERS = 2_000  # of one note in an answer

_BREAKS = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3"})
_SILENT = frozenset({"script", "style"})
# characters nobody sees: controls, zero-width, bidirectional and tag characters
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
    "\U000e0000-\U000e007f]"
)

_WORDS = re.compile(r"[^\s!-/:-@\[-`{-~]+")


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._silent += tag in _SILENT
        if tag in _BREAKS:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in _SILENT))

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)


def visible(text: str) -> str:
    """Without what a reader could not see."""
    return _HIDDEN.sub("", text)


def numbers_among(query: str, fields: Sequence[str | None]) -> bool:
    """Whether every word of the query without a letter begins a word of these fields."""
    words = _WORDS.findall(" ".join(field or "" for field in fields).casefold())
    return all(
        any(word.startswith(term) for word in words)
        for term in _WORDS.findall(query.casefold())
        if not any(mark.isalpha() for mark in term)
    )


def plain(markup: str) -> str:
    """The words of a note, cut to what an answer may carry."""
    reader = _Words()
    reader.feed(markup)
    reader.close()
    words = visible("".join(reader.words))
    words = re.sub(r"[ \t]+", " ", re.sub(r"\s*\n\s*", "\n", words)).strip()
    return words if len(words) <= MAX_CHARACTERS else words[: MAX_CHARACTERS - 2] + " …"


def markup(text: str) -> str:
    """Plain text as the CRM shows it: nothing in it can become a tag or a link target."""
    return html.escape(visible(text)).replace("\n", "<br>")
