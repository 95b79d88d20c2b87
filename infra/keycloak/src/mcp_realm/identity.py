"""`make identity`: one contract suite, against the development issuer and against Keycloak.

Each of them with and without resource indicators; then what only Keycloak does: brokering, and a
whole stack of its own. Two at a time.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mcp_local.place import find_root
from mcp_realm.build import FEATURES, built
from mcp_realm.distribution import KeycloakMissingError, pin, say

TESTS, BROKERS = "tests/identity", "tests/identity/brokers"
STACK = "tests/local/test_keycloak_stack.py"
CONTRACT = (TESTS, f"--ignore={BROKERS}", "-m", "contract")
SELF_DESCRIBED = "cimd"  # off unless realm.json asks for it; the suite does, once
AT_ONCE = 2
SECONDS = 1200
TOLD = 60  # lines of a run that failed
printing = threading.Lock()


@dataclass(frozen=True)
class Run:
    title: str
    idp: str
    indicators: str
    tests: tuple[str, ...] = CONTRACT


RUNS = (
    Run("Keycloak, with resource indicators", "keycloak", "on"),
    Run("Keycloak, without", "keycloak", "off"),
    Run("Keycloak as a broker", "keycloak", "off", (BROKERS,)),
    Run("Keycloak in the local stack", "keycloak", "on", (STACK,)),
    Run("Development issuer, with resource indicators", "development", "on"),
    Run("Development issuer, without", "development", "off"),
)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m mcp_realm identity", description=__doc__)
    parser.add_argument("--insist", action="store_true", help="fail where Keycloak cannot be had")
    given = parser.parse_args(arguments)
    root, begun = find_root(Path.cwd()), time.monotonic()
    lack = _lack(root)
    runs = [run for run in RUNS if lack is None or run.idp != "keycloak"]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        good = list(pool.map(lambda run: _carried_out(root, run), runs))
    if lack is not None:
        _shout(lack, root)
    say(f"{sum(good)} of {len(runs)} runs passed in {time.monotonic() - begun:.0f} s")
    return 0 if all(good) and not (given.insist and lack is not None) else 1


def _lack(root: Path) -> str | None:
    """Why there is no Keycloak here; None where it is fetched and built by now."""
    try:
        for features in (sorted((SELF_DESCRIBED, *FEATURES)), ()):
            built(root, "dev-file", features)
    except KeycloakMissingError as error:
        return str(error)
    return None


def _carried_out(root: Path, run: Run) -> bool:
    begun = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider",
             *run.tests],
            cwd=root, env=os.environ | {
                "IDENTITY": run.idp, "IDENTITY_RESOURCE_INDICATORS": run.indicators
            },
            check=False, capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
        words, good = done.stdout.strip().splitlines(), done.returncode == 0
    except subprocess.TimeoutExpired:
        words, good = [f"not done after {SECONDS} s"], False
    word = "pass" if good else "FAIL"
    summary = words[-1].strip("= ") if words else "no word"
    with printing:
        if not good:
            say("\n".join(words[-TOLD:]))
        say(f"{word}  {run.title}: {summary} ({time.monotonic() - begun:.0f} s in all)")
    return good


def _shout(lack: str, root: Path) -> None:
    line = "=" * 78
    version = pin(root).version
    say(f"\n{line}\nNOT RUN AGAINST KEYCLOAK {version}: half of the contract is unproved here.")
    say(f"{lack}\n{line}\n")
