"""For whom a task is worked on, also after the request and the process that began it have gone."""

from dataclasses import asdict
from typing import Any

from mcp_types import ClientCapabilities

from mcp_shared.identity import Caller
from mcp_shared.tasks.run import Run
from mcp_shared.tasks.wire import MODERN


def owner(who: Caller) -> str:
    """Another client of the same person is another owner: it may have fewer rights."""
    return f"{who.subject}\n{who.agent}"


def written(who: Caller) -> dict[str, Any]:
    return {
        key: sorted(one) if isinstance(one, frozenset) else one for key, one in asdict(who).items()
    }


def remembered(found: dict[str, Any]) -> Caller:
    return Caller(
        subject=found["subject"],
        username=found["username"],
        name=found["name"],
        roles=frozenset(found["roles"]),
        groups=frozenset(found["groups"]),
        agent=found["agent"],
    )


class Quiet:
    """The session of work whose request may be over: nothing is said to anybody."""

    can_send_request = False

    def __init__(self, run: Run) -> None:
        self.client_capabilities = ClientCapabilities.model_validate(run.can)
        self.protocol_version = MODERN

    async def report_progress(self, *_: Any, **__: Any) -> None:
        pass

    async def send_log_message(self, *_: Any, **__: Any) -> None:
        pass
