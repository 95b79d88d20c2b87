"""Token buckets, kept as one number each: the moment at which the bucket will be full again.

A bucket of n tokens that fills in w seconds lets a call pass when that moment, moved on by what
the call takes, lies at most w ahead. In Valkey for all replicas, and in memory for one alone.
"""

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

import msgspec
from redis.exceptions import NoScriptError

from mcp_gateway.configuration.settings import Rate
from mcp_gateway.limits.valkey import Valkey

LOCAL_BUCKETS = 10_000

# KEYS: the bell, then buckets. ARGV: 1 to charge or 0 to ask, then for each bucket the seconds a
# full one takes to fill, and the seconds this call takes of it. Taken together or not at all.
# A moment too far ahead is from a clock that has stepped back: that bucket begins anew, empty.
# What is charged is owed for one window at most, so that no wait is longer than two.
# Answers the bell, milliseconds to wait, and which bucket is the emptiest (0: all taken).
SCRIPT = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) - 1735689600 + tonumber(clock[2]) / 1000000
local saved = redis.call('MGET', unpack(KEYS))
local bell = saved[1]
if not bell then
  bell = 'new ' .. clock[1] .. '.' .. clock[2]
  redis.call('SET', KEYS[1], bell)
end
local function keep(key, at)
  local left = math.max(math.ceil((at - now) * 1000), 1)
  redis.call('SET', key, string.format('%.9f', at), 'PX', left)
end
local charged, full, wait, empty = ARGV[1] == '1', {}, 0, 0
for i = 2, #KEYS do
  local window, takes = tonumber(ARGV[2 * i - 2]), tonumber(ARGV[2 * i - 1])
  local at = math.max(tonumber(saved[i]) or now, now)
  if at > now + 2 * window + 1 then
    at = now + window
    keep(KEYS[i], at)
  end
  at = at + takes
  local over = at - window - now
  if over > 0.000001 and over > wait then wait = over; empty = i - 1 end
  if charged then at = math.min(at, now + 2 * window) end
  full[i] = at
end
if charged or empty == 0 then
  for i = 2, #KEYS do
    keep(KEYS[i], full[i])
  end
end
return {bell, math.ceil(wait * 1000), empty}
"""

DIGEST = hashlib.sha1(SCRIPT.encode()).hexdigest()  # noqa: S324  the store's own name for a script


class Bucket(msgspec.Struct, frozen=True):
    """So many tokens to be taken of what this key holds."""

    key: str
    rate: Rate
    takes: int
    # how it is called when it is empty; "" for the tool's own name
    shown: str = ""
    # whether it counts calls, not what they cost
    calls: bool = False


ANY = Bucket("{mcp}:probe", Rate(calls=1_000_000, seconds=1.0), 1)


class Script:
    """The buckets all replicas share."""

    def __init__(self, valkey: Valkey, bell: str) -> None:
        self._bell = bell
        self._valkey = valkey

    async def take(self, buckets: Sequence[Bucket]) -> tuple[bytes, float, int]:
        """The bell, seconds to wait, and the number of the emptiest bucket; 0: all is taken."""
        bell, wait, empty = await self._run("0", buckets)
        return bell, wait / 1000, empty

    async def charge(self, buckets: Sequence[Bucket]) -> None:
        """Take also what is not there, as a debt of at most one window."""
        await self._run("1", buckets)

    async def _run(self, charged: str, buckets: Sequence[Bucket]) -> tuple[bytes, int, int]:
        arguments: list[str | float] = [charged]
        for one in buckets:
            window, takes = _seconds(one)
            arguments += (window, takes)
        keys = [self._bell, *(one.key for one in buckets)]
        command = ("EVALSHA", DIGEST, len(keys), *keys, *arguments)
        try:
            bell, wait, empty = await self._valkey.run(*command)
        except NoScriptError:  # a store that is new, or was emptied
            await self._valkey.run("SCRIPT LOAD", SCRIPT)
            bell, wait, empty = await self._valkey.run(*command)
        return bell, int(wait), int(empty)


class LocalBuckets:
    """A share of each bucket, for one replica alone; the longest unused are forgotten."""

    def __init__(self, share: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._clock = clock
        self._full: OrderedDict[str, float] = OrderedDict()

    def take(self, buckets: Sequence[Bucket]) -> tuple[float, int]:
        now, wait, empty = self._clock(), 0.0, 0
        taken: dict[str, float] = {}
        for number, one in enumerate(buckets, 1):
            window, takes = _seconds(one)
            each = takes / self._share
            # at least one call, however small the share
            held = max(window, each)
            at = max(self._full.get(one.key, now), now) + each
            over = at - held - now
            if over > 1e-6 and over > wait:
                wait, empty = over, number
            taken[one.key] = at
        if not empty:
            for key, at in taken.items():
                self._full[key] = at
                self._full.move_to_end(key)
            while len(self._full) > LOCAL_BUCKETS:
                self._full.popitem(last=False)
        return math.ceil(wait * 1000) / 1000, empty


def _seconds(bucket: Bucket) -> tuple[float, float]:
    """How long a full bucket takes to fill, and how much of that a call takes."""
    window = bucket.rate.seconds
    # what costs more than a bucket ever holds takes all of it
    return window, min(1.0, bucket.takes / bucket.rate.calls) * window
