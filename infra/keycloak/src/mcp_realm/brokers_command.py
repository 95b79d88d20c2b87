"""`make brokers`: what brokers.yaml says, whether the upstream agrees, and APPLY=1: at Keycloak.

Without `--apply` nothing is changed and no Keycloak is needed. 0 is well, 1 differs, 2 cannot.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2

from mcp_gateway.configuration import settings
from mcp_gateway.configuration.settings import ConfigError
from mcp_gateway.rights import policy
from mcp_local.place import place
from mcp_realm import admin as door
from mcp_realm import brokers, brokers_put
from mcp_realm.admin import CannotError
from mcp_realm.apply import ask, say
from mcp_realm.apply_target import of_clone
from mcp_realm.brokers import Broker, Brokers
from mcp_realm.brokers_compare import TakenError

DONE, DIFFERS, CANNOT = 0, 1, 2
SECONDS = 10
Say = Callable[[str], None]
# what an upstream's discovery document calls what Keycloak is told
NAMES = {
    "authorize": "authorization_endpoint",
    "token": "token_endpoint",
    "keys": "jwks_uri",
    "logout": "end_session_endpoint",
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m mcp_realm brokers", description=__doc__)
    parser.add_argument("--apply", action="store_true", help="bring Keycloak to it")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--offline", action="store_true", help="do not ask the upstreams")
    parser.add_argument("--file", type=Path, help="brokers.yaml")
    given = parser.parse_args(arguments)
    root = place().root
    path = given.file or root / "infra" / "keycloak" / "brokers.yaml"
    try:
        issuer, realm = _realm(root)
        file = brokers.read(path, realm)
        good = shown(file, issuer, say, offline=given.offline)
        if not given.apply:
            return DONE if good else DIFFERS
        return _applied(file, yes=given.yes)
    except (ConfigError, CannotError, TakenError) as error:
        sys.stderr.write(f"{error}\n")
        return CANNOT


def _realm(root: Path) -> tuple[str, dict[str, Any]]:
    """The issuer, and the groups that the derived realm will have."""
    file = root / "gateway" / "gateway.yaml"
    given = settings.load(file, settings.from_environment())
    listed = settings.servers(given, file)
    rules = policy.load(listed, file.parent / "agents.yaml", given.limits.timeout)
    base = settings.read_yaml(root / "infra" / "keycloak" / "realm.json")  # JSON is YAML
    names = {group["name"] for group in base["groups"]} | set(rules.roles)
    return given.issuer, {"groups": [{"name": name} for name in sorted(names)]}


def shown(file: Brokers, issuer: str, say: Say, *, offline: bool) -> bool:
    """What to register, who becomes what, and whether the upstream is what the file says."""
    if not file.brokers:
        say("brokers.yaml names no broker: people sign in at Keycloak itself")
    good = True
    for alias, broker in file.brokers.items():
        say(f"{alias}: {broker.name} ({broker.kind}), {broker.issuer}")
        back = brokers.redirect_uri(issuer, alias)
        say(f"  redirect URI to register there: {back}")
        if broker.reached_at.logout:
            say(f"  and for signing out: {back}/logout_response")
        for theirs, ours in broker.groups.items():
            say(f"  {broker.claim} {theirs} → {', '.join(ours)}")
        hand = broker.by_hand if isinstance(broker.by_hand, str) else ", ".join(broker.by_hand)
        if hand:
            say(f"  given by hand in Keycloak: {hand}")
        for problem in () if offline else problems(broker):
            say(f"  WRONG  {problem}")
            good = False
    return good


def problems(broker: Broker) -> Iterator[str]:
    """Where the upstream's own discovery document disagrees with what Keycloak is told."""
    url = f"{broker.issuer}/.well-known/openid-configuration"
    try:
        answer = httpx2.get(url, timeout=SECONDS)
        said = answer.json() if answer.status_code == 200 else None
    except (httpx2.HTTPError, ValueError) as error:
        yield f"{url} cannot be read: {type(error).__name__}"
        return
    if not isinstance(said, dict):
        yield f"{url} answers {answer.status_code}: is the issuer right?"
        return
    told = {"issuer": broker.issuer}
    told |= {NAMES[key]: value for key, value in broker.reached_at.model_dump().items() if value}
    for name, value in told.items():
        if said.get(name) != value:
            yield f"{name} is {said.get(name)} there, {value} here"


def _applied(file: Brokers, *, yes: bool) -> int:
    for broker in file.brokers.values():
        if not os.environ.get(broker.secret):
            raise CannotError(f"{broker.secret} is not set: the client secret of {broker.name}.")
    target = of_clone()
    admin = door.signed_in(target.base, target.name, target.who)
    with door.in_words(target.base, target.who, "brokers"):
        wanted = brokers.wanted(file, target.derived, os.environ)
        lines = brokers_put.pending(admin, wanted)
        for line in lines or ["nothing to change but perhaps the secret"]:
            say(line)
        if not (yes or ask(f"Make this so in realm {target.name} at {target.base}?")):
            say("nothing was changed")
            return DIFFERS
        brokers_put.put(admin, wanted)
        if left := brokers_put.pending(admin, wanted):
            raise CannotError("Keycloak took the changes, and still differs: " + "; ".join(left))
    say(f"{len(lines)} changes made")
    return DONE
