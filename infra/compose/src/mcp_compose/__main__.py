"""`python -m mcp_compose up | demo | prove | down | clean | secrets`: the stack in containers."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mcp_compose import calls, handed
from mcp_compose.addresses import Inside, inside
from mcp_compose.engine import Engine, EngineError
from mcp_compose.file import read
from mcp_compose.prove import proofs
from mcp_local.place import place
from mcp_local.stack_toml import StackTomlError
from mcp_local.trust import VARIABLE, Authority

GRAFANA = "https://localhost:8445"


@dataclass(frozen=True)
class Stack:
    root: Path
    run: Path
    scale: str

    @property
    def filler(self) -> Inside:
        return inside(self.root, self.run / "made", self.scale)

    @property
    def engine(self) -> Engine:
        return Engine(self.root, self.run / "secrets")

    @property
    def authority(self) -> Authority:
        return Authority(self.run / "tls")


def secrets(stack: Stack, _: argparse.Namespace) -> int:
    """Make what is missing, and hand all of it out."""
    certificates = handed.certificate(stack.authority)
    handed.write(handed.contents(stack.filler) | certificates, stack.engine.secrets)
    return 0


def up(stack: Stack, given: argparse.Namespace) -> int:
    secrets(stack, given)
    stack.engine("up", "--detach", *([] if given.no_build else ["--build"]), "--remove-orphans")
    print("Waiting for the gateway and the issuer; `docker compose ps` shows how far they are.")
    here = stack.filler.place
    calls.await_ready(here, stack.authority.certificate)
    code = 0 if given.no_calls else demo(stack, given)
    print(f"\nGateway: {here.gateway}/mcp   Console: {here.gateway}/console")
    print(f"Issuer: {here.issuer}   Dashboards: {GRAFANA}")
    print(f"Trust: {stack.authority.certificate}")
    print(f"Passwords: demo people {stack.run / 'secrets' / 'DEMO_PASSWORD'},")
    print(f"  Grafana's admin {stack.run / 'secrets' / 'grafana-admin'}")
    return code


def demo(stack: Stack, _: argparse.Namespace) -> int:
    os.environ[VARIABLE] = str(stack.authority.certificate)  # loopback alone is asked
    filler = stack.filler
    code = 0
    for good, line in calls.made(filler.plan, filler.place, stack.run / "made" / "demo-password"):
        print(f"{'ok ' if good else 'BAD'} {line}")
        code = code if good else 1
    return code


def prove(stack: Stack, _: argparse.Namespace) -> int:
    """Ask the running containers whether they are what compose.yaml says."""
    os.environ[VARIABLE] = str(stack.authority.certificate)  # loopback alone is asked
    password = stack.run / "made" / "demo-password"
    code = 0
    for good, line in proofs(stack.filler, read(stack.root), stack.engine, password):
        print(f"{'ok ' if good else 'BAD'} {line}", flush=True)
        code = code if good else 1
    return code


def down(stack: Stack, _: argparse.Namespace) -> int:
    stack.engine("down", "--remove-orphans")
    return 0


def clean(stack: Stack, _: argparse.Namespace) -> int:
    """Data and secrets go together: a database keeps the passwords it was made with."""
    stack.engine("down", "--remove-orphans", "--volumes")
    shutil.rmtree(stack.run, ignore_errors=True)
    return 0


VERBS: dict[str, Callable[[Stack, argparse.Namespace], int]] = {
    "up": up, "demo": demo, "prove": prove, "down": down, "clean": clean, "secrets": secrets,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m mcp_compose", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in VERBS:
        verb = verbs.add_parser(name)
        if name == "up":
            verb.add_argument("--no-calls", action="store_true", help="start and wait, no more")
            verb.add_argument("--no-build", action="store_true", help="take the images as they are")
    given = parser.parse_args()
    here = place()
    stack = Stack(here.root, here.run / "compose", here.scale)
    try:
        return VERBS[given.verb](stack, given)
    except (EngineError, calls.NotReadyError, handed.ClashError, StackTomlError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
