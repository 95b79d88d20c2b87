"""The auditor's page: search, one record's proof, the newest blocks' state, an export.

Whoever reads here is on the record before anything is shown; cannot that be recorded, nothing is.
"""

import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg
from starlette.requests import Request
from starlette.responses import Response

from mcp_gateway.audit import reader
from mcp_gateway.audit.exports.export import export
from mcp_gateway.audit.exports.file import sink
from mcp_gateway.audit.keys import KeyFileError, load_public
from mcp_gateway.audit.lookup import verify_entry
from mcp_gateway.console import audit_proof, calls, wanted
from mcp_gateway.console.audit_state import state
from mcp_gateway.console.look import Clock, Look
from mcp_gateway.console.pages import place_of
from mcp_gateway.console.reader import LedgerAwayError, Reader
from mcp_gateway.console.session import Session
from mcp_gateway.console.sign_in import Event
from mcp_gateway.console.wanted import Wanted, WantedError
from mcp_gateway.definitions.catalogue import Catalogue
from mcp_gateway.refusals import Refusal

Page = Callable[[Request, Session], Awaitable[Response]]

EXPORT_RECORDS = 20_000  # the gateway serves calls meanwhile; more is the command line's
FAULTS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)

_COUNT = """
    SELECT coalesce(sum(count), 0)::bigint FROM audit.block WHERE seg_day BETWEEN $1 AND $2
"""


class Audit:
    def __init__(
        self, *, reader: Reader, reader_url: str, public_keys: Path | None, event: Event,
        catalogue: Catalogue, look: Look, clock: Clock,
    ) -> None:  # fmt: skip
        self._reader = reader
        self._url = reader_url
        self._public_keys = public_keys
        self._event = event
        self._catalogue = catalogue
        self._look = look
        self._clock = clock

    async def page(self, request: Request, session: Session) -> Response:
        asked = wanted.wanted(request.query_params)
        searched = bool(request.query_params)
        found = None
        if searched:
            await self._record("ledger_read", session, _said(asked))
            async with self._reader.snapshot() as connection:
                found = await calls.page(
                    connection, asked, now=self._clock(), servers=list(self._catalogue.servers)
                )
        return self._look.page(
            "audit.html",
            session=session,
            asked=asked,
            page=found,
            choices=wanted,
            tools=[
                f"{one.server}_{name}"
                for one in self._catalogue.servers.values()
                for name in one.tools
            ],
            state=await state(self._url, self._public_keys),
            today=self._clock().astimezone(UTC).date(),
            most=EXPORT_RECORDS,
        )

    def read(self, page: Page) -> Page:
        """A page that shows records whole: who opens one is on the record first."""

        async def recorded(request: Request, session: Session) -> Response:
            detail = {name: str(value) for name, value in request.path_params.items()}
            await self._record("ledger_read", session, detail)
            return await page(request, session)

        return recorded

    async def proof(self, request: Request, session: Session) -> Response:
        """One record's receipt and the path from it to the signed root."""
        day, segment, seq = place_of(request)
        detail = {"segment": str(segment), "seq": seq}
        await self._record("ledger_read", session, detail)
        if self._public_keys is None:
            raise WantedError("This console was started without the ledger's public key.")
        try:
            found = await verify_entry(self._url, load_public(self._public_keys), segment, seq)
        except KeyFileError as error:
            raise WantedError(str(error)) from error
        except FAULTS as error:
            raise LedgerAwayError from error
        if "download" in request.query_params and found.receipt is not None:
            name = f"receipt-{str(segment)[:8]}-{seq}.json"
            return _download(audit_proof.as_file(found.receipt), name, "application/json")
        return self._look.page(
            "audit_proof.html",
            200 if found.receipt else 409,
            session=session,
            address=f"/console/records/{day}/{segment}/{seq}",
            seq=seq,
            proof=audit_proof.shown(found),
        )

    async def export(self, request: Request, session: Session) -> Response:
        """Some days in one file, if it is little enough for a gateway that has calls to serve."""
        since, until = _day(request, "from"), _day(request, "to")
        if since > until:
            raise WantedError("The first day is after the last.")
        if self._public_keys is None:
            raise WantedError("This console was started without the ledger's public key.")
        days = {"since": since.isoformat(), "until": until.isoformat()}
        try:
            count = await self._count(since, until)
            if count > EXPORT_RECORDS:
                raise WantedError(
                    f"These days hold {count:,} records; here at most {EXPORT_RECORDS:,} are "
                    f"exported. On the gateway's machine: make audit-export FROM={since} TO={until}"
                )
            await self._record("ledger_export_begun", session, days)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"ledger-{since}-to-{until}.jsonl.zst"
                with sink(path) as out:
                    done = await export(
                        self._url, out, since=since, until=until,
                        trusted=load_public(self._public_keys),
                    )  # fmt: skip
                data, name = path.read_bytes(), path.name
        except KeyFileError as error:
            raise WantedError(str(error)) from error
        except FAULTS as error:
            raise LedgerAwayError from error
        await self._record("ledger_exported", session, days | asdict(done))
        return _download(data, name, "application/zstd")

    async def _count(self, since: date, until: date) -> int:
        async with reader.session(self._url) as connection:
            count: int = await connection.fetchval(_COUNT, since, until)
        return count

    async def _record(self, event: str, session: Session, detail: Mapping[str, Any]) -> None:
        who = {"by": session.person, "sub": session.subject, "where": "console"}
        try:
            await self._event(event, who | dict(detail))
        except Refusal as error:
            raise LedgerAwayError from error


def _said(asked: Wanted) -> dict[str, Any]:
    names = ("window", "show", "person", "tool", "decision", "status", "id")
    return {name: value for name in names if (value := getattr(asked, name))} | {
        "page": "next" if asked.before else "first"
    }


def _day(request: Request, name: str) -> date:
    try:
        return datetime.strptime(request.query_params.get(name, ""), "%Y-%m-%d").date()  # noqa: DTZ007
    except ValueError as error:
        raise WantedError("A day is written YYYY-MM-DD.") from error


def _download(data: bytes, name: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(data, media_type=kind, headers=headers)
