"""What a task ended with goes on the record when it is first read, and once.

A read claims that in Valkey, records, and leaves its receipt there; later reads of the same task
get the same receipt. A replica that is lost in between lets its claim run out. With Valkey away
every read is recorded: twice is better than never.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any

from mcp_gateway.limits.valkey import FAULTS, Valkey

log = logging.getLogger(__name__)

CLAIM_MS = 10_000
TRIES, PAUSE_SECONDS = 20, 0.1  # while another replica records
CLAIMED = b"claimed"


class TaskReads:
    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    async def recorded(self, task_id: str) -> Mapping[str, Any] | None:
        """The receipt of the record there is; None: make one, then `keep` it."""
        key = _key(task_id)
        try:
            for _ in range(TRIES):
                if await self._valkey.run("SET", key, CLAIMED, "NX", "PX", CLAIM_MS):
                    return None
                found = await self._valkey.run("GET", key)
                if found is not None and found != CLAIMED:
                    receipt: Mapping[str, Any] = json.loads(found)
                    return receipt
                await asyncio.sleep(PAUSE_SECONDS)
        except FAULTS as error:
            log.warning("reads unknown", extra={"error": type(error).__name__})
        return None

    async def keep(self, task_id: str, receipt: Mapping[str, Any], seconds: float) -> None:
        try:
            value = json.dumps(receipt)
            await self._valkey.run("SET", _key(task_id), value, "EX", max(1, int(seconds)))
        except FAULTS as error:
            log.warning("read not kept", extra={"error": type(error).__name__})


def _key(task_id: str) -> str:
    """Not the id itself: whoever reads the store finds none."""
    return f"{{mcp}}:task:{hashlib.sha256(task_id.encode()).hexdigest()}"
