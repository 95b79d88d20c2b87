"""What the issuer remembers: codes, sign-ins, sessions, used assertions. All of it expires.

In memory only: a restart signs everyone out, while tokens already issued stay good until they
expire.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sandbox_idp.realm import Lifetimes, Lockout

V = TypeVar("V")
Clock = Callable[[], float]


class Expiring(Generic[V]):
    """A map whose entries expire; full, it forgets the oldest."""

    def __init__(self, clock: Clock, seconds: float, *, most: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._entries: dict[str, tuple[float, V]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, key: str, value: V) -> None:
        self._entries.pop(key, None)  # a fresh insertion keeps the order by expiry
        self._entries[key] = (self._clock() + self._seconds, value)
        while self._entries and (
            len(self._entries) > self._most or self._first_expiry() <= self._clock()
        ):
            del self._entries[next(iter(self._entries))]

    def get(self, key: str) -> V | None:
        expires, value = self._entries.get(key, (0.0, None))
        return value if expires > self._clock() else None

    def pop(self, key: str) -> V | None:
        value = self.get(key)
        self._entries.pop(key, None)
        return value

    def _first_expiry(self) -> float:
        return next(iter(self._entries.values()))[0]


@dataclass(frozen=True)
class Code:
    """An authorization code's terms."""

    client_id: str
    redirect_uri: str
    scope: str
    resource: str | None
    nonce: str | None
    code_challenge: str
    code_challenge_method: str
    username: str
    sid: str
    signed_in: int

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass(frozen=True)
class Session:
    """One sign-in at one client; `refresh` is the only refresh token that still works."""

    sid: str
    client_id: str
    username: str
    scope: str
    resource: str | None
    signed_in: int
    refresh: str


@dataclass
class Attempts:
    """Wrong passwords per known user name, so that its size is the realm's."""

    rule: Lockout | None
    clock: Clock
    failed: dict[str, tuple[int, float]] = field(default_factory=dict)

    def closed(self, username: str) -> bool:
        if self.rule is None:
            return False
        count, last = self.failed.get(username, (0, 0.0))
        return count >= self.rule.failures and self.clock() - last < self.rule.wait

    def failure(self, username: str) -> None:
        count, last = self.failed.get(username, (0, 0.0))
        stale = self.rule is not None and self.clock() - last > self.rule.forget
        self.failed[username] = (1 if stale else count + 1, self.clock())

    def success(self, username: str) -> None:
        self.failed.pop(username, None)


class Memory:
    """Everything above, with the realm's lifetimes."""

    def __init__(self, lifetimes: Lifetimes, lockout: Lockout | None, clock: Clock) -> None:
        self.clock = clock
        self.attempts = Attempts(lockout, clock)
        self.codes: Expiring[Code] = Expiring(clock, lifetimes.code, most=10_000)
        self.spent_codes: Expiring[str] = Expiring(clock, lifetimes.access_token, most=10_000)
        self.sessions: Expiring[Session] = Expiring(clock, lifetimes.session_idle, most=10_000)
        self.ended: Expiring[bool] = Expiring(clock, lifetimes.session_max, most=100_000)
        self.revoked: Expiring[bool] = Expiring(clock, lifetimes.access_token, most=100_000)
        self.assertions: Expiring[bool] = Expiring(clock, 660, most=200_000)

    def end(self, sid: str) -> None:
        """Sign out: the refresh token and every access token of this session are dead."""
        self.sessions.pop(sid)
        self.ended.put(sid, True)
