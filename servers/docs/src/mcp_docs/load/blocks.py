"""HTML to headings and prose: an allow-list walk that writes Markdown anew.

Pure: no clock, no network, no state. Every format comes through here, after `cleaned`.
Images, scripts, forms, comments and hidden elements leave nothing behind.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, PreformattedString, Tag

from mcp_docs.load.cleaned import DROPPED, cleaned
from mcp_docs.text import code_block, code_span, escaped, link, plain_lines, visible

Resolve = Callable[[str], str | None]

# fmt: off
_BLOCKS = [
    "address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "div", "dl",
    "dt", "fieldset", "figcaption", "figure", "footer", "header", "hgroup", "hr", "html", "li",
    "main", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead",
    "tr", "ul", "h1", "h2", "h3", "h4", "h5", "h6",
]
# fmt: on
_CODE = frozenset({"code", "tt", "kbd", "samp", "pre"})
_HEADING = re.compile(r"h[1-6]")
_HIDING = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|opacity:0(?:\.0*)?(?:;|$)|font-size:0(?![.\d]*[1-9])"
    r"|color:transparent|text-indent:-|clip|scale\(0"
    r"|(?:^|;)(?:max-)?(?:height|width):0(?:px)?(?:;|$)|(?:left|right|top|bottom):-\d{3}"
)


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Prose:
    """Safe Markdown: a paragraph, list, table or code block."""

    text: str


Block = Heading | Prose


def blocks(html: str, resolve: Resolve) -> list[Block]:
    """The visible content in order; `resolve` says where a relative link leads, if anywhere."""
    soup = BeautifulSoup(cleaned(visible(html)), "html.parser")
    return list(_Walk(resolve).children(soup))


def title_of(html: str) -> str:
    """The document's own title element; empty when it has none."""
    found = BeautifulSoup(visible(html), "html.parser").title
    return " ".join(found.get_text().split()) if found else ""


def _classes(tag: Tag) -> list[str]:
    return " ".join(map(str, tag.get_attribute_list("class"))).split()


def _hidden(tag: Tag) -> bool:
    style = re.sub(r"\s", "", str(tag.get("style") or "")).lower()
    classes = _classes(tag)
    return (
        tag.name in DROPPED
        or tag.has_attr("hidden")
        or str(tag.get("aria-hidden", "")).lower() == "true"
        or bool(_HIDING.search(style))
        or "headerlink" in classes
        or "system-message" in classes
    )


def _words(node: PageElement) -> str:
    """All visible text below, as it stands."""
    if isinstance(node, Tag):
        return "" if _hidden(node) else "".join(_words(child) for child in node.children)
    if isinstance(node, NavigableString) and not isinstance(node, PreformattedString):
        return str(node)
    return ""  # comments, doctypes, processing instructions


class _Walk:
    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve

    def children(self, parent: Tag) -> Iterator[Block]:
        run: list[str] = []
        for child in parent.children:
            if isinstance(child, Tag) and (child.name in _BLOCKS or child.find(_BLOCKS)):
                yield from self._paragraph(run)
                run = []
                if not _hidden(child):
                    yield from self._block(child)
            else:
                run.append(self._inline(child))
        yield from self._paragraph(run)

    def _paragraph(self, run: list[str]) -> Iterator[Prose]:
        lines = [" ".join(line.split()) for line in "".join(run).split("\n")]
        if text := "\n".join(filter(None, lines)):
            yield Prose(plain_lines(text))

    def _block(self, tag: Tag) -> Iterator[Block]:
        if _HEADING.fullmatch(tag.name):
            if text := " ".join(_words(tag).split()):
                yield Heading(int(tag.name[1]), text)
        elif tag.name == "blockquote":
            for inner in self.children(tag):
                text = inner.text if isinstance(inner, Prose) else escaped(inner.text)
                yield Prose("\n".join(f"> {line}" for line in text.split("\n")))
        elif tag.name in {"pre", "ul", "ol", "table"}:
            if text := self._whole(tag):
                yield Prose(text)
        else:
            yield from self.children(tag)

    def _whole(self, tag: Tag) -> str:
        """What must stay in one piece: code, a list, a table."""
        if tag.name == "pre":
            text = _words(tag).strip("\n")
            return code_block(text) if text.strip() else ""
        return "\n".join(self._table(tag) if tag.name == "table" else self._list(tag, 0))

    def _list(self, tag: Tag, depth: int) -> Iterator[str]:
        items = [item for item in tag.find_all("li", recursive=False) if not _hidden(item)]
        for number, item in enumerate(items, 1):
            mark = f"{number}." if tag.name == "ol" else "-"
            own, nested = [], []
            for child in item.children:
                if isinstance(child, Tag) and child.name in {"ul", "ol"}:
                    nested.append(child)
                else:
                    own.append(self._inline(child))
            text = " ".join("".join(own).split())
            yield f"{'   ' * depth}{mark} {plain_lines(text)}"
            for inner in nested:
                if not _hidden(inner):
                    yield from self._list(inner, depth + 1)

    def _table(self, tag: Tag) -> Iterator[str]:
        rows = [row for row in tag.find_all("tr") if not _hidden(row)]
        for number, row in enumerate(rows):
            cells = [self._cell(cell) for cell in row.find_all(["td", "th"]) if not _hidden(cell)]
            yield f"| {' | '.join(cells)} |"
            if number == 0:
                yield "|" + "---|" * len(cells)

    def _cell(self, tag: Tag) -> str:
        text = " ".join("".join(self._inline(child) for child in tag.children).split())
        # a bar would end the cell, also inside a code span or a link: then the words must do
        return escaped(" ".join(_words(tag).split())).replace("|", "\\|") if "|" in text else text

    def _inline(self, node: PageElement) -> str:
        if not isinstance(node, Tag):
            return escaped(_words(node)).replace("\n", " ")
        if _hidden(node) or node.name == "br":
            return "\n" if node.name == "br" else ""
        if node.name in _CODE or "literal" in _classes(node):
            return code_span(_words(node))
        inner = "".join(self._inline(child) for child in node.children)
        if node.name == "a":
            return self._link(node, inner)
        if node.name in {"strong", "b"} and inner.strip() == inner != "":
            return f"**{inner}**"
        return f" {inner} " if node.name in _BLOCKS else inner

    def _link(self, tag: Tag, label: str) -> str:
        href = str(tag.get("href") or "").strip()
        if re.match(r"[a-zA-Z][\w+.-]*:|//", href):
            return link(label, href)
        return link(label, self._resolve(href)) if href else label
