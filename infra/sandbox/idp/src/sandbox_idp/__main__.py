"""`python -m sandbox_idp`: the development issuer. SIGHUP rotates its signing key."""

import asyncio
import os
import signal
import sys

import uvicorn
from pydantic import ValidationError

from sandbox_idp import logs
from sandbox_idp.app import build
from sandbox_idp.keys import Keyring
from sandbox_idp.realm import RealmError
from sandbox_idp.settings import Settings


def main() -> int:
    logs.configure()
    try:
        settings = Settings()
        keys = Keyring(settings.state_folder)
        app = build(settings, os.environ, keys)
    except (ValidationError, RealmError, OSError, ValueError) as wrong:
        print(f"sandbox_idp does not start: {_said(wrong)}", file=sys.stderr)
        return 2
    config = uvicorn.Config(
        app, settings.host, settings.port, access_log=False, log_config=None, server_header=False
    )
    asyncio.run(_serve(uvicorn.Server(config), keys))
    return 0


async def _serve(server: uvicorn.Server, keys: Keyring) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _rotate, keys)
    await server.serve()


def _rotate(keys: Keyring) -> None:
    logs.log.info("signing key rotated", extra={"kid": keys.rotate()})


def _said(wrong: Exception) -> str:
    if isinstance(wrong, ValidationError):
        return "; ".join(f"{_variable(e['loc'])} {e['msg']}" for e in wrong.errors())
    return f"{type(wrong).__name__}: {wrong}"


def _variable(place: tuple[int | str, ...]) -> str:
    return "_".join(["IDP", *map(str, place)]).upper().rstrip("_")


if __name__ == "__main__":
    sys.exit(main())
