"""Counts calls per person, and per person and tool, in Valkey: one script, one round trip.

Token buckets on the store's own clock, so that replicas share one limit. With Valkey away, writes
are refused (they could run unlimited), cheap reads go on under this replica's local share.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from typing import Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from mcp_gateway.call import Call, Principal
from mcp_gateway.policy import Rule
from mcp_gateway.refusals import limited, unavailable
from mcp_gateway.settings import Rate

log = logging.getLogger(__name__)

ANSWER_SECONDS = 0.25  # a store slower than this counts as away
LOCAL_SHARE = 0.5  # of a limit, for one replica alone
LOCAL_BUCKETS = 10_000

# Two buckets, taken together or not at all: returns seconds to wait (0 = taken), which is empty.
SCRIPT = """
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
local left, wait, empty = {}, 0, 0
for i = 1, 2 do
  local rate, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local saved = redis.call('HMGET', KEYS[i], 't', 'n')
  local tokens = tonumber(saved[2]) or burst
  tokens = math.min(burst, tokens + math.max(0, at - (tonumber(saved[1]) or at)) * rate)
  left[i] = tokens
  if tokens < 1 and (1 - tokens) / rate > wait then wait = (1 - tokens) / rate; empty = i end
end
for i = 1, 2 do
  local rate, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  if wait == 0 then left[i] = left[i] - 1 end
  redis.call('HSET', KEYS[i], 't', string.format('%.6f', at), 'n', string.format('%.6f', left[i]))
  redis.call('EXPIRE', KEYS[i], math.ceil(burst / rate) + 1)
end
return {string.format('%.3f', wait), empty}
"""


class Throttle(Protocol):
    async def __call__(self, principal: Principal, call: Call, rule: Rule | None) -> None:
        """Count one call.

        Raises:
            Refusal: over a limit, or uncountable and not cheap.

        """


class ValkeyThrottle:
    def __init__(self, redis: Redis, person_rate: Rate, unknown_rate: Rate) -> None:
        self._redis = redis
        self._script = redis.register_script(SCRIPT)
        self._person_rate = person_rate
        # names that lead nowhere share one bucket, so that guessing is slow
        self._unknown_rate = unknown_rate
        self._local: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, principal: Principal, call: Call, rule: Rule | None) -> None:
        if rule is None:
            what, rate = "?", self._unknown_rate
        else:
            what, rate = f"{rule.server}_{rule.name}", rule.rate_for(principal.roles)
        person = f"mcp:{{{principal.subject}}}"
        keys = [person, f"{person}:{what}"]
        arguments = [
            self._person_rate.per_second, self._person_rate.calls, rate.per_second, rate.calls,
        ]  # fmt: skip
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                wait, empty = await self._script(keys=keys, args=arguments)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("limiter away", extra={"error": type(error).__name__})
            self._without_store(keys[1], rate, rule, call)
            return
        if int(empty) > 0:
            shown = "this person's calls together" if int(empty) == 1 else call.name or call.method
            raise limited(float(wait), shown)

    def _without_store(self, key: str, rate: Rate, rule: Rule | None, call: Call) -> None:
        if rule is not None and rule.kind == "write":
            raise unavailable("limiter_unavailable", "Limits cannot be counted, so no writes run.")
        now, burst = time.monotonic(), max(1.0, rate.calls * LOCAL_SHARE)
        at, tokens = self._local.pop(key, (now, burst))
        tokens = min(burst, tokens + (now - at) * rate.per_second * LOCAL_SHARE)
        self._local[key] = (now, tokens - 1 if tokens >= 1 else tokens)
        if len(self._local) > LOCAL_BUCKETS:
            self._local.popitem(last=False)
        if tokens < 1:
            raise limited((1 - tokens) / (rate.per_second * LOCAL_SHARE), call.name or call.method)
