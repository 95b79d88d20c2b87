"""People who call through the gateway, each with a token of their own: what they get, in how long.

Which calls is told by the demo.toml of each listed server and by its policy; no server and no
person is named here.
"""

import asyncio
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import httpx2

from mcp_gateway.configuration import settings
from mcp_gateway.rights import policy
from mcp_local.governed import CLIENT_ID, Call, calls_of
from mcp_local.load import Stack
from mcp_local.people import people
from mcp_playbook import wire
from mcp_shared.meta import FAULT, RECEIPT, REFUSED

TOKEN_SECONDS = 120  # of the 300 one lives
SECONDS = 40.0  # the longest a caller waits; above every tool's own time
MOST_WORDS = 300
PAUSE_SECONDS = 0.5  # below every rate


class NoSuchCallError(LookupError):
    """No demo.toml of a listed server has a call of the kind that a drill needs."""


@dataclass(frozen=True)
class Seen:
    """What one caller got. Status 0: nobody answered."""

    call: Call
    status: int
    code: str  # "ok", the code of a refusal, the number of a JSON-RPC error
    words: str
    milliseconds: float
    headers: Mapping[str, str] = field(default_factory=dict)
    receipt: Mapping[str, Any] | None = None
    # whether the code is the server's own word
    by_server: bool = False

    @property
    def ok(self) -> bool:
        return self.code == "ok"

    @property
    def arrived(self) -> bool:
        """The server answered, if only that it found nothing; no refusal on the way."""
        return self.status == 200 and self.by_server

    @property
    def brief(self) -> str:
        return f"{self.status or 'no connection'} {self.code}"

    def __str__(self) -> str:
        who = f"{self.call.person} {self.call.server}_{self.call.tool}".rstrip("_")
        return f"{who}: {self.brief} in {self.milliseconds:.0f} ms"


