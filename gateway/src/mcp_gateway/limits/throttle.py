"""Counts calls in Valkey: of a person, of a person with one tool, of an agent, of a server.

One script, one round trip, on the store's own clock, so that replicas share their limits; what
operators have closed is heard of on the same trip. A person's own rate for a tool counts calls;
the other three count tokens, of which a call takes its tool's cost, and afterwards what its answer
took beyond that. With Valkey away writes and expensive calls are refused (they could run
unlimited), cheap reads go on under this replica's share of the limits.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from redis.asyncio import Redis

from mcp_gateway.call import Answer, Call, Principal, Receipt
from mcp_gateway.configuration.settings import Limits, Rate
from mcp_gateway.limits.buckets import ANY, Bucket, LocalBuckets, Script
from mcp_gateway.limits.valkey import FAULTS, Valkey
from mcp_gateway.refusals import limited, unavailable
from mcp_gateway.rights.policy import Policy, Rule
from mcp_gateway.switches.live import BELL, Switches

log = logging.getLogger(__name__)

ANSWER_SECONDS = 0.25  # a store slower than this counts as away
AWAY_AFTER = 2  # failures in a row; then no call waits for the store until it answers again
PROBE_SECONDS = 0.5
UNKNOWN_RATE = Rate(calls=30, seconds=60)  # names that lead nowhere, per person
# one token beyond the first pays for so much
TOKEN_SECONDS = 1.0
TOKEN_BYTES = 262_144
MOST_CHARGED = 100  # tokens for one answer
CHARGES_UNDER_WAY = 100  # more than these are let go: charging must not become a load of its own


class Throttle(Protocol):
    async def __call__(self, principal: Principal, call: Call, rule: Rule | None) -> None:
        """Count one call.

        Raises:
            Refusal: over a limit, blocked by an operator, or uncountable and not cheap.

        """


class ValkeyThrottle:
    def __init__(
        self, redis: Redis, limits: Limits, policy: Callable[[], Policy], switches: Switches
    ) -> None:
        self._valkey = Valkey(redis, ANSWER_SECONDS)
        self._script = Script(self._valkey, BELL)
        self._person_rate = limits.person_rate
        self._policy = policy
        self._switches = switches
        self._local = LocalBuckets(1 / limits.replicas)
        self._failures = 0
        self._probe: asyncio.Task[None] | None = None
        self._charges: set[asyncio.Task[None]] = set()

    async def __call__(self, principal: Principal, call: Call, rule: Rule | None) -> None:
        buckets = self._buckets(principal, rule)
        counted = None if self.alone else await self._count(buckets)
        if counted is None:
            self._switches.check(principal, call.endpoint)
            self._alone(buckets, rule, call)
            return
        bell, wait, empty = counted
        await self._switches.heard(bell)
        self._switches.check(principal, call.endpoint)
        if empty:
            raise limited(wait, buckets[empty - 1].shown or _shown(call))

    def charge(self, receipt: Receipt, answer: Answer) -> None:
        """Take what the answer took beyond what was paid, later and from what is shared."""
        grant = receipt.grant
        seconds = time.perf_counter() - receipt.started
        used = max(seconds / TOKEN_SECONDS, answer.size / TOKEN_BYTES)
        more = min(MOST_CHARGED, math.ceil(used) - max(1, grant.rule.cost))
        if more <= 0 or self.alone or len(self._charges) >= CHARGES_UNDER_WAY:
            return
        shared = [one for one in self._buckets(grant.principal, grant.rule) if not one.calls]
        charged = [Bucket(one.key, one.rate, more, one.shown) for one in shared]
        task = asyncio.create_task(self._charge(charged))
        self._charges.add(task)
        task.add_done_callback(self._charges.discard)

    @property
    def alone(self) -> bool:
        """Whether this replica counts by itself, because the store is away."""
        return self._failures >= AWAY_AFTER

    async def aclose(self) -> None:
        under_way = {*self._charges, *([self._probe] if self._probe else [])}
        for task in under_way:
            task.cancel()
        if under_way:
            await asyncio.wait(under_way)
        await self._valkey.aclose()

    def _buckets(self, principal: Principal, rule: Rule | None) -> list[Bucket]:
        person = f"{{mcp}}:person:{principal.subject}"
        cost = rule.cost if rule else 1
        all_calls = Bucket(person, self._person_rate, cost, "this person's calls together")
        if rule is None:
            # these share one bucket, so that guessing is slow
            return [all_calls, Bucket(f"{person}:?", UNKNOWN_RATE, 1, calls=True)]
        own = Bucket(
            f"{person}:{rule.server}_{rule.name}", rule.rate_for(principal.roles), 1, calls=True
        )
        found = [all_calls, own]
        policy = self._policy()
        client = policy.client(principal.agent, service=principal.service)
        if client is not None and client.rate is not None:
            key = f"{{mcp}}:agent:{principal.agent}"
            found.append(Bucket(key, client.rate, cost, "this agent's calls for everybody"))
        rate = policy.server_rates.get(rule.server)
        if rate is not None:
            key = f"{{mcp}}:server:{rule.server}"
            found.append(Bucket(key, rate, cost, "this server's calls by everybody"))
        return found

    async def _count(self, buckets: Sequence[Bucket]) -> tuple[bytes, float, int] | None:
        """None when the store is away."""
        try:
            counted = await self._script.take(buckets)
        except FAULTS as error:
            self._failed(error)
            return None
        self._failures = 0
        return counted

    async def _charge(self, buckets: Sequence[Bucket]) -> None:
        try:
            await self._script.charge(buckets)
        except FAULTS as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if self._failures == 1:
            log.warning("limiter away", extra={"error": type(error).__name__})
        if self.alone and (self._probe is None or self._probe.done()):
            self._probe = asyncio.create_task(self._until_found())

    async def _until_found(self) -> None:
        """Ask until the store counts again: no call has to find out by waiting."""
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            try:
                await self._script.take([ANY])
            except FAULTS:
                continue
            self._failures = 0
            log.warning("limiter back")
            return

    def _alone(self, buckets: Sequence[Bucket], rule: Rule | None, call: Call) -> None:
        if rule is not None and (rule.kind == "write" or rule.cost > 1):
            raise unavailable(
                "limiter_unavailable",
                "Limits cannot be counted, so no writes and no expensive calls run.",
            )
        wait, empty = self._local.take(buckets)
        if empty:
            raise limited(wait, buckets[empty - 1].shown or _shown(call))


def _shown(call: Call) -> str:
    return call.name or call.method
