"""`make realm`: a running Keycloak is brought to what the policies and realm.json say.

It shows what would change and asks; what it did not make it leaves alone, and people always.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx2
from keycloak import KeycloakAdmin
from keycloak.exceptions import KeycloakError

from mcp_realm import admin as door
from mcp_realm import apply_found, apply_steps, apply_wanted, compare_text
from mcp_realm.admin import CannotError
from mcp_realm.apply_target import Target, of_clone
from mcp_realm.apply_verify import verify
from mcp_realm.compare import Change, Comparison, compare

DONE, DIFFERS, CANNOT = 0, 1, 2
Say = Callable[[str], None]
Ask = Callable[[str], bool]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m mcp_realm apply", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only show; 1 when something differs")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--prune", action="store_true", help="also remove what is left over")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--production", dest="development", action="store_false", default=None)
    kind.add_argument("--development", dest="development", action="store_true")
    parser.add_argument("--config", type=Path, help="gateway.yaml")
    parser.add_argument("--base", type=Path, help="realm.json")
    given = parser.parse_args(arguments)
    try:
        target = of_clone(config=given.config, base=given.base, development=given.development)
        return run(
            target,
            say,
            (lambda _: True) if given.yes else ask,
            check=given.check,
            prune=given.prune,
        )
    except CannotError as error:
        sys.stderr.write(f"{error}\n")
        return CANNOT


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def ask(question: str) -> bool:
    """Of the person at the terminal; without one nothing is changed.

    Raises:
        CannotError: nobody is there to be asked.

    """
    if not sys.stdin.isatty():
        raise CannotError("Nothing was changed: nobody is here to be asked. Say YES=1 to go on.")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def run(target: Target, say: Say, ask: Ask, *, check: bool = False, prune: bool = False) -> int:
    """Show, ask, apply, look again, verify from outside.

    Raises:
        CannotError: Keycloak is away, refuses, or lacks what is needed.

    """
    admin = door.signed_in(target.base, target.name, target.who)
    with door.in_words(target.base, target.who, f"realm {target.name}"):
        about = door.version(admin)
        _insist_on_features(admin, target)
        found, exists = _compared(admin, target)
        say(f"realm {target.name} at {target.base} (Keycloak {about})")
        _show(found, target, say, exists=exists, prune=prune)
        removed = found.leftovers if prune else ()
        if found.same and not removed:
            say("nothing to change")
        elif check:
            return DIFFERS
        elif not ask(_question(target, found, removed)):
            say("nothing was changed")
            return DIFFERS
        else:
            _apply(admin, target, found, removed, say, exists=exists)
        return DONE if check or _verified(admin, target, say) else DIFFERS


def _insist_on_features(admin: KeycloakAdmin, target: Target) -> None:
    if door.feature(admin, "TOKEN_EXCHANGE_STANDARD_V2") is False:
        raise CannotError(
            "This Keycloak has token exchange turned off, which the gateway cannot do without: "
            "start it without --features-disabled=token-exchange-standard."
        )
    policies = [one["name"] for one in target.derived["clientPolicies"]["policies"]]
    if "mcp-cimd" in policies and door.feature(admin, "CIMD") is False:
        raise CannotError(
            "realm.json believes hosts that describe themselves (mcp.cimd.trusted-domains), and "
            "this Keycloak cannot: start it with --features=cimd, or empty that attribute."
        )


def _compared(admin: KeycloakAdmin, target: Target) -> tuple[Comparison, bool]:
    wanted = apply_wanted.wanted(target.derived)
    found = apply_found.read(admin, target.name, set(wanted.of("scope roles")))
    return compare(wanted, found), found.exists


def _show(found: Comparison, target: Target, say: Say, *, exists: bool, prune: bool) -> None:
    for line in compare_text.lines(found, new_realm=None if exists else target.name):
        if not (prune and line.startswith("  left over")):
            say(line)
    for line in compare_text.removals(found.leftovers) if prune else ():
        say(line)


def _question(target: Target, found: Comparison, removed: Sequence[Change]) -> str:
    parts = [f"{len(found.changes)} changes"] if found.changes else []
    parts += [f"{len(removed)} removals"] if removed else []
    return f"Make {' and '.join(parts)} in realm {target.name} at {target.base}?"


def _apply(
    admin: KeycloakAdmin,
    target: Target,
    found: Comparison,
    removed: Sequence[Change],
    say: Say,
    *,
    exists: bool,
) -> None:
    done: list[Change] = []
    try:
        if not exists:
            admin.create_realm(apply_wanted.importable(target.derived))
            say(f"realm {target.name} made")
            found, _ = _compared(admin, target)
        apply_steps.carry_out(admin, target.name, found.changes, done.append)
        apply_steps.remove(admin, removed, done.append)
        again, _ = _compared(admin, target)
        # Keycloak gives a new client scopes of its own, which the wanted one does not have
        apply_steps.carry_out(admin, target.name, again.changes, lambda _: None)
    except KeycloakError:
        say(f"stopped after {len(done)} of {len(found.changes) + len(removed)}; run it again")
        raise
    again, _ = _compared(admin, target)
    if not again.same:
        for line in compare_text.lines(again):
            say(line)
        raise CannotError("Keycloak took the changes, and still differs in the above.")
    say(f"{len(done)} changes made" if exists else "all of it is there")


def _verified(admin: KeycloakAdmin, target: Target, say: Say) -> bool:
    good = True
    try:
        for finding in verify(target, admin):
            say(f"{'ok' if finding.good else 'WRONG'}  {finding.words}")
            good = good and finding.good
    except httpx2.TransportError as error:
        raise CannotError(f"Applied, but not seen from outside: {error}") from error
    return good
