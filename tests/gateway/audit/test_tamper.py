"""The tamper table: the database's superuser, triggers off, against each layer of the ledger.

Every attack is tried on a ledger with a checkpoint in its middle, and every layer is asked: the
signed blocks alone, the checkpoints besides, the receipts besides. `NOTHING` is asserted like any
finding: it is where a layer ends, and the next begins.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from gateway.audit.conftest import Place
from gateway.audit.forger import forge_segment, rechain

from mcp_gateway.audit import keys
from mcp_gateway.audit.checkpoints import check as checkpoint_check
from mcp_gateway.audit.checkpoints import key as checkpoint_key
from mcp_gateway.audit.checkpoints.check import Witnessed
from mcp_gateway.audit.checkpoints.directory import Directory
from mcp_gateway.audit.checkpoints.job import Checkpointing
from mcp_gateway.audit.lookup import verify_receipt
from mcp_gateway.audit.verify import verify

NOTHING: frozenset[str] = frozenset()
NAME = "ledger.example/desk"
EDIT = (
    "UPDATE audit.record SET person = 'ben', body = convert_to("
    "replace(convert_from(body, 'UTF8'), '\"person\":\"ana\"', '\"person\":\"ben\"'), 'UTF8')"
    " WHERE seg = '{seg}' AND seq = {seq}"
)


@dataclass(frozen=True)
class Scene:
    """Two segments, the second with a checkpoint between `old` and `late` records."""

    place: Place
    folder: Path
    first: UUID
    second: UUID
    old: int  # a record that a checkpoint covers, and its neighbours
    late: int  # one that only its receipt covers
    covered: int  # the last block that a checkpoint has seen
    receipts: list[dict[str, Any]]

    async def sql(self, *statements: str) -> None:
        await self.place.sql(*(one.format(seg=self.second, first=self.first) for one in statements))

    def witnessed(self, pin: str | None = None) -> Witnessed:
        trusted = checkpoint_key.verifiers(self.folder.with_name(checkpoint_key.PUBLIC_NAME))
        return checkpoint_check.read(Directory(self.folder), trusted, pin)

    async def found(self, witnessed: Witnessed | None = None) -> frozenset[str]:
        trusted = keys.load_public(self.place.public)
        report = await verify(self.place.reader, trusted, witnessed=witnessed)
        return frozenset(finding.kind for finding in report.findings)

    async def shown_by_receipts(self) -> frozenset[str]:
        trusted = keys.load_public(self.place.public)
        asked = [await verify_receipt(one, trusted, self.place.reader) for one in self.receipts]
        return frozenset(finding.kind for finding in asked if finding is not None)


@pytest_asyncio.fixture
async def scene(place: Place, tmp_path: Path, body: dict[str, Any]) -> Scene:
    checkpoint_key.create(tmp_path)
    signer = checkpoint_key.signer(tmp_path, NAME)
    checkpoint_key.publish(signer.verifier, tmp_path / checkpoint_key.PUBLIC_NAME)
    folder = tmp_path / "witness"
    job = Checkpointing(place.reader, lambda: Directory(folder), signer, 3600, [signer.verifier])
    receipts: list[dict[str, Any]] = []

    async def calls(ledger: Any, name: str) -> None:
        for kind in ("intent", "outcome"):
            entries = await asyncio.gather(
                *(ledger.append(kind, body | {"rid": f"{name}-{n}"}) for n in range(4))
            )
            receipts.extend(entry.receipt() for entry in entries)

    async with place.opened() as ledger:
        await calls(ledger, "first")
    async with place.opened() as ledger:
        await calls(ledger, "old")
        await calls(ledger, "old-too")
        await job.once()
        job._step_down()
        covered, old = receipts[-1]["block"], receipts[-8]["seq"]
        await calls(ledger, "late")
    late = receipts[-3]
    return Scene(
        place, folder, UUID(receipts[0]["segment"]), UUID(late["segment"]), old, late["seq"],
        covered, receipts,
    )  # fmt: skip


Attack = Callable[[Scene], Awaitable[object]]


@dataclass(frozen=True)
class Row:
    """An attack, and what each layer says of it."""

    name: str
    attack: Attack
    blocks: frozenset[str]
    checkpoint: frozenset[str]
    receipts: frozenset[str]


def row(name: str, attack: Attack, blocks: str, checkpoint: str, receipts: str) -> Row:
    layers = [frozenset(words.split()) for words in (blocks, checkpoint, receipts)]
    return Row(name, attack, *layers)


async def edit(scene: Scene) -> None:
    await scene.sql(EDIT.replace("{seq}", str(scene.old)))


async def edit_late(scene: Scene) -> None:
    await scene.sql(EDIT.replace("{seq}", str(scene.late)))


async def delete_and_renumber(scene: Scene) -> None:
    await scene.sql(
        f"DELETE FROM audit.record WHERE seg = '{{seg}}' AND seq = {scene.old}",
        f"UPDATE audit.record SET seq = seq + 1000 WHERE seg = '{{seg}}' AND seq > {scene.old}",
        "UPDATE audit.record SET seq = seq - 1001 WHERE seg = '{seg}' AND seq > 1000",
    )


async def swap(scene: Scene) -> None:
    one = scene.old
    for was, becomes in ((one, 9999), (one + 1, one), (9999, one + 1)):
        await scene.sql(
            f"UPDATE audit.record SET seq = {becomes} WHERE seg = '{{seg}}' AND seq = {was}"
        )


async def edit_column(scene: Scene) -> None:
    await scene.sql(
        f"UPDATE audit.record SET person = 'ben' WHERE seg = '{{seg}}' AND seq = {scene.old}"
    )


async def delete(scene: Scene) -> None:
    await scene.sql(f"DELETE FROM audit.record WHERE seg = '{{seg}}' AND seq = {scene.old}")


async def forge(scene: Scene) -> None:
    await forge_segment(scene.place, uuid4(), register=False)


async def forge_registered(scene: Scene) -> None:
    await forge_segment(scene.place, uuid4(), register=True)


CHANGES = (
    row("an edited body", edit, "BLOCK", "BLOCK", "BLOCK RECEIPT-MISMATCH"),
    row("deleted and renumbered", delete_and_renumber, "BLOCK GAP PROJECTION",
        "BLOCK GAP PROJECTION", "BLOCK GAP PROJECTION RECEIPT-MISMATCH"),
    row("two swapped", swap, "BLOCK", "BLOCK", "BLOCK RECEIPT-MISMATCH"),
    row("a column alone", edit_column, "PROJECTION", "PROJECTION", "PROJECTION"),
    row("a deleted record", delete, "GAP", "GAP", "GAP RECEIPT-TRUNCATED"),
    row("a forged segment", forge, *["UNREGISTERED-SEGMENT BLOCK"] * 3),
    row("a forged segment, registered", forge_registered, *["BLOCK"] * 3),
)  # fmt: skip


@pytest.mark.parametrize("row", CHANGES, ids=[one.name for one in CHANGES])
async def test_L04_whatever_is_changed_moved_or_added_is_named(scene: Scene, row: Row) -> None:
    await confirm(scene, row)


def chained_anew(attack: Attack, *, stolen: bool) -> Attack:
    """After the attack every hash is computed again, with the gateway's key or without it."""

    async def attacked(scene: Scene) -> None:
        await attack(scene)
        key = keys.load_private(scene.place.key) if stolen else None
        assert await rechain(scene.place, key, scene.second)

    return attacked


