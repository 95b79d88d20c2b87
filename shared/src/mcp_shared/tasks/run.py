"""The task a piece of code runs in, as that code sees it: a key for what it repeats, and questions.

`running()` is None in a plain call. A tool that may become a task has a `Run` from its first moment
on, for what it may take differs; whether it became one it need not know.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import MISSING_REQUIRED_CLIENT_CAPABILITY

from mcp_shared.tasks.terms import Terms

# what a client must have said it can, for each kind of question
KINDS = {
    "elicitation/create": "elicitation",
    "sampling/createMessage": "sampling",
    "roots/list": "roots",
}

Asked = Callable[["Run", Mapping[str, Any]], Awaitable[None]]


@dataclass(eq=False)
class Run:
    """One attempt at one task. `key` is the same in every attempt: an idempotency key for what
    the tool changes elsewhere.
    """

    key: str
    terms: Terms
    # the client's capabilities, as it declared them with the call
    can: Mapping[str, Any]
    slots: asyncio.Semaphore
    asked: Asked
    attempts: int = 1
    attempt: int = 1
    answers: dict[str, Any] = field(default_factory=dict)
    # it cannot be answered as a plain call any more
    handoff: asyncio.Event = field(default_factory=asyncio.Event)
    kept: asyncio.Event = field(default_factory=asyncio.Event)
    _answered: asyncio.Event = field(default_factory=asyncio.Event)
    _questions: int = 0

    async def ask(self, requests: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Put questions to the client, all at once; each one's answer, by its name.

        In a further attempt, what was answered before is not asked again.

        Raises:
            MCPError: the client has not said that it can answer such a thing.

        """
        for request in requests.values():
            if (kind := KINDS[request["method"]]) not in self.can:
                raise MCPError(
                    MISSING_REQUIRED_CLIENT_CAPABILITY,
                    "This needs an answer that the client has not declared it can give.",
                    data={"requiredCapabilities": {kind: {}}},
                )
        self._questions += 1
        keys = {name: f"{self._questions}-{name}" for name in requests}
        if any(key not in self.answers for key in keys.values()):
            self.handoff.set()
            await self.kept.wait()
            await self.asked(self, {keys[name]: dict(one) for name, one in requests.items()})
            async with self._aside():
                while any(key not in self.answers for key in keys.values()):
                    self._answered.clear()
                    await self._answered.wait()
        return {name: self.answers[key] for name, key in keys.items()}

    def hear(self, answers: Mapping[str, Any]) -> None:
        if answers.keys() - self.answers.keys():
            self.answers.update(answers)
            self._answered.set()

    @contextlib.asynccontextmanager
    async def _aside(self) -> AsyncIterator[None]:
        """Who waits for a person works on nothing."""
        self.slots.release()
        try:
            yield
        finally:
            await self.slots.acquire()


_running: ContextVar[Run | None] = ContextVar("running_task", default=None)


def running() -> Run | None:
    """The task this code runs in, or may become one; None in a plain call."""
    return _running.get()


def begin(run: Run) -> None:
    """For this context, from now on."""
    _running.set(run)
