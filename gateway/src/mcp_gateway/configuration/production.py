"""What a replica of the production profile refuses to start with: what belongs to one developer's
machine, and what everyone can guess.

Every problem is one line that names the variable or the file and says what to set. A secret is
never repeated. That the ledger's database keeps what it acknowledges is asked of that database, in
every profile, when the ledger is opened.
"""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from mcp_gateway.configuration.settings import Config, ConfigError, Settings
from mcp_gateway.rights.policy import Policy
from mcp_shared.settings import is_loopback, not_public

KEY_FILES = ("gateway-assertion.pem", "ledger.pem", "sealing.key", "session.key")
DEVELOPMENT_CLIENTS = frozenset({"mcp-dev-cli"})  # password grant; only the development realm's
MIN_PASSWORD = 12  # characters
GUESSED = frozenset(
    {
        "admin", "change-me-please", "changeme", "changemeplease", "default", "foobared",
        "passw0rd", "password", "postgres", "postgrespassword", "redis", "redispassword", "root",
        "secret", "valkey",
    }
)  # fmt: skip
ADMINISTRATORS = frozenset({"postgres", "rds_superuser", "root"})
# a login that is not in the URL: files that libpq knows, or a client certificate
ELSEWHERE = ("passfile", "service", "sslcert")
ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def insist(made: Settings, config: Config, policy: Policy) -> None:
    """Nothing, in another profile than production.

    Raises:
        ConfigError: every problem, one line each.

    """
    if made.profile != "production":
        return
    found = [
        *_addresses(made, config),
        *_logins(made),
        *_recording(made),
        *_keys(modes(made.keys)),
        *_clients(made, policy),
    ]
    if found:
        raise ConfigError("\n".join(f"production: {line}" for line in found))


def insist_on_clients(made: Settings, policy: Policy) -> None:
    """The part of it that a changed file can bring about while the gateway runs.

    Raises:
        ConfigError: a development client is listed.

    """
    if made.profile == "production" and (found := list(_clients(made, policy))):
        raise ConfigError("\n".join(f"production: {line}" for line in found))


def warnings(made: Settings, config: Config) -> Iterator[str]:
    """What may be right, and mostly is not."""
    if made.profile != "production":
        return
    if config.limits.trusted_proxies == 0:
        yield (
            f"{made.config}: limits.trusted_proxies: is 0, so behind a proxy or load balancer all "
            "clients count as one address; set how many stand in front"
        )
    yield from _witnessless(made)
    if not made.ledger_disk:
        yield (
            "GATEWAY_LEDGER_DISK: is not set, so nothing closes before the ledger's disk is full; "
            "set a folder on it, or its size, such as 200 GiB"
        )
    for name, url in _elsewhere_in_clear(made):
        yield f"GATEWAY_{name}: what is said to {urlsplit(url).hostname} may travel in clear"


def _witnessless(made: Settings) -> Iterator[str]:
    """Not refused: the place needs another owner, whom this gateway cannot make."""
    if not made.checkpoints:
        yield (
            "GATEWAY_CHECKPOINTS: is not set, so nothing outside the database shows when its owner "
            "cuts off the newest records; set a directory of another host, or s3://bucket/prefix"
        )
    elif (weak := _query(made.checkpoints, "lock")) in ("governance", "none"):
        yield f"GATEWAY_CHECKPOINTS: lock={weak} lets its owner remove them; use lock=compliance"


def _elsewhere_in_clear(made: Settings) -> Iterator[tuple[str, str]]:
    for name, url in (
        ("LEDGER_URL", made.ledger_url),
        ("LEDGER_READER_URL", made.ledger_reader_url),
    ):
        if _host(url) and not is_loopback(url) and _query(url, "sslmode") not in ENCRYPTED:
            yield name, url
    if made.redis_url.startswith("redis://") and not is_loopback(made.redis_url):
        yield "REDIS_URL", made.redis_url
    internal = made.issuer_internal or ""
    if internal.startswith("http://") and not is_loopback(internal):
        yield "ISSUER_INTERNAL", internal


def _addresses(made: Settings, config: Config) -> Iterator[str]:
    """What clients are told, and whose tokens are believed."""
    for key, url, override in (
        ("public_url", config.public_url, made.public_url),
        ("issuer", config.issuer, made.issuer),
    ):
        if why := not_public(url):
            where = f"GATEWAY_{key.upper()}" if override else f"{made.config}: {key}"
            yield f"{where}: {url} {why}; set an https address that clients reach"


def _logins(made: Settings) -> Iterator[str]:
    for name, url in (
        ("LEDGER_URL", made.ledger_url),
        ("LEDGER_READER_URL", made.ledger_reader_url),
    ):
        if not url:
            yield f"GATEWAY_{name}: is not set"
            continue
        parts = urlsplit(url)
        user = parts.username or _query(url, "user")
        if user in ADMINISTRATORS:
            role = "audit_reader" if "READER" in name else "audit_writer"
            yield f"GATEWAY_{name}: signs in as {user}, who could change records; use {role}"
        if not any(_query(url, key) for key in ELSEWHERE):
            yield from _password(f"GATEWAY_{name}", parts, user)
    if not made.redis_url:
        yield "GATEWAY_REDIS_URL: is not set"
    else:
        parts = urlsplit(made.redis_url)
        yield from _password("GATEWAY_REDIS_URL", parts, parts.username or "")


def _recording(made: Settings) -> Iterator[str]:
    if made.ledger_mode != "required":
        yield (
            f"GATEWAY_LEDGER_MODE: is {made.ledger_mode}, so calls would go on unrecorded; "
            "remove it, or set required"
        )


def _password(name: str, parts: SplitResult, user: str) -> Iterator[str]:
    password = unquote(parts.password or "") or _query(parts.geturl(), "password")
    if not password:
        yield f"{name}: has no password; give the server one, and put it into the URL"
    elif password.lower() in {*GUESSED, user.lower()}:
        yield f"{name}: has a password that everyone knows; set another"
    elif len(password) < MIN_PASSWORD:
        yield f"{name}: has a password of fewer than {MIN_PASSWORD} characters; set a longer one"


def _keys(found: Mapping[Path, int]) -> Iterator[str]:
    for path, mode in found.items():
        if mode & OTHERS:
            closed = "700" if stat.S_ISDIR(mode) else "600"
            yield f"{path}: is open to others than its owner; chmod {closed} {path}"


def modes(keys: Path) -> dict[Path, int]:
    """Of the key folder and the keys in it."""
    return {path: path.stat().st_mode for path in (keys, *(keys / name for name in KEY_FILES))}


def _clients(made: Settings, policy: Policy) -> Iterator[str]:
    for kind, listed in (("agents", policy.agents), ("services", policy.services)):
        for name in sorted(DEVELOPMENT_CLIENTS & set(listed)):
            yield (
                f"{made.config.parent / 'agents.yaml'}: {kind}.{name}: signs people in by their "
                "password and is for development only; remove the line"
            )


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _query(url: str, key: str) -> str:
    return parse_qs(urlsplit(url).query).get(key, [""])[-1]
