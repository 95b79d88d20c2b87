"""`make rehost URL=…`: realm, clients and configuration move to another public URL, and back.

A public URL is an identity: clients, audiences and redirects are made of it. What stays behind
under the old one is listed, and nothing is removed unless told to.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mcp_gateway.configuration import settings
from mcp_gateway.console import connect
from mcp_gateway.realm.keycloak import from_files
from mcp_local.place import place
from mcp_realm import apply, apply_wanted, compare_text, rehost_files
from mcp_realm.admin import CannotError
from mcp_realm.apply import ask, say
from mcp_realm.apply_target import of_clone
from mcp_realm.compare import Comparison, compare
from mcp_realm.rehost_files import Move, Rewrite
from mcp_realm.rehost_url import NotPublicUrlError, issuer, public
from mcp_shared.settings import is_loopback

# the plan is made without the gateway's key: these lines would show another
KEYED = ("jwks.string:", "signing.alg:")


@dataclass(frozen=True)
class Clone:
    root: Path
    config: Path
    base: Path


@dataclass
class _Agreed:
    """One question for files and realm together."""

    question: str
    given: bool

    def __call__(self, _: str) -> bool:
        self.given = self.given or ask(self.question)
        return self.given


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m mcp_realm rehost", description=__doc__)
    parser.add_argument("url", help="the new public URL of the gateway")
    parser.add_argument("--issuer", help="the new issuer, …/realms/NAME, where that moves, too")
    parser.add_argument("--keycloak", action="store_true", help="also the realm of a running one")
    parser.add_argument("--check", action="store_true", help="only show")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--prune", action="store_true", help="remove the old clients, too")
    given = parser.parse_args(arguments)
    here = place()
    clone = Clone(
        here.root,
        here.root / "gateway" / "gateway.yaml",
        here.root / "infra" / "keycloak" / "realm.json",
    )
    try:
        move = moving(clone, given.url, given.issuer)
        return run(clone, move, given)
    except (CannotError, NotPublicUrlError, settings.ConfigError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return apply.CANNOT


def moving(clone: Clone, url: str, new_issuer: str | None) -> Move:
    """From what gateway.yaml says.

    Raises:
        NotPublicUrlError: the new URL cannot be an identity.
        ConfigError: gateway.yaml is wrong.

    """
    given = settings.load(clone.config)
    told = issuer(new_issuer) if new_issuer else given.issuer
    return Move(given.public_url, public(url), given.issuer, told)


def run(clone: Clone, move: Move, given: argparse.Namespace) -> int:
    """Show all of it, ask once, move; Keycloak first, as the files can always be moved again.

    Raises:
        CannotError: Keycloak, or a file.

    """
    files = rehost_files.rewrites(clone.root, clone.config, move)
    if not files and not given.keycloak:
        say(f"nothing to move: {clone.config} says {move.new} already")
        return apply.DONE
    planned = realms(clone, move)
    plan = () if given.keycloak else _realm(planned)  # a running one shows what it has
    for line in (*_files(clone, files), *plan, *orphans(move, planned)):
        say(line)
    agreed = _Agreed(f"Move from {move.old} to {move.new}?", given.yes)
    if given.keycloak:
        target = of_clone(public_url=move.new, issuer=move.new_issuer)
        done = apply.run(target, say, agreed, check=given.check, prune=given.prune)
        if done != apply.DONE:
            say("the files were not moved")
            return done
    if given.check:
        return apply.DIFFERS if files else apply.DONE
    if not agreed(""):
        say("nothing was moved")
        return apply.DIFFERS
    rehost_files.write(files)
    _insist(clone, move)
    say(f"moved; restart the gateway. Back again: {_command(move.back, given)}")
    return apply.DONE


def realms(clone: Clone, move: Move) -> Comparison:
    """What the realm of the new URL has that the old one's had not, without asking any Keycloak."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()  # the same for both: no difference
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    pair = []
    for url, told in ((move.new, move.new_issuer), (move.old, move.old_issuer)):
        made = settings.Settings(public_url=url, issuer=told)
        development = is_loopback(move.new_issuer)
        derived = from_files(clone.base, clone.config, pem, made, development=development)
        pair.append(apply_wanted.wanted(derived))
    return compare(*pair)


def orphans(move: Move, planned: Comparison) -> Iterator[str]:
    """What the old URL leaves behind, and who has to do something about it."""
    yield f"left behind under {move.old}:"
    gone = [change.name for change in planned.leftovers if change.kind == "client"]
    yield f"  clients in Keycloak: {', '.join(gone)} (PRUNE=1 removes them; moving back needs them)"
    hosts = ", ".join(
        one.title.partition(":")[0] for one in connect.configurations(f"{move.new}/mcp")
    )
    yield f"  hosts that name {move.old}/…: {hosts}; remove it there, add {move.new}/mcp"
    yield "  access tokens for it: refused from the gateway's restart on, gone within 330 s"
    yield "  refresh tokens: hosts get the new audience with the next one, or sign in again"
    yield "  records in the ledger: they say the URL they were made under, and verify as before"
    yield f"  operators' sessions at {move.old}/console: another origin, so they sign in again"
    yield f"  DNS, certificate and proxy of {move.old}; GATEWAY_PUBLIC_URL where a replica sets it"
    if is_loopback(move.old) != is_loopback(move.new):
        yield "  make up: the local stack keeps its own addresses, whatever gateway.yaml says"
    if move.old_issuer != move.new_issuer:
        hostname = move.new_issuer.partition("/realms/")[0]
        yield f"  every token and session of {move.old_issuer}: people sign in again"
        yield f"  Keycloak itself: --hostname={hostname}; GATEWAY_ISSUER where a replica sets it"


def _files(clone: Clone, files: Sequence[Rewrite]) -> Iterator[str]:
    for change in files:
        yield from change.diff(clone.root)


def _realm(planned: Comparison) -> Iterator[str]:
    yield "realm:"
    for line in compare_text.lines(planned):
        if not line.startswith("  left over") and not any(word in line for word in KEYED):
            yield f"  {line}"


def _insist(clone: Clone, move: Move) -> None:
    """The files now say what was meant."""
    given = settings.load(clone.config)
    if (given.public_url, given.issuer) != (move.new, move.new_issuer):
        raise CannotError(f"{clone.config} says {given.public_url} and {given.issuer}: mend it")


def _command(back: Move, given: argparse.Namespace) -> str:
    words: Mapping[str, bool | str] = {
        "URL": back.new,
        "ISSUER": back.new_issuer if back.new_issuer != back.old_issuer else False,
        "KEYCLOAK": "1" if given.keycloak else False,
    }
    return " ".join(["make rehost", *(f"{key}={value}" for key, value in words.items() if value)])
