"""Hosts as people install them, in a home of their own: their command lines, and their sign-in."""

import json
import os
import pty
import re
import select
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SIGN_IN = re.compile(rb"https?://[^\s\x07\x1b\"]+/auth\?[^\s\x07\x1b\"]+")
COMMAND_SECONDS, SIGN_IN_SECONDS = 60, 60


@dataclass(frozen=True)
class Program:
    """A host's command line; it sees nothing of this machine's own accounts and settings."""

    binary: Path
    home: Path
    settings: Mapping[str, str]

    @property
    def project(self) -> Path:
        folder = self.home / "project"
        folder.mkdir(exist_ok=True)
        return folder

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/bin:/bin", "HOME": str(self.home), "BROWSER": "true", "TERM": "xterm",
            "NO_PROXY": "localhost,127.0.0.1", **self.settings,
        }  # fmt: skip

    def __call__(self, *words: str) -> str:
        """What it says, once it has done what was asked."""
        done = subprocess.run(
            [str(self.binary), *words], env=self._environment(), cwd=self.project,
            check=False, capture_output=True, text=True, timeout=COMMAND_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def served(self, words: list[str], *messages: dict[str, Any]) -> dict[str, Any]:
        """A command that answers JSON-RPC on its streams: its answer to the last of these."""
        process = subprocess.Popen(
            [str(self.binary), *words], env=self._environment(), cwd=self.project,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        too_long = threading.Timer(COMMAND_SECONDS, process.kill)
        too_long.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            for message in messages:
                process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                said: dict[str, Any] = json.loads(line)
                if said.get("id") == messages[-1]["id"]:
                    return said
            raise AssertionError("it ended without an answer")
        finally:
            too_long.cancel()
            process.kill()
            process.communicate()

    def signed_in(self, person: Callable[[str], None], *words: str) -> str:
        """A command that sends a person to the sign-in page and waits until they are back."""
        ours, its = pty.openpty()
        process = subprocess.Popen(
            [str(self.binary), *words], env=self._environment(), cwd=self.project,
            stdin=its, stdout=its, stderr=its, close_fds=True, start_new_session=True,
        )  # fmt: skip
        os.close(its)
        try:
            said = _until(ours, b"", lambda text: bool(SIGN_IN.search(text)))
            found = SIGN_IN.search(said)
            assert found is not None, said
            person(found[0].decode())
            said = _until(ours, said, lambda _: process.poll() is not None)
            assert process.wait(SIGN_IN_SECONDS) == 0, said
            return said.decode(errors="replace")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            os.close(ours)


def _until(screen: int, said: bytes, true: Callable[[bytes], bool]) -> bytes:
    """What stands on the screen, once it is so, or when the time is over."""
    deadline = time.monotonic() + SIGN_IN_SECONDS
    while time.monotonic() < deadline:
        over = true(said)
        if select.select([screen], [], [], 0 if over else 0.1)[0]:
            try:
                said += os.read(screen, 65536)
            except OSError:  # it has closed its side
                return said
        elif over:
            return said
    return said
