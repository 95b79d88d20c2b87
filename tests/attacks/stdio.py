"""A server on stdio, asked one thing after the other; what it wrote, and where."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from house.house import META

SECONDS = 60


@dataclass(frozen=True)
class Spoken:
    returncode: int
    stdout: str
    stderr: str

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Every line of stdout; each must be a message of JSON-RPC."""
        found = [json.loads(line) for line in self.stdout.splitlines()]
        assert all(one["jsonrpc"] == "2.0" for one in found), self.stdout
        return found


def ask(
    command: Sequence[str],
    requests: Sequence[tuple[str, Mapping[str, Any]]],
    environment: Mapping[str, str] | None = None,
) -> Spoken:
    """Send requests with the ids 1, 2, …, each after the answer to the one before; then hang up."""
    heard = []
    with subprocess.Popen(
        [sys.executable, *command], env={**os.environ, **(environment or {})}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        for number, (method, params) in enumerate(requests, 1):
            document = {"jsonrpc": "2.0", "id": number, "method": method}
            process.stdin.write(json.dumps({**document, "params": {**params, "_meta": META}}))
            process.stdin.write("\n")
            process.stdin.flush()
            heard.append(process.stdout.readline())
        try:
            rest, errors = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return Spoken(process.returncode, "".join(heard) + rest, errors)
