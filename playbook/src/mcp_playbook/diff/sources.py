"""The two sides: a lock as it lies there or as a commit has it, what code or a server says."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2

from mcp_playbook import wire
from mcp_playbook.lint.served import SilentError, document
from mcp_playbook.lint.sources import LOCK, SourceError, tools_in
from mcp_playbook.upgrade.git import Git, GitError

Document = Mapping[str, Any]
NOTHING: Document = {}  # a server that was not there yet


def pinned(folder: Path) -> Document:
    """The lock file as it lies there.

    Raises:
        SourceError: it is missing or none.

    """
    return of_file(folder / LOCK)


def committed(root: Path, folder: Path, ref: str) -> Document:
    """The lock file of a commit; nothing where it had none.

    Raises:
        SourceError: there is no such commit, or what it has is no lock file.

    """
    git = Git(root)
    try:
        if git.commit(ref) is None:
            raise SourceError(f"{ref}: no such commit here; a shallow checkout has few")
        path = (folder / LOCK).resolve().relative_to(root.resolve()).as_posix()
        text = git.file(ref, path)
    except (OSError, ValueError, GitError) as error:
        raise SourceError(f"{folder.name}: {ref} cannot be read: {error}") from error
    return NOTHING if text is None else _document(text, f"{ref}:{path}")


def of_file(file: Path) -> Document:
    """A lock file, an answer to tools/list, or its result.

    Raises:
        SourceError: it is none of these.

    """
    try:
        return _document(file.read_text("utf-8"), str(file))
    except OSError as error:
        raise SourceError(f"{file}: {error.strerror}") from error


def of_code(root: Path, server: str, folder: Path) -> Document:
    """What the server's code would serve: nothing has to run.

    Raises:
        SourceError: it does not describe itself.

    """
    try:
        return document(root, server, folder)
    except SilentError as error:
        raise SourceError(f"{server}: its code could not be asked: {error}") from error


async def of_url(url: str, token: str | None) -> Document:
    """What any server lists at an address: its tools alone.

    Raises:
        SourceError: it lists nothing.

    """
    try:
        return {"tools": await wire.listed(url, token)}
    except (httpx2.HTTPError, wire.ListRefusedError) as error:
        raise SourceError(f"{url}: {error or type(error).__name__}") from error


def alike(document: Document, other: Document) -> tuple[Document, Document]:
    """Both without what only one side can know: a tools/list says nothing of prompts."""
    keys = set(document) & set(other) if document and other else {*document, *other}
    first, second = ({k: v for k, v in one.items() if k in keys} for one in (document, other))
    return first, second


def _document(text: str, where: str) -> Document:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise SourceError(f"{where}: {error}") from error
    tools = tools_in(found, Path(where))
    return found if isinstance(found, dict) and "tools" in found else {"tools": tools}