REWRITES = (
    row("an old record, without the key", chained_anew(edit, stolen=False),
        "BLOCK", "BLOCK CHECKPOINT-HEAD", "BLOCK CHECKPOINT-HEAD RECEIPT-MISMATCH"),
    row("a late record, without the key", chained_anew(edit_late, stolen=False),
        "BLOCK", "BLOCK", "BLOCK RECEIPT-MISMATCH"),
    row("an old record, with the stolen key", chained_anew(edit, stolen=True),
        "", "CHECKPOINT-HEAD", "CHECKPOINT-HEAD RECEIPT-MISMATCH"),
    row("a late record, with the stolen key", chained_anew(edit_late, stolen=True),
        "", "", "RECEIPT-MISMATCH"),
)  # fmt: skip


@pytest.mark.parametrize("row", REWRITES, ids=[one.name for one in REWRITES])
async def test_L05_a_chain_computed_anew_is_named_as_far_as_a_layer_reaches(
    scene: Scene, row: Row
) -> None:
    await confirm(scene, row)


async def cut_below_the_checkpoint(scene: Scene) -> None:
    await cut(scene, scene.covered - 1)


async def cut_above_the_checkpoint(scene: Scene) -> None:
    await cut(scene, scene.covered)


async def cut(scene: Scene, last: int) -> None:
    await scene.sql(
        f"DELETE FROM audit.record WHERE seg = '{{seg}}' AND block > {last}",
        f"DELETE FROM audit.block WHERE seg = '{{seg}}' AND block > {last}",
    )


async def drop(scene: Scene) -> None:
    for table in ("record", "block", "segment"):
        await scene.sql(f"DELETE FROM audit.{table} WHERE seg = '{{first}}'")


async def drop_everything(scene: Scene) -> None:
    await scene.sql("TRUNCATE audit.record, audit.block, audit.segment")


CUTS = (
    row("a tail, below a checkpoint", cut_below_the_checkpoint,
        "", "TRUNCATED", "TRUNCATED RECEIPT-TRUNCATED"),
    row("a segment", drop, "", "SEGMENT-MISSING", "SEGMENT-MISSING RECEIPT-TRUNCATED"),
    row("everything", drop_everything,
        "", "SEGMENT-MISSING", "SEGMENT-MISSING RECEIPT-TRUNCATED"),
    row("a tail, above the last checkpoint", cut_above_the_checkpoint,
        "", "", "RECEIPT-TRUNCATED"),
)  # fmt: skip


@pytest.mark.parametrize("row", CUTS, ids=[one.name for one in CUTS])
async def test_L06_what_is_cut_off_is_named_as_far_as_a_layer_reaches(
    scene: Scene, row: Row
) -> None:
    await confirm(scene, row)


async def confirm(scene: Scene, row: Row) -> None:
    before = scene.witnessed()
    assert await scene.found(before) | await scene.shown_by_receipts() == NOTHING
    await row.attack(scene)
    alone, besides = await scene.found(), await scene.found(scene.witnessed())
    assert (alone, besides, besides | await scene.shown_by_receipts()) == (
        row.blocks, row.checkpoint, row.receipts,
    )  # fmt: skip


async def test_L06_a_cut_whose_checkpoints_went_too_is_named_by_who_saw_them(
    scene: Scene,
) -> None:
    """Whoever owns both owners can take both back: then it is the verifier's own memory, or a
    receipt, that tells.
    """
    seen = scene.witnessed().note
    shutil.rmtree(scene.folder)
    scene.folder.mkdir()
    await drop_everything(scene)
    assert await scene.found(scene.witnessed(seen)) == {"CHECKPOINT-ROOT"}
    assert await scene.shown_by_receipts() == {"RECEIPT-TRUNCATED"}
