"""What is answered without a record: it shows only what the person may use, and changes nothing.

Tool and prompt lists, discovery and changes come from the pinned catalogue. Resource lists and
completion differ per person, so they are asked of the servers, in the person's name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from mcp_gateway.call import AGGREGATE, Answer, Call, Emit, Grant, Principal, Raw
from mcp_gateway.listing import completion, discovery, lists
from mcp_gateway.listing.listening import METHOD as LISTEN
from mcp_gateway.listing.listening import Listening
from mcp_gateway.protocol import level_of
from mcp_gateway.refusals import INVALID_PARAMS, malformed, unknown_method
from mcp_gateway.rights.authorize import authorize, known, listing, seek
from mcp_gateway.rights.policy import Policy
from mcp_gateway.steps import Steps

RESOURCE_LISTS = {"resources/list": "resources", "resources/templates/list": "resourceTemplates"}


@dataclass
class Aside:
    steps: Steps
    cursors: lists.Cursors
    listening: Listening
    # refuses whom an operator has blocked; calls hear of it from the throttle
    admits: Callable[[Principal, str], None]

    async def __call__(self, call: Call, principal: Principal, emit: Emit | None) -> Answer:
        policy = self.steps.policy()
        self.admits(principal, call.endpoint)
        person = known(principal, policy)
        if lists.is_list(call.method):
            return _local(lists.pinned_list(call, person, policy, self.steps.catalogue))
        if call.method in RESOURCE_LISTS:
            return await self._resources(call, person, policy)
        if call.method == completion.METHOD:
            return await self._completed(call, person, policy)
        if call.era == "legacy":
            return self._legacy(call, person, policy)
        if call.method == "server/discover":
            text = self._instructions(call, person, policy)
            return _local(discovery.discover(self.steps.catalogue, call, text))
        if call.method == LISTEN:
            return await self.listening(call, principal, emit)
        raise unknown_method(call.era)

    def _legacy(self, call: Call, person: Principal, policy: Policy) -> Answer:
        if call.method == "initialize":
            text = self._instructions(call, person, policy)
            return _local(discovery.initialize(self.steps.catalogue, call, text))
        if call.method == "ping":
            return _local({})
        if call.method == "logging/setLevel":
            # nothing is remembered between requests: calls log at one level (outgoing.py)
            level_of(_decoded(call.params.get("level")))
            return _local({})
        raise unknown_method(call.era)

    def _instructions(self, call: Call, person: Principal, policy: Policy) -> str:
        return discovery.instructions(
            self.steps.catalogue,
            call.endpoint,
            lambda server: lists.sees_server(policy, person, server),
        )

    async def _resources(self, call: Call, principal: Principal, policy: Policy) -> Answer:
        """One page of one server, asked in the person's name; the cursor may lead to the next."""
        servers = lists.resource_servers(call.endpoint, principal, policy, self.steps.catalogue)
        key = RESOURCE_LISTS[call.method]
        if not servers:
            return _local(lists.complete(call, {key: []}))
        server, cursor = servers[0], lists.cursor_of(call)
        if cursor is not None and call.endpoint == AGGREGATE:
            server, cursor = self.cursors.open(principal, call.method, cursor)
            if server not in servers:
                raise malformed("Unknown cursor.", rpc=INVALID_PARAMS)
        grant = listing(principal, lists.from_cursor(call, cursor), policy, server)
        await self.steps.throttle(principal, call, grant.rule)
        answer = await self.steps.forward(self.steps.record.exempt(grant))
        if answer.result is None:
            return answer
        page: dict[str, Any] = {key: answer.result.get(key, [])}
        following = lists.next_cursor(answer.result)
        if call.endpoint == AGGREGATE:
            after = [*servers[servers.index(server) + 1 :], None][0]
            following = self.cursors.following(principal, call.method, server, following, after)
        if following is not None:
            page["nextCursor"] = following
        return _local(lists.complete(call, page))

    async def _completed(self, call: Call, principal: Principal, policy: Policy) -> Answer:
        """Suggestions of the server, for whoever may use what is being filled in."""
        if not any(pinned.completions for pinned in self.steps.catalogue.on(call.endpoint)):
            raise unknown_method(call.era)
        use = completion.about(call)
        sought = seek(principal, use, policy, self.steps.catalogue)
        counted = completion.counted(sought.counted) if sought.counted else None
        await self.steps.throttle(principal, call, counted)  # guessing names is counted here, too

        def decide() -> Grant:
            return authorize(principal, use, sought, self.steps.catalogue)

        if not self.steps.catalogue.servers[decide().server].completions:
            return _local(completion.NOTHING)
        grant = await self.steps.granted(decide)
        answer = await self.steps.forward(
            self.steps.record.exempt(completion.asked_of_server(call, grant))
        )
        if answer.result is None:
            return answer
        return _local({**completion.NOTHING, **_only(answer.result, "completion")})


def _only(result: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return {key: result[key]} if key in result else {}


def _decoded(raw: Raw | None) -> object:
    return None if raw is None else msgspec.json.decode(raw)


def _local(result: Mapping[str, Any]) -> Answer:
    return Answer(status="ok", result=result)
