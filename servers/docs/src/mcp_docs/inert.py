"""A page as it may be handed out, looked at once more when it is read.

The loader writes nothing that runs, loads or hides. What a table holds may be older than a rule, or
written by somebody else: such a page is made safe again, whole. Pure: no clock, no network, no
state.
"""

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from mcp_docs.knowledge import SectionAt
from mcp_docs.text import escaped, link, visible

_READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_ACTIVE = {"html_block", "html_inline", "image"}
# what could be active; in code it is not, and only a parser knows what is code
_SUSPECT = re.compile(r"<[A-Za-z/!?]|!\[|\]\((?!docs://|https?://|mailto:)|\]:|(?:```|~~~).*\S")


def is_inert(body: str) -> bool:
    if body != visible(body):
        return False
    return not _SUSPECT.search(body) or not any(map(_is_active, _READER.parse(body)))


def _is_active(token: Token) -> bool:
    if token.type in _ACTIVE:
        return True
    if token.type == "fence":
        return bool(token.info)  # a reader may draw what is in it, as a diagram
    if token.type == "link_open":
        href = str(token.attrs.get("href", ""))
        return link("x", href) == "x"
    return any(map(_is_active, token.children or ()))


def inert_line(text: str) -> str:
    """A title, a heading, an owner."""
    return text if is_inert(text) else escaped(" ".join(visible(text).split()))


def inert(
    title: str, body: str, sections: Sequence[SectionAt]
) -> tuple[str, tuple[SectionAt, ...]]:
    """The body and its sections: as they are, or written anew by the loader's own rules."""
    if is_inert(body):
        return body, tuple(sections)
    # late, because a server whose pages are as loaded never needs them
    from mcp_docs.load.blocks import blocks
    from mcp_docs.load.compose import compose

    content = blocks(str(_READER.render(visible(body))), lambda _: None)
    again = compose(title, content)
    return again.body, tuple(SectionAt(s.headings, s.starts, s.stops) for s in again.sections)
