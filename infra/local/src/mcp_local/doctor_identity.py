"""Whether gateway and issuer mean each other: the same URLs in one spelling, keys, clock.

Three strings are identities and the same everywhere: the issuer, the gateway's URL, its resource.
Where a part is reached may differ, and is configured apart.
"""

import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from mcp_gateway.configuration.settings import ConfigError
from mcp_local import control
from mcp_local.doctor_finding import Finding, get, place_of
from mcp_local.load import Stack
from mcp_local.stack_toml import StackTomlError
from mcp_shared.tokens import CLOCK_SKEW_SECONDS

GATEWAY_FILE, STACK_FILE = "gateway/gateway.yaml", "infra/local/stack.toml"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
ONE_SPELLING = "`localhost` and `127.0.0.1` are two names to a token: write localhost everywhere"
# where clients keep the URL they connect to, in a clone
CLIENT_FILES = (".mcp.json", ".vscode/mcp.json", ".cursor/mcp.json", ".codex/config.toml")
# which line of the stack tells the issuer its public URL
TELLS_ISSUER = {"development": "IDP_PUBLIC_URL", "keycloak": "KEYCLOAK_PUBLIC_URL"}


def identity(stack: Stack) -> Finding:
    """Gateway and issuer must name each other by exactly the same URLs."""
    here = stack.here
    if control.supervisor_pid(here) is None:
        return Finding("Issuer and gateway metadata: not asked, nothing runs", good=True)
    try:
        issuer, _ = get(f"{here.issuer}/.well-known/openid-configuration")
        resource, _ = get(f"{here.gateway}/.well-known/oauth-protected-resource/mcp")
    except (OSError, ValueError) as error:
        return Finding(f"Metadata cannot be read: {error}", good=False, remedy="make ps")
    problems, remedies = [], []
    if (said := str(issuer.get("issuer"))) != here.issuer:
        problems.append(f"the issuer calls itself {said}, not {here.issuer}")
        remedies.append(_of_the_issuer(stack, said))
    named = resource.get("authorization_servers", [])
    if here.issuer not in named:
        problems.append(f"the gateway does not name {here.issuer} but {', '.join(named) or 'none'}")
        remedies.append(_of_the_gateway(stack, "issuer", *named))
    if (said := str(resource.get("resource"))) != f"{here.gateway}/mcp":
        problems.append(f"the gateway calls itself {said}, not {here.gateway}/mcp")
        remedies.append(_of_the_gateway(stack, "public_url", said))
    return Finding(
        "; ".join(problems) or "Issuer and gateway metadata agree",
        not problems,
        " ".join(remedies),
    )


def _of_the_issuer(stack: Stack, said: str) -> str:
    key = TELLS_ISSUER.get(stack.here.idp, TELLS_ISSUER["development"])
    where = place_of(stack.here.root, STACK_FILE, f"{key} =")
    if two_spellings(said, stack.here.issuer):
        return f"{ONE_SPELLING} ({where} {key})."
    return (
        f"Tokens carry what it calls itself: {where} {key} must be the public URL. Another address "
        "to reach it by belongs in GATEWAY_ISSUER_INTERNAL, never in the issuer."
    )


def _of_the_gateway(stack: Stack, key: str, *said: str) -> str:
    where = place_of(stack.here.root, GATEWAY_FILE, f"{key}:")
    variable = f"GATEWAY_{key.upper()}"
    told = f"{where} {key}, which {variable} overrides"
    here = stack.here
    if any(two_spellings(one, url) for one in said for url in (here.issuer, here.gateway)):
        return f"{ONE_SPELLING} ({told})."
    return f"Mend {told}."


def two_spellings(one: str, other: str) -> bool:
    """The same place on this machine under another name."""
    a, b = urlsplit(one), urlsplit(other)
    return (
        a.hostname != b.hostname
        and {a.hostname, b.hostname} <= LOOPBACK
        and (a.scheme, a.port) == (b.scheme, b.port)
    )


