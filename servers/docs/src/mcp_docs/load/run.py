"""One load: what changed is parsed, and the collections become what the tree is."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import asyncpg

from mcp_docs.load import store, tree
from mcp_docs.load.front_matter import PageError
from mcp_docs.load.pages import Defaults, Label, Page, label, page, slug
from mcp_docs.load.tree import Skipped


class NothingToLoadError(Exception):
    """The folder is not there or has no page; nothing was changed."""


@dataclass
class Report:
    collections: list[str] = field(default_factory=list)
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    others: dict[str, int] = field(
        default_factory=dict
    )  # collections not in this load, their pages


@dataclass
class _Reading:
    labels: dict[str, tuple[Label, Defaults]] = field(default_factory=dict)
    collections: set[str] = field(default_factory=set)
    skipped: list[Skipped] = field(default_factory=list)


async def load(
    connection: asyncpg.Connection,
    roots: Sequence[Path],
    given: Defaults,
    today: date,
    *,
    whole: bool = False,
) -> Report:
    """Make the collections what the trees are; with `whole`, remove every other collection.

    Raises:
        NothingToLoadError: a root is no folder, or no page was found below any of them.

    """
    # from the first look at what is there to the last row: two loads come one after the other
    async with store.alone(connection):
        return await _load(connection, roots, given, today, whole=whole)


async def _load(
    connection: asyncpg.Connection,
    roots: Sequence[Path],
    given: Defaults,
    today: date,
    *,
    whole: bool,
) -> Report:
    reading = _Reading()
    for root in roots:
        _read(root, given, today, reading)
    if not reading.labels:
        why = (
            f"; skipped {len(reading.skipped)}, first {reading.skipped[0]}"
            if reading.skipped
            else ""
        )
        raise NothingToLoadError(f"no page below {', '.join(map(str, roots))}{why}")
    others = await store.others(connection, reading.collections)
    report = Report(sorted(reading.collections), skipped=reading.skipped)
    if whole:
        reading.collections.update(others)
    else:
        report.others = others
    before = await store.known(connection, reading.collections)
    fresh: list[Page] = []
    unchanged: list[Label] = []
    for doc_id, (known, defaults) in reading.labels.items():
        if before.get(doc_id) == known.digest:
            unchanged.append(known)
        elif parsed := _parsed(known, defaults, report):
            fresh.append(parsed)
            report.changed += doc_id in before
            report.added += doc_id not in before
    kept = {one.doc_id for one in unchanged} | {one.label.doc_id for one in fresh}
    removed = sorted(before.keys() - kept)
    report.unchanged, report.removed = len(unchanged), len(removed)
    await store.save(connection, fresh, unchanged, removed)
    return report


def _read(root: Path, given: Defaults, today: date, reading: _Reading) -> None:
    if not root.is_dir():
        raise NothingToLoadError(f"{root} is not a folder")
    root = root.resolve()
    defaults = replace(given, root_name=root.name)
    if given.collection:
        reading.collections.add(slug(given.collection))
    else:
        # a collection whose last page was deleted is emptied, not forgotten
        reading.collections.update(filter(None, map(slug, tree.folders(root))))
    for file in tree.files(root, txt=given.txt):
        if isinstance(file, Skipped):
            reading.skipped.append(file)
            continue
        try:
            known = label(file, defaults, today)
        except PageError as error:
            reading.skipped.append(Skipped(str(file.path), str(error)))
            continue
        if earlier := reading.labels.get(known.doc_id):
            why = f"its address {known.doc_id} is taken by {earlier[0].source}"
            reading.skipped.append(Skipped(str(file.path), why))
            continue
        reading.labels[known.doc_id] = (known, defaults)
        reading.collections.add(known.collection)


def _parsed(known: Label, defaults: Defaults, report: Report) -> Page | None:
    try:
        return page(known, defaults)
    except PageError as error:
        report.skipped.append(Skipped(known.source, str(error)))
    except RecursionError:
        report.skipped.append(Skipped(known.source, "it is nested too deeply"))
    except Exception as error:  # noqa: BLE001  the parsers are not ours, and one page must not stop a load
        report.skipped.append(Skipped(known.source, f"its parser failed ({type(error).__name__})"))
    return None
