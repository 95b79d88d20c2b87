"""Slows down those who are turned away at the door again and again, by address and in memory.

Only what was refused counts, so nobody who calls rightly is ever slowed; and a token that was
verified before passes, so that one noisy machine does not lock out its whole office. The address
is the connection's own, or the one that the configured number of proxies vouch for; whatever else
a header says of it is a claim.
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from starlette.types import Scope

from mcp_gateway.call import Principal
from mcp_gateway.configuration.settings import Rate
from mcp_gateway.refusals import INVALID_REQUEST, Refusal

MOST_REMEMBERED = 10_000
NETWORK_BITS = 64  # of an IPv6 address: one customer has all the rest
CODE = "too_many_refused"
# a fault of ours is not the caller's
CALLERS_FAULT = range(400, 500)


class Floods:
    def __init__(
        self,
        rate: Rate,
        proxies: int,
        knows: Callable[[list[str]], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._each = rate.seconds / rate.calls
        self._window = rate.seconds
        self._proxies = proxies
        # whether Authorization headers hold a token verified before
        self._knows = knows
        self._clock = clock
        # when each one's bucket is full again, and who has been told that theirs is empty
        self._full: OrderedDict[str, float] = OrderedDict()
        self._told: set[str] = set()

    def admit(self, scope: Scope) -> None:
        """Let the request in, unless its address was refused too often and it is a stranger's.

        Raises:
            Refusal: 429, with the seconds to wait.

        """
        if not self._full:
            return
        wait = self._wait(address(scope, self._proxies))
        if wait > 0 and not self._knows(_authorization(scope)):
            raise _too_many(wait)

    def admit_person(self, principal: Principal) -> None:
        """Let a known person in, unless they themselves were refused too often.

        Raises:
            Refusal: 429, with the seconds to wait.

        """
        if self._full and (wait := self._wait(principal.subject)) > 0:
            raise _too_many(wait)

    def count(self, refusal: Refusal, scope: Scope, principal: Principal | None) -> bool:
        """Count one who was turned away; False when there is nothing new to tell of it."""
        key = principal.subject if principal else address(scope, self._proxies)
        if refusal.code == CODE:
            new = key not in self._told
            self._told.add(key)
            return new
        if refusal.http not in CALLERS_FAULT:
            return True
        now = self._clock()
        at = max(self._full.pop(key, now), now) + self._each
        self._full[key] = min(at, now + self._window)
        self._told.discard(key)
        while len(self._full) > MOST_REMEMBERED:
            self._told.discard(self._full.popitem(last=False)[0])
        return True

    def forget(self) -> None:
        self._full.clear()
        self._told.clear()

    def _wait(self, key: str) -> float:
        at = self._full.get(key)
        return 0.0 if at is None else at + self._each - self._window - self._clock()


def address(scope: Scope, proxies: int) -> str:
    """Of the client, as the outermost trusted proxy saw it; IPv6 by its network."""
    client: Any = scope.get("client")
    peer = str(client[0]) if client else ""
    if proxies:
        hops = [
            hop.strip()
            for key, value in scope["headers"]
            if key == b"x-forwarded-for"
            for hop in value.decode("latin-1").split(",")
        ]
        # fewer than there are proxies: somebody came past one of them
        if len(hops) >= proxies and (found := _network(hops[-proxies])):
            return found
    return _network(peer) or peer


def _network(text: str) -> str | None:
    """Also as some proxies write it, with a port."""
    bare = text[1:].partition("]")[0] if text.startswith("[") else text
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ipaddress.ip_address(bare)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), NETWORK_BITS), strict=False))


def _authorization(scope: Scope) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == b"authorization"]


def _too_many(wait: float) -> Refusal:
    seconds = max(1, math.ceil(wait))
    return Refusal(
        CODE,
        f"Too many requests from here were refused. Try again in {seconds} s.",
        http=429,
        rpc=INVALID_REQUEST,
        headers=(("Retry-After", str(seconds)),),
        decision="limit",
        retry_after=wait,
    )