def spelling(stack: Stack, environ: Mapping[str, str] = os.environ) -> Finding:
    """Also of what does not run: the file that a deployment takes, and clients' own."""
    found = [*_misspelt_files(stack), *_misspelt_variables(environ)]
    return Finding(
        "; ".join(found) or "This machine has one name: localhost", not found, ONE_SPELLING + "."
    )


def _misspelt_files(stack: Stack) -> Iterator[str]:
    here = stack.here
    ports = f"{here.gateway_port}|{here.issuer_port}"
    url = re.compile(rf"https?://(?:127\.0\.0\.1|\[::1\])(?::(?:{ports}))(?=[/\"'\s,}}]|$)")
    key = re.compile(r"^\s*\"?(?:public_url|issuer)\"?:.*https?://(?:127\.0\.0\.1|\[::1\])")
    for name, pattern in ((GATEWAY_FILE, key), *((name, url) for name in CLIENT_FILES)):
        for number, line in enumerate(_lines(here.root / name), 1):
            if pattern.search(line):
                yield f"{name}:{number} says {line.strip()}"


def _misspelt_variables(environ: Mapping[str, str]) -> Iterator[str]:
    for name in ("GATEWAY_PUBLIC_URL", "GATEWAY_ISSUER"):
        host = urlsplit(environ.get(name, "")).hostname
        if host in LOOPBACK and host != "localhost":
            yield f"{name} says {environ[name]}"


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines() if file.is_file() else []


def keys(stack: Stack) -> Finding:
    """Where the gateway fetches them, which may be another address than the issuer's own."""
    if control.supervisor_pid(stack.here) is None:
        return Finding("The issuer's keys: not asked, nothing runs", good=True)
    base, where = _internal(stack)
    url = f"{base}{urlsplit(stack.here.issuer).path}/protocol/openid-connect/certs"
    try:
        published, _ = get(url)
        usable = [one for one in published.get("keys", []) if one.get("use", "sig") == "sig"]
    except (OSError, ValueError) as error:
        return Finding(
            f"The issuer's keys cannot be read at {url}: {error}",
            good=False,
            remedy=f"With an hour's keys used up, every call is refused. The address is {where}.",
        )
    return Finding(
        f"{len(usable)} of the issuer's keys can be read at {url}"
        if usable
        else f"The issuer publishes no signing key at {url}",
        bool(usable),
        "At Keycloak: Realm settings, Keys.",
    )


def _internal(stack: Stack) -> tuple[str, str]:
    """The gateway's address for the issuer, and which line says so."""
    name, here = "GATEWAY_ISSUER_INTERNAL", stack.here
    try:
        part = stack.plan.part("gateway")
        filled = stack.filler().with_any_port().fill(part.env[name], part)
    except (StackTomlError, ConfigError, LookupError):  # `make up` says what is wrong with a file
        return here.issuer_base, place_of(here.root, GATEWAY_FILE, "issuer:")
    return filled.rstrip("/"), f"{place_of(here.root, STACK_FILE, f'{name} =')} {name}"


def clock(stack: Stack) -> Finding:
    """Tokens are judged by time; in a paused virtual machine that is off."""
    if control.supervisor_pid(stack.here) is None:
        return Finding("Clock: not compared, nothing runs", good=True)
    try:
        _, date = get(f"{stack.here.issuer}/.well-known/openid-configuration")
    except (OSError, ValueError) as error:
        return Finding(f"Clock: the issuer does not answer: {error}", good=False, remedy="make ps")
    if date is None:
        return Finding("Clock: the issuer sends no date", good=True)
    off = (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()
    if abs(off) <= CLOCK_SKEW_SECONDS:
        return Finding(f"The issuer's clock is within {abs(off):.0f} s of this one", good=True)
    ahead = off > 0
    effect = "are not valid yet" if ahead else "end too early"
    return Finding(
        f"The issuer's clock is {abs(off):.0f} s {'ahead of' if ahead else 'behind'} this one: "
        f"its tokens {effect}, {CLOCK_SKEW_SECONDS} s are forgiven",
        good=False,
        remedy="Let both machines keep time (NTP); after sleep, WSL2: `wsl --shutdown`.",
    )
