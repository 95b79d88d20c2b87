"""A file becomes a page: decoded, its head read, its content made safe, cut into sections.

Pure: no clock (the day is given), no network, no files.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from urllib.parse import unquote

from mcp_docs.groups import audience
from mcp_docs.load import formats, tree
from mcp_docs.load.blocks import Heading, blocks, title_of
from mcp_docs.load.compose import Section, compose
from mcp_docs.load.front_matter import Dates, Head, PageError, dates, split
from mcp_docs.load.tree import File
from mcp_docs.text import escaped, visible

# Part of every digest: a loader that reads pages differently reads all of them again.
VERSION = 3
MAX_NAME_CHARACTERS = 150
_HTML: dict[str, Callable[[str], str]] = {
    "markdown": formats.markdown,
    "restructuredtext": formats.restructuredtext,
    "html": str,
}


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the loader was told for pages that do not say it themselves."""

    root_name: str
    collection: str | None = None
    groups: tuple[str, ...] | None = None
    owner: str = "unknown"
    classification: str = "internal"
    txt: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """What is known of a page before its content is parsed; `digest` covers all but the dates."""

    doc_id: str
    collection: str
    groups: tuple[str, ...]
    owner: str
    classification: str
    dates: Dates
    source: str
    digest: bytes
    title: str | None
    format: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    label: Label
    title: str
    body: str
    sections: tuple[Section, ...]


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9._]+", "-", name.lower()).strip("-._")


def address(path: PurePosixPath, root_name: str, collection: str | None) -> tuple[str, str]:
    """Collection and name of the file at `path`, by its place alone."""
    parts = path.parts
    if collection is None and len(parts) > 1:
        collection, parts = parts[0], parts[1:]
    name = ".".join(
        filter(None, (slug(part) for part in (*parts[:-1], PurePosixPath(parts[-1]).stem)))
    )
    return slug(collection or root_name), name


def label(file: File, given: Defaults, today: date) -> Label:
    """Raises:
    PageError: the file cannot be a page, and why.

    """
    if not str(file.path).isprintable():
        raise PageError("its name is not UTF-8, or has signs that cannot be seen")
    try:
        text = file.content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise PageError(f"it is not UTF-8 (byte {error.start})") from error
    if "\0" in text:
        raise PageError("it has NUL bytes")
    head, text = split(text)
    groups = head.groups or given.groups
    if not groups:
        raise PageError(
            "it names no groups that may read it; say --groups for pages without a head"
        )
    collection, name = _address(file.path, head, given)
    digest = hashlib.sha256(file.content)
    digest.update(repr((VERSION, given, str(file.path))).encode())
    return Label(
        doc_id=f"{collection}/{name}",
        collection=collection,
        groups=audience(groups),
        owner=escaped(visible(head.owner or given.owner)),
        classification=head.classification or given.classification,
        dates=dates(head, today, file.changed),
        source=str(file.path),
        digest=digest.digest(),
        title=head.title,
        format=file.format,
        text=text,
    )


def _address(path: PurePosixPath, head: Head, given: Defaults) -> tuple[str, str]:
    collection, name = address(path, given.root_name, given.collection)
    if head.collection and given.collection is None:
        if len(path.parts) > 1 and slug(head.collection) != collection:
            raise PageError(
                f"its head says collection {head.collection!r}, its folder {collection!r}"
            )
        collection = slug(head.collection)
    if not name or not collection:
        raise PageError("its name has no letter or digit")
    if len(name) + len(collection) > MAX_NAME_CHARACTERS:
        raise PageError(f"its name is longer than {MAX_NAME_CHARACTERS} characters")
    return collection, name


def page(known: Label, given: Defaults) -> Page:
    """Parse the content. Raises PageError as `label` does."""
    html = _HTML[known.format](known.text)
    path = PurePosixPath(known.source)
    content = blocks(html, lambda href: _internal(href, path, given))
    first = next((block.text for block in content if isinstance(block, Heading)), "")
    own = title_of(html) if known.format == "html" else ""
    title = escaped(known.title or visible(own) or first or path.stem)[:200]
    composed = compose(title, content)
    if not composed.sections:
        raise PageError("it has no text")
    return Page(known, title, composed.body, composed.sections)


def _internal(href: str, path: PurePosixPath, given: Defaults) -> str | None:
    """Where a relative link leads: to a page of the same tree, or nowhere."""
    target = unquote(href.partition("#")[0].partition("?")[0])
    known = tree.formats(txt=given.txt)
    if not target or target.startswith("/") or PurePosixPath(target).suffix.lower() not in known:
        return None
    parts: list[str] = list(path.parent.parts)
    for part in PurePosixPath(target).parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        else:
            parts.append(part)
    if not parts:
        return None
    collection, name = address(PurePosixPath(*parts), given.root_name, given.collection)
    return f"docs://{collection}/{name}" if collection and name else None
