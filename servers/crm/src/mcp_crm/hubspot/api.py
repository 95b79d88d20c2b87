"""The CRM's API over HTTP: one pooled client, one deadline per tool call, no redirects.

Reads are tried again after 429, 5xx and lost connections; writes never are, because a write whose
answer is lost may have happened. While the CRM is down, or a limit is hit, nobody waits longer than
their own deadline allows. What the vendor says of a failure stays in the log: the model is told in
our words.
"""

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from mcp_crm.directory import OutcomeUnknown
from mcp_crm.hubspot.breaker import Breaker
from mcp_shared.faults import Unavailable

log = logging.getLogger(__name__)

ATTEMPTS = 4
MAX_ANSWER_BYTES = 8 * 1024 * 1024
LOOK_SECONDS = 2.0  # kept back from a write, to read what became of it
TRANSIENT = frozenset({429, 500, 502, 503, 504})
# seconds of the first pause at most, by the limit that was hit; doubled with every attempt
PAUSES: Mapping[str, float] = {"TEN_SECONDLY_ROLLING": 1.0, "SECONDLY": 0.4}
PAUSE = 0.15
LONGEST_PAUSE = 4.0
DAILY_SECONDS = 60.0  # the day's end is not said: asked again once a minute


class Rejected(Exception):  # noqa: N818  the API's own "no", for the adapter to interpret
    """A 4xx that is about this request: nothing was changed."""

    def __init__(self, status: int, category: str, codes: frozenset[str]) -> None:
        super().__init__(f"{status} {category}")
        self.status = status
        self.category = category
        self.codes = codes

    @property
    def taken(self) -> bool:
        """A value that must be unique is there already."""
        return self.status == 409 or "CONFLICTING_UNIQUE_VALUE" in self.codes