@dataclass
class Callers:
    stack: Stack
    http: httpx2.AsyncClient
    _tokens: dict[str, tuple[float, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, stack: Stack) -> Self:
        return cls(stack, httpx2.AsyncClient(timeout=SECONDS, trust_env=False))

    # --- which calls

    def calls(self, expect: str) -> list[Call]:
        every = (call for server in self.stack.plan.servers() for call in calls_of(server))
        return [call for call in every if call.expect == expect]

    def reads(self) -> list[Call]:
        """One cheap read for each server that has one, allowed."""
        rules = self._policy().rules
        found: dict[str, Call] = {}
        for call in self.calls("allowed"):
            rule = rules[call.server, "tool", call.tool]
            if rule.kind == "read" and rule.cost == 1:
                found.setdefault(call.server, call)
        if not found:
            raise NoSuchCallError("an allowed cheap read")
        return list(found.values())

    def write(self) -> Call | None:
        """A write, by somebody who may make it."""
        return self._found(lambda rule: rule.kind == "write")

    def costly(self) -> Call | None:
        """A read whose line in the policy has a cost."""
        return self._found(lambda rule: rule.kind == "read" and rule.cost > 1)

    def sealed(self) -> Call | None:
        """A call whose arguments are kept encrypted."""
        return self._found(lambda rule: rule.keep == "encrypted")

    def by_another(self, person: str) -> Call | None:
        """A cheap read by somebody else."""
        return self._found(lambda rule: rule.kind == "read" and rule.cost == 1, but=person)

    def _found(self, wanted: Callable[[policy.Rule], bool], but: str = "") -> Call | None:
        """A call of the demo, if need be by a person who may make it instead of one who may not."""
        rules = self._policy().rules
        for call in [*self.calls("allowed"), *self.calls("refused")]:
            rule = rules[call.server, "tool", call.tool]
            may = [
                person.username
                for person in people(self.stack.here.root)
                if rule.roles & set(person.role.split(", ")) and person.username != but
            ]
            if wanted(rule) and may:
                person = call.person if call.person in may else may[0]
                return call.model_copy(update={"person": person, "expect": "allowed"})
        return None

    def timeout(self, call: Call) -> float:
        return self._policy().rules[call.server, "tool", call.tool].timeout

    def _policy(self) -> policy.Policy:
        file = self.stack.here.root / "gateway" / "gateway.yaml"
        config = settings.load(file)
        listed = settings.servers(config, file)
        return policy.load(listed, file.parent / "agents.yaml", config.limits.timeout)

    # --- signing in

    @property
    def token_endpoint(self) -> str:
        return f"{self.stack.here.issuer}/protocol/openid-connect/token"

    async def sign_in(self, person: str) -> Mapping[str, Any]:
        """Access and refresh token of a new session."""
        password = (self.stack.here.secrets / "demo-password").read_text().strip()
        return await self.grant(
            "password", username=person, password=password, scope="openid aud:mcp"
        )

    async def grant(self, kind: str, **more: str) -> Mapping[str, Any]:
        """One answer of the token endpoint, whatever it says; `status` beside it."""
        form = {"grant_type": kind, "client_id": CLIENT_ID, **more}
        answer = await self.form(self.token_endpoint, form)
        return {"status": answer.status_code, **answer.json()}

    async def form(self, url: str, form: Mapping[str, str]) -> httpx2.Response:
        return await self.http.post(
            url, content=urllib.parse.urlencode(form),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )  # fmt: skip

    async def token(self, person: str) -> str:
        known = self._tokens.get(person)
        if known is None or known[0] < time.monotonic():
            made = str((await self.sign_in(person))["access_token"])
            known = self._tokens[person] = (time.monotonic() + TOKEN_SECONDS, made)
        return known[1]

    def forget(self) -> None:
        """Everybody signs in anew at the next call."""
        self._tokens.clear()

    # --- calling

    async def __call__(self, call: Call, token: str | None = None) -> Seen:
        bearer = await self.token(call.person) if token is None else token
        params = {"name": f"{call.server}_{call.tool}", "arguments": call.arguments}
        begun = time.perf_counter()
        reply = await self._post("tools/call", params, bearer)
        milliseconds = (time.perf_counter() - begun) * 1000
        if isinstance(reply, str):
            return Seen(call, 0, reply, "", milliseconds)
        code, meta = _code(reply)
        return Seen(
            call, reply.status, code, reply.words[:MOST_WORDS], milliseconds, reply.headers,
            receipt=meta.get(RECEIPT), by_server=not reply.error and REFUSED not in meta,
        )  # fmt: skip

    async def lists(self, person: str) -> wire.Reply | str:
        return await self._post("tools/list", {}, await self.token(person))

    async def _post(self, method: str, params: Mapping[str, Any], bearer: str) -> wire.Reply | str:
        """The answer, or what kind of failure it was that nobody answered."""
        headers = {
            "authorization": f"Bearer {bearer}", "content-type": "application/json",
            "accept": "application/json", "mcp-protocol-version": wire.MODERN,
            "mcp-method": method, **({"mcp-name": params["name"]} if "name" in params else {}),
        }  # fmt: skip
        body = wire.request(method, params, wire.MODERN, 1)
        try:
            answer = await self.http.post(
                f"{self.stack.here.gateway}/mcp", content=body, headers=headers
            )
        except httpx2.HTTPError as error:
            return type(error).__name__
        try:
            document = answer.json()
        except ValueError:
            document = {}
        return wire.Reply(answer.status_code, answer.headers, answer.text, document)

    async def until(self, wanted: Sequence[tuple[Call, str]], within: float) -> float | None:
        """Seconds until each call was answered with its code; None when it took longer."""
        begun = time.monotonic()
        waiting = list(wanted)
        while True:
            waiting = [(call, code) for call, code in waiting if (await self(call)).code != code]
            passed = time.monotonic() - begun
            if not waiting:
                return passed
            if passed > within:
                return None
            await asyncio.sleep(PAUSE_SECONDS)


def _code(reply: wire.Reply) -> tuple[str, Mapping[str, Any]]:
    if reply.error:
        data = reply.error.get("data")
        return str(reply.error.get("code")), data if isinstance(data, dict) else {}
    meta: dict[str, Any] = dict(reply.result.get("_meta") or {})
    if reply.works:
        return "ok", meta
    said = meta.get(REFUSED) or meta.get(FAULT) or {}
    return str(said.get("code", "tool_error")), meta
