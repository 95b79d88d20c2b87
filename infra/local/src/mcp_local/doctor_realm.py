"""Whether the issuer holds the realm that the files say: audiences, PKCE, redirect URIs.

It asks as clients do, changes nothing and signs in as one of the demo people.
"""

import base64
import contextlib
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from mcp_gateway.realm.keycloak import endpoint_digest
from mcp_local import control
from mcp_local.doctor_finding import Answer, Finding, ask, place_of
from mcp_local.governed import CLIENT_ID
from mcp_local.load import Stack
from mcp_local.people import people

REALM_FILE = "infra/keycloak/realm.json"
SCOPE = "aud:mcp"
ANY_PORT = 49152  # what a host listens on is chosen by its machine
LOGS = ("issuer.log", "keycloak.log")
LOG_BYTES = 400_000  # of the end of a log
MOST = 3  # told of one kind
REFUSED_REDIRECT = "redirect refused"  # the development issuer's event; Keycloak's:
TURNED_AWAY = re.compile(
    r'clientId="(?P<client>[^"]+)".*error="invalid_redirect_uri".*redirect_uri="(?P<uri>[^"]+)"'
)
APPLY = {"development": "make restart NAME=issuer", "keycloak": "make realm"}


@dataclass(frozen=True)
class Host:
    """A client of the realm file that people sign in with."""

    name: str
    redirects: tuple[str, ...]
    where: str


def hosts(stack: Stack) -> Iterator[Host]:
    here = stack.here
    file = here.root / REALM_FILE
    realm: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    digest = endpoint_digest(f"{here.gateway}/mcp")
    for client in realm.get("clients", []):
        if client.get("standardFlowEnabled"):
            name = client["clientId"]
            redirects = (
                re.sub(r"\$\{GATEWAY_PUBLIC_URL[^}]*\}", here.gateway, uri)
                for uri in client["redirectUris"]
            )
            yield Host(
                name,
                tuple(uri.replace("${ENDPOINT_DIGEST}", digest) for uri in redirects),
                place_of(here.root, REALM_FILE, f'"clientId": "{name}"'),
            )


def connects_by(redirect: str) -> str:
    """What a host sends that is registered so: on loopback without a port, any port."""
    parts = urlsplit(redirect)
    if parts.hostname in {"localhost", "127.0.0.1"} and parts.port is None:
        return parts._replace(netloc=f"{parts.netloc}:{ANY_PORT}").geturl()
    return redirect


def audience(stack: Stack) -> Finding:
    """A token that a person gets for the gateway must name it, or every call is refused."""
    here = stack.here
    person = next(iter(people(here.root)), None)
    password = here.secrets / "demo-password"
    if control.supervisor_pid(here) is None or person is None or not password.is_file():
        return Finding("Audience: no token asked for, nothing runs", good=True)
    form = {
        "grant_type": "password", "client_id": CLIENT_ID, "username": person.username,
        "password": password.read_text().strip(), "scope": f"openid {SCOPE}",
    }  # fmt: skip
    wanted = f"{here.gateway}/mcp"
    try:
        answer = ask(f"{here.issuer}/protocol/openid-connect/token", form)
        said = answer.document
        token = said["access_token"] if answer.status == 200 else None
        named = _audiences(token) if token else []
    except (OSError, ValueError, LookupError) as error:
        return Finding(f"Audience: no token to look at: {error}", good=False, remedy="make ps")
    if token is None:
        return _no_token(stack, person.username, said)
    return Finding(
        f"A token asked for with scope {SCOPE} is for {wanted}"
        if wanted in named
        else f"A token asked for with scope {SCOPE} is for {', '.join(named) or 'nobody'}, not for "
        f"{wanted}: the gateway answers it 401",
        wanted in named,
        f"At Keycloak: Client scopes, {SCOPE}, Mappers: an Audience mapper with Included Client "
        f"Audience {wanted}. `{APPLY.get(here.idp, 'make realm')}` makes it; gateway/src/"
        "mcp_gateway/realm/keycloak.py `_audience_scope` says how.",
    )


def _no_token(stack: Stack, person: str, said: dict[str, Any]) -> Finding:
    error = str(said.get("error"))
    if error in {"invalid_client", "unauthorized_client"}:
        return Finding(
            f"Audience: not looked at, there is no {CLIENT_ID} to sign in with", good=True
        )
    detail = f"{error}: {said.get('error_description', '')}"
    return Finding(
        f"{person} gets no token with scope {SCOPE}: {detail}",
        good=False,
        remedy=f"`{APPLY.get(stack.here.idp, 'make realm')}` brings the realm to what the files "
        f"say; the client's scopes are at {place_of(stack.here.root, REALM_FILE, CLIENT_ID)}.",
    )


