"""Where checks get access tokens: the development issuer, a command of yours, or a variable."""

import asyncio
import json
import subprocess
import time
import urllib.error
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from mcp_local.governed import token as by_password

CACHE_SECONDS = 120  # of the 300 a token lives
COMMAND_SECONDS = 60


class NoTokenError(RuntimeError):
    """A token could not be had; the message says from where."""


class Tokens(Protocol):
    async def __call__(self, person: str, scope: str) -> str: ...

    def forget(self, person: str) -> None:
        """Sign in anew next time."""


class _Cached:
    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[float, str]] = {}

    async def __call__(self, person: str, scope: str) -> str:
        known = self._known.get((person, scope))
        if known is None or known[0] < time.monotonic():
            made = await asyncio.to_thread(self._sign_in, person, scope)
            known = self._known[person, scope] = (time.monotonic() + CACHE_SECONDS, made)
        return known[1]

    def forget(self, person: str) -> None:
        self._known = {key: value for key, value in self._known.items() if key[0] != person}

    def _sign_in(self, person: str, scope: str) -> str:
        raise NotImplementedError


class PasswordTokens(_Cached):
    """The development issuer's password grant; no other issuer has it."""

    def __init__(self, token_endpoint: str, password: Path) -> None:
        super().__init__()
        self._endpoint = token_endpoint
        self._password = password

    def _sign_in(self, person: str, scope: str) -> str:
        try:
            return by_password(self._endpoint, person, self._password, f"openid {scope}")
        except urllib.error.HTTPError as error:
            why = _described(error.read())
            raise NoTokenError(f"The issuer gives {person} no token: {why or error}") from error
        except OSError as error:
            raise NoTokenError(f"{self._endpoint} gave no token for {person}: {error}") from error


def _described(body: bytes) -> str:
    """What an issuer says of a refusal (RFC 6749, 5.2); nothing where it is no such answer."""
    try:
        told = json.loads(body)
        return str(told.get("error_description") or told["error"])
    except (ValueError, LookupError, AttributeError):
        return ""


class CommandTokens(_Cached):
    """A command of yours that prints a token; `{person}` and `{scope}` are filled in."""

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__()
        self._command = command

    def _sign_in(self, person: str, scope: str) -> str:
        words = [word.format(person=person, scope=scope) for word in self._command]
        try:
            done = subprocess.run(
                words, check=False, capture_output=True, text=True, timeout=COMMAND_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoTokenError(f"token_command {words[0]}: {error}") from error
        if done.returncode != 0 or not done.stdout.strip():
            why = done.stderr.strip()[-200:]
            raise NoTokenError(f"{words[0]} gave no token for {person} ({scope}): {why}")
        return done.stdout.strip()


class OneToken(_Cached):
    """One token for everybody, from MCP_TOKEN: enough for a bare URL."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self._token = token

    def _sign_in(self, person: str, scope: str) -> str:  # noqa: ARG002
        return self._token