@dataclass(frozen=True, slots=True)
class _Answered:
    status: int
    headers: httpx.Headers
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Api:
    """The API for one tool call; `until` is its deadline on the event loop's clock."""

    client: httpx.AsyncClient
    base_url: str
    version: str
    until: float
    breaker: Breaker

    def path(self, area: str, *segments: str) -> str:
        """`/crm/<area>/<version>/<segments>`; a segment can never become two."""
        inside = "/".join(quote(segment, safe="") for segment in segments)
        return f"/crm/{area}/{self.version}/{inside}".rstrip("/")

    async def read(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> dict[str, Any]:
        """Ask until there is an answer or the time is up.

        Raises:
            Rejected: the request itself is refused.
            Unavailable: no answer in time.

        """
        for attempt in range(ATTEMPTS):
            pause = _jitter(PAUSE, attempt)
            await self._permitted(path, self._left())
            try:
                answer = await self._send(method, path, self._left(), params=params, json=json)
            except (httpx.TransportError, TimeoutError) as error:
                log.info("crm lost", extra={"code": type(error).__name__, "attempt": attempt})
            else:
                if answer.status not in TRANSIENT:
                    return self._accepted(answer)
                log.info("crm busy", extra={"code": answer.status, "attempt": attempt})
                if answer.status == 429:
                    pause = self._limited(answer, path, attempt)
            if pause >= self._left() or attempt == ATTEMPTS - 1:
                break
            await asyncio.sleep(pause)
        raise _unavailable()

    async def write(self, method: str, path: str, json: Any) -> dict[str, Any]:
        """Send once.

        Raises:
            Rejected: refused, nothing changed.
            Unavailable: not taken on, nothing changed.
            OutcomeUnknown: sent, and no answer came.

        """
        await self._permitted(path, self._left() - LOOK_SECONDS)
        seconds = self._left() - LOOK_SECONDS
        if seconds <= 0:
            raise _unavailable()
        try:
            answer = await self._send(method, path, seconds, json=json)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise _unavailable() from error
        except (httpx.TransportError, TimeoutError) as error:
            log.warning("crm write lost", extra={"code": type(error).__name__})
            raise OutcomeUnknown from error
        if answer.status == 429:  # the limiter stands in front of the write
            self._limited(answer, path, 0)
            raise _unavailable()
        if answer.status >= 500:
            log.warning("crm write lost", extra={"code": answer.status})
            raise OutcomeUnknown
        return self._accepted(answer)

    async def _permitted(self, path: str, seconds: float) -> None:
        """Wait for a limit to be over, if there is time; refuse at once while the CRM is down."""
        if (closed := self.breaker.refuses()) > 0:
            raise _unavailable(closed)
        held = self.breaker.held(search=path.endswith("/search"))
        if held >= seconds:
            raise _unavailable(held)
        if held:
            # a little later, so that many waiting do not return in one instant
            await asyncio.sleep(min(held + _jitter(PAUSE, 0), seconds))

    def _limited(self, answer: _Answered, path: str, attempt: int) -> float:
        """Seconds to wait after a 429; what everyone has to wait for is noted."""
        search, policy = path.endswith("/search"), str(answer.document.get("policyName"))
        asked = answer.headers.get("Retry-After", "")
        if asked.isascii() and asked.isdigit() and len(asked) < 6:
            self.breaker.limited(float(asked), search=search and policy == "SECONDLY")
            return float(asked)
        if policy == "DAILY":
            self.breaker.limited(DAILY_SECONDS, search=False)
            return DAILY_SECONDS
        return _jitter(PAUSES.get(policy, PAUSE), attempt)

    def _left(self) -> float:
        return self.until - asyncio.get_running_loop().time()

    async def _send(
        self,
        method: str,
        path: str,
        seconds: float,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> _Answered:
        if seconds <= 0:
            raise _unavailable()
        content = None if json is None else orjson.dumps(json)
        headers = {"Content-Type": "application/json"} if content is not None else {}
        request = self.client.build_request(
            method, self.base_url + path, params=params, content=content, headers=headers
        )
        # the last look before the token leaves
        if not str(request.url).startswith(f"{self.base_url}/crm/"):
            raise ValueError("a request would leave the CRM")
        try:
            answer = await self._received(request, seconds)
        except (httpx.TransportError, TimeoutError):
            self.breaker.failed()
            raise
        if answer.status in TRANSIENT and answer.status != 429:
            self.breaker.failed()
        else:
            self.breaker.answered()
        return answer

    async def _received(self, request: httpx.Request, seconds: float) -> _Answered:
        async with asyncio.timeout(seconds):
            response = await self.client.send(request, stream=True)
            try:
                received = bytearray()
                async for chunk in response.aiter_bytes():
                    received += chunk
                    if len(received) > MAX_ANSWER_BYTES:
                        raise httpx.ReadError("the answer is too large")
            finally:
                await response.aclose()
        return _Answered(response.status_code, response.headers, _document(bytes(received)))

    def _accepted(self, answer: _Answered) -> dict[str, Any]:
        if 200 <= answer.status < 300:
            return answer.document
        category = str(answer.document.get("category", ""))[:64]
        errors = answer.document.get("errors")
        codes = frozenset(
            str(error.get("code", ""))[:64]
            for error in (errors if isinstance(errors, list) else [])
            if isinstance(error, dict)
        )
        log.info(
            "crm refused",
            extra={
                "code": answer.status,
                "category": category,
                "correlation": str(answer.document.get("correlationId", ""))[:64],
            },
        )
        if answer.status in {401, 403} or answer.status < 400:
            raise Unavailable(
                "The CRM does not accept this server.",
                instead="Nothing you can change helps: tell the operator of the CRM server.",
            )
        raise Rejected(answer.status, category, codes)


def _jitter(longest: float, attempt: int) -> float:
    """Full jitter: anything up to a ceiling that doubles with every attempt."""
    return random.uniform(0, min(LONGEST_PAUSE, longest * 2**attempt))  # noqa: S311


def _document(received: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(received) if received else {}
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _unavailable(seconds: float = 60.0) -> Unavailable:
    return Unavailable(
        "The CRM does not answer at the moment.",
        instead=f"Try again in {max(1, round(seconds))} seconds; this call changed nothing.",
    )