def _audiences(token: str) -> list[str]:
    body = token.split(".")[1]
    said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))).get("aud", [])
    return [said] if isinstance(said, str) else list(said)


def pkce(stack: Stack) -> Finding:
    """A code that is bound to no verifier can be spent by whoever sees it."""
    if control.supervisor_pid(stack.here) is None:
        return Finding("PKCE: not tried, nothing runs", good=True)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"doctor").digest()).rstrip(b"=").decode()
    plain = {"code_challenge": challenge, "code_challenge_method": "plain"}
    problems, tried = [], 0
    try:
        for host in hosts(stack):
            for how, parameters in (("without a challenge", {}), ("with plain", plain)):
                tried += 1
                if _lets_on(_authorize(stack, host.name, host.redirects[0], **parameters)):
                    problems.append(f"{host.name} may sign in {how} ({host.where})")
    except OSError as error:
        return Finding(f"PKCE: the issuer does not answer: {error}", good=False, remedy="make ps")
    return Finding(
        "PKCE is not enforced: " + "; ".join(problems)
        if problems
        else f"PKCE S256 is enforced ({tried} sign-ins without it refused)",
        not problems,
        f"`pkce.code.challenge.method: S256` at that client, and {_policy_place(stack)} for "
        f"everyone; then `{APPLY.get(stack.here.idp, 'make realm')}`.",
    )


def _policy_place(stack: Stack) -> str:
    return place_of(stack.here.root, REALM_FILE, '"clientPolicies"') + " clientPolicies"


def redirects(stack: Stack) -> Finding:
    """What the file registers the issuer takes; whoever came by another address is named."""
    if control.supervisor_pid(stack.here) is None:
        return Finding("Redirect URIs: not tried, nothing runs", good=True)
    known = {host.name: host for host in hosts(stack)}
    try:
        refused = [
            f"the issuer refuses {host.name} at {uri}, which {host.where} registers"
            for host in known.values()
            for uri in host.redirects
            if _refused(_authorize(stack, host.name, uri))
        ]
        strange = list(_strangers(stack, known))
    except OSError as error:
        return Finding(f"Redirect URIs: no answer: {error}", good=False, remedy="make ps")
    apply = APPLY.get(stack.here.idp, "make realm")
    remedies = [f"Its realm is older than the file: `{apply}`."] if refused else []
    if strange:
        remedies.append(f"Add that URI to the client's redirectUris, exactly, then `{apply}`.")
    total = sum(len(host.redirects) for host in known.values())
    return Finding(
        "; ".join([*refused[:MOST], *strange[:MOST]])
        or f"All {total} redirect URIs of the realm file are taken",
        not refused and not strange,
        " ".join(remedies),
    )


def _strangers(stack: Stack, known: dict[str, Host]) -> Iterator[str]:
    """From the issuer's log: who was turned away, and still would be."""
    for name, uri in _turned_away(stack):
        host = known.get(name)
        if host is None:
            yield f"a client {name} tried to sign in, which {REALM_FILE} does not have"
        elif uri not in map(connects_by, host.redirects) and _refused(_authorize(stack, name, uri)):
            registered = ", ".join(host.redirects)
            yield f"{name} came with {uri}; {host.where} registers {registered}"


def _turned_away(stack: Stack) -> list[tuple[str, str]]:
    found: dict[tuple[str, str], None] = {}
    for file in (stack.here.logs / name for name in LOGS):
        lines = file.read_bytes()[-LOG_BYTES:].splitlines() if file.is_file() else []
        for line in lines:
            # strangers' words: nothing of them but printable text goes on a screen
            if (seen := _seen(line.decode("utf-8", "replace"))) and "".join(seen).isprintable():
                found[seen] = None
    return list(found)[-MOST:]


def _seen(line: str) -> tuple[str, str] | None:
    if REFUSED_REDIRECT in line and line.startswith("{"):
        with contextlib.suppress(ValueError, LookupError):
            said = json.loads(line)
            return str(said["client"]), str(said["url"])
    found = TURNED_AWAY.search(line)
    return (found["client"], found["uri"]) if found else None


def _authorize(stack: Stack, client: str, redirect: str, **parameters: str) -> Answer:
    asked = {
        "response_type": "code", "client_id": client, "redirect_uri": connects_by(redirect),
        "scope": "openid", "state": "doctor", **parameters,
    }  # fmt: skip
    return ask(f"{stack.here.issuer}/protocol/openid-connect/auth?{urlencode(asked)}")


def _refused(answer: Answer) -> bool:
    """A page of its own instead of a way back: client or address is not known."""
    return answer.status >= 400


def _lets_on(answer: Answer) -> bool:
    """A page to sign in at; a refusal is an error page, or a way back with an error."""
    if answer.status >= 400:
        return False
    return "error" not in parse_qs(urlsplit(answer.headers.get("location", "")).query)
