"""Text between people and the CRM: notes are HTML there and plain text here. Pure."""

import html
import re
from collections.abc import Sequence
from html.parser import HTMLParser

MAX_CHARACTERS = 2_000  # of one note in an answer
MAX_MARKUP = 65_536  # of one note in the CRM, whose own limit that is

_BREAKS = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3"})
_SILENT = frozenset(
    {"datalist", "dialog", "iframe", "noembed", "noframes", "script", "style", "template", "title"}
)
# these have no end, so nothing is inside them
_EMPTY = frozenset(
    {
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param",
        "source", "track", "wbr",
    }
)  # fmt: skip
# a style, without blanks, whose words a reader of the CRM does not see
_HIDING = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|opacity:0(?:\.0*)?(?:;|$)|font-size:0(?![.\d]*[1-9])"
    r"|color:transparent|text-indent:-|clip|scale\(0"
    r"|(?:^|;)(?:max-)?(?:height|width):0(?:px)?(?:;|$)|(?:left|right|top|bottom):-\d{3}"
)
# characters nobody sees: controls, zero-width, bidirectional and tag characters, variation
# selectors and fillers, which can spell whole sentences to a model
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u2800\u3164\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]"
)

_WORDS = re.compile(r"[^\s!-/:-@\[-`{-~]+")


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        # the element that is not shown, and what was opened inside it
        self._unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._unseen or tag in _SILENT or _hides(attrs):
            self._unseen += [] if tag in _EMPTY else [tag]
        elif tag in _BREAKS:
            self.words.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # in HTML the slash ends nothing

    def handle_endtag(self, tag: str) -> None:
        while tag in self._unseen and self._unseen.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.words.append(data)


def _hides(attrs: list[tuple[str, str | None]]) -> bool:
    given = dict(reversed(attrs))  # of two, the first counts
    style = "".join((given.get("style") or "").lower().split())
    return "hidden" in given or _HIDING.search(style) is not None


def visible(text: str) -> str:
    """Without what a reader could not see."""
    return _HIDDEN.sub("", text.replace("\u2028", "\n").replace("\u2029", "\n"))


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
    inside, end, after = markup[:MAX_MARKUP].rpartition(">")
    reader = _Words()
    # behind the last end of a tag none begins, which the parser would look for again and again
    reader.feed(inside + end + after.replace("<", "&lt;"))
    reader.close()
    lines = visible("".join(reader.words)).split("\n")
    words = "\n".join(re.sub(r"[ \t]+", " ", line.strip()) for line in lines if line.strip())
    return words if len(words) <= MAX_CHARACTERS else words[: MAX_CHARACTERS - 2] + " …"


def markup(text: str) -> str:
    """Plain text as the CRM shows it: nothing in it can become a tag or a link target."""
    return html.escape(visible(text)).replace("\n", "<br>")
