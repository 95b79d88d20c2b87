"""Text that may be shown: without invisible characters, and inert as Markdown and HTML.

Pure: no clock, no network, no state. Everything here escapes; nothing here decides by a list of bad
things, because the next bad thing is not on it.
"""

import re
import unicodedata

# Seen by a model, not by a reviewer. Variation selectors and tags carry hidden bytes, fillers count
# as letters; the joiners of some scripts are lost with them, which costs a glyph's shape and no
# meaning in prose.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
_KEPT_CONTROLS = frozenset("\n\t")
_REFUSED = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_SPECIAL = re.compile(r"[\\`\[\]]|<(?=[A-Za-z/!?])|&(?=#?\w+;)|~(?=~)")
_LINE_START = re.compile(r"^([^\S\n]*)(?=[#>|]|[-+*](?:\s|$)|=+\s*$|-+\s*$|_{3})", re.MULTILINE)
_MARKDOWN = re.compile(
    r"\\([^\w\s])|(?<!`)(`++)(.*?)\2|\]\([^()\s]*\)?|\*\*|[`\[\]]|&(amp);", re.DOTALL
)
_STARS = re.compile(r"\*(?=\*)")
_HREF = re.compile(
    r"(?:https?://[\w.-]+(?::\d+)?(?:[/?#][^\s<>()\\\[\]`\"'|{}]*)?|mailto:[\w.+-]+@[\w.-]+)"
)


def visible(text: str) -> str:
    """NFC, with one kind of line end, and only characters a reader can see."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\u2028", "\n").replace("\u2029", "\n")
    text = _UNSEEN.sub("", unicodedata.normalize("NFC", text))
    return "".join(
        char for char in text
        if char in _KEPT_CONTROLS or unicodedata.category(char) not in _REFUSED
    )  # fmt: skip


def escaped(text: str) -> str:
    """The same words, without the power to open a link, an image, a tag or a code span."""
    return _SPECIAL.sub(
        lambda found: "\\" + found.group() if found.group() != "&" else "&amp;", text
    )


def plain_lines(text: str) -> str:
    """A paragraph whose lines do not begin a heading, list, quote, table or fence."""
    return _LINE_START.sub(
        lambda found: found.group(1) + "\\" if not _digit(text, found.end()) else found.group(1),
        text,
    )


def _digit(text: str, at: int) -> bool:
    # "1. " at the start of a line is harmless as a list, and a backslash before a digit is not an
    # escape
    return at < len(text) and text[at].isdigit()


def code_span(text: str) -> str:
    text = " ".join(text.split())
    if not text:
        return ""
    if "`" in text:
        return escaped(text)
    return f"`{text}`"


def code_block(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text.strip(chr(10))}\n{fence}"


def link(label: str, href: str | None) -> str:
    """A link to where a browser may go; anything else is only its words."""
    label = " ".join(label.split())
    if not label or href is None:
        return label
    if href.startswith("docs://") or _HREF.fullmatch(href):
        return f"[{label}]({href})"
    return label


FOUND, LOST = "\x01", "\x02"  # around a word that was asked for; no page has them
_JOINTS = str.maketrans("\x03\x04\x05\x06", "./@_")  # in names, whose parts are words of their own


def passage(cut: str) -> str:
    """Words cut out of a page, on one line, those that were asked for between ** and **.

    The cut may begin within a link and end within a code span, so that what was inert on the page
    need not be here: the Markdown is taken off, and what is left is escaped anew.
    """
    plain = " ".join(_MARKDOWN.sub(_said, cut.translate(_JOINTS)).split())
    plain = "".join(
        part if part in {FOUND, LOST} else _STARS.sub(r"\\*", escaped(visible(part)))
        for part in re.split(f"([{FOUND}{LOST}])", plain)
    )
    if not re.fullmatch(
        f"(?:[^{FOUND}{LOST}]*{FOUND}[^{FOUND}{LOST}]*{LOST})*[^{FOUND}{LOST}]*", plain
    ):
        return plain.replace(FOUND, "").replace(LOST, "")
    return plain_lines(plain.replace(FOUND, "**").replace(LOST, "**"))


def _said(found: re.Match[str]) -> str:
    escaped_, _, code, ampersand = found.groups()
    return escaped_ or code or ("&" if ampersand else "")
