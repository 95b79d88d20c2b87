"""What an operator sees. Each page reads one snapshot of the ledger, or none."""

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from mcp_gateway.call import AGGREGATE
from mcp_gateway.console import calls, wanted
from mcp_gateway.console.calls import Record
from mcp_gateway.console.closed import shut, shut_in
from mcp_gateway.console.connect import configurations
from mcp_gateway.console.look import Clock, Look
from mcp_gateway.console.matrix import matrix
from mcp_gateway.console.overview import overview
from mcp_gateway.console.reader import Reader
from mcp_gateway.console.sealed import verdict
from mcp_gateway.console.session import Session
from mcp_gateway.console.wanted import WantedError
from mcp_gateway.definitions.catalogue import Catalogue
from mcp_gateway.listing.discovery import path_of, scope_of
from mcp_gateway.rights.policy import Policy

# a long window reads the whole ledger of it, on the database that every call waits for
REFRESH = {"1h": "15s", "24h": "60s", "7d": "300s"}


class Pages:
    def __init__(
        self,
        *,
        public_url: str,
        reader: Reader,
        reader_url: str,
        public_keys: Path | None,
        policy: Callable[[], Policy],
        catalogue: Catalogue,
        look: Look,
        clock: Clock,
    ) -> None:
        self._public_url = public_url
        self._reader = reader
        self._reader_url = reader_url
        self._public_keys = public_keys
        self._policy = policy
        self._catalogue = catalogue
        self._look = look
        self._clock = clock

    async def overview(self, request: Request, session: Session) -> Response:
        window = wanted.window_of(request.query_params)
        known = [
            (one.server, name) for one in self._catalogue.servers.values() for name in one.tools
        ]
        started = time.perf_counter()
        async with self._reader.snapshot() as connection:
            found = await overview(
                connection, now=self._clock(), window=wanted.WINDOWS[window], known=known
            )
            closed = [one for one in await shut_in(connection) if one.closes]
        called = {(tool.server, tool.name) for tool in found.tools}
        return self._look.page(
            "overview.html",
            session=session,
            found=found,
            window=window,
            choices=wanted.OVERVIEW_WINDOWS,
            refresh=REFRESH[window],
            policy=self._policy(),
            quiet=[f"{server}_{name}" for server, name in known if (server, name) not in called],
            pinned=len(known),
            servers=len(self._catalogue.servers),
            drifted=sorted(self._catalogue.drifted),
            closed=closed,
            read_ms=(time.perf_counter() - started) * 1000,
            now=self._clock(),
        )

    async def calls(self, request: Request, session: Session) -> Response:
        asked = wanted.wanted(request.query_params)
        async with self._reader.snapshot() as connection:
            page = await calls.page(
                connection, asked, now=self._clock(), servers=list(self._catalogue.servers)
            )
        return self._look.page(
            "calls.html",
            session=session,
            asked=asked,
            page=page,
            choices=wanted,
            tools=[
                f"{one.server}_{name}"
                for one in self._catalogue.servers.values()
                for name in one.tools
            ],
        )

    async def call(self, request: Request, session: Session) -> Response:
        rid = request.path_params["rid"]
        async with self._reader.snapshot() as connection:
            records = await calls.records_of(connection, str(rid))
        return self._records(session, f"Call {rid}", records)

    async def record(self, request: Request, session: Session) -> Response:
        day, segment, seq = place_of(request)
        async with self._reader.snapshot() as connection:
            found = await calls.record_at(connection, day, segment, seq)
        return self._records(session, f"Record {seq}", (found,) if found else ())

    async def verify(self, request: Request, session: Session) -> Response:
        _, segment, seq = place_of(request)
        found = await verdict(self._reader_url, self._public_keys, segment, seq)
        return self._look.page(
            "verify.html", session=session, verdict=found, path=request.url.path, seq=seq
        )

    async def policy(self, _: Request, session: Session) -> Response:
        found = matrix(self._policy(), self._catalogue)
        closed = await shut(self._reader)
        return self._look.page("policy.html", session=session, matrix=found, closed=closed)

    async def connect(self, request: Request, session: Session) -> Response:
        endpoint = request.query_params.get("endpoint", AGGREGATE)
        if endpoint != AGGREGATE and endpoint not in self._catalogue.servers:
            raise WantedError("There is no such endpoint here.")
        url = self._public_url + path_of(endpoint)
        return self._look.page(
            "connect.html",
            session=session,
            endpoint=endpoint,
            endpoints=[AGGREGATE, *self._catalogue.servers],
            url=url,
            scope=scope_of(endpoint),
            configurations=configurations(url, endpoint or "gateway", scope_of(endpoint)),
        )

    def _records(self, session: Session, title: str, records: tuple[Record, ...]) -> Response:
        if not records:
            return self._look.page(
                "notice.html", 404, title="Not in the ledger",
                text="No record has this address. It may be older than what the ledger keeps.",
                session=session, again=False,
            )  # fmt: skip
        return self._look.page(
            "records.html",
            session=session,
            title=title,
            records=records,
            last=records[-1].line,
            full=len(records) >= calls.RECORDS_OF_CALL,
        )


def place_of(request: Request) -> tuple[date, UUID, int]:
    given = request.path_params
    if not 0 < given["seq"] < 2**63:
        raise WantedError("There is no record of this number.")
    try:
        return date.fromisoformat(given["day"]), given["segment"], given["seq"]
    except ValueError as error:
        raise WantedError("A record's address begins with its day, YYYY-MM-DD.") from error
