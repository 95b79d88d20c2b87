"""Everything the operator decides: gateway.yaml, agents.yaml, and the environment.

A mistake stops the start with the file, the key and what was expected; there are no silent defaults
for a key that is misspelt.
"""

import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from mcp_gateway.configuration import plain_yaml
from mcp_shared.settings import Profile, SecretUrl, told

Model = TypeVar("Model", bound=BaseModel)

MOST_PROXIES = 5
MOST_REPLICAS = 1000
# no underscore: it separates server and tool. A name is the scheme of the server's resources, too,
# so none that a client opens by itself
SERVER_NAME = re.compile(
    r"^(?!(?:https?|file|data|javascript|blob|ftp|wss?|mailto|ui)$)[a-z][a-z0-9-]{0,30}$"
)


class ConfigError(Exception):
    """A file the operator must mend; the text says which key and what is expected."""


class Rate(BaseModel):
    """So many calls per so many seconds; written `60/minute`."""

    model_config = ConfigDict(frozen=True)

    calls: int = Field(ge=1, le=1_000_000)
    seconds: float = Field(gt=0, le=86_400)

    @property
    def per_second(self) -> float:
        return self.calls / self.seconds


_UNITS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0}


def _rate(value: object) -> object:
    if not isinstance(value, str):
        return value
    count, _, unit = value.partition("/")
    if not count.strip().isdigit() or unit.strip() not in _UNITS:
        raise ValueError(f"expected a rate such as 60/minute, got {value!r}")
    return Rate(calls=int(count), seconds=_UNITS[unit.strip()])


def _seconds(value: object) -> object:
    if isinstance(value, str):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", value.strip())
        if match is None:
            raise ValueError(f"expected a duration such as 10s, got {value!r}")
        return float(match[1]) * {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}[match[2]]
    return value


RateText = Annotated[Rate, BeforeValidator(_rate)]
Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=600)]
Lifetime = Annotated[float, BeforeValidator(_seconds), Field(ge=60, le=86_400)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(Strict):
    body_bytes: int = Field(default=1_048_576, ge=1024)
    answer_bytes: int = Field(default=4_194_304, ge=1024)
    # all calls of one person together, in tokens: a call takes what its tool costs
    person_rate: RateText = Rate(calls=300, seconds=60)
    # who share the limits while Valkey is away, each with its part
    replicas: int = Field(default=2, ge=1, le=MOST_REPLICAS)
    # requests turned away at the door, per client address and per known person
    refused_rate: RateText = Rate(calls=300, seconds=60)
    # proxies in front that append to X-Forwarded-For; 0 believes none of it
    trusted_proxies: int = Field(default=0, ge=0, le=MOST_PROXIES)
    timeout: Seconds = 30.0


class Listed(Strict):
    """One entry of `servers:`; a bare name or path is the short form of `path:`."""

    path: str
    # identity of the backend, its audience; not the address it is reached at
    resource: str | None = None


class Config(Strict):
    public_url: str
    issuer: str
    servers: list[Listed]
    limits: Limits = Limits()
    # web pages that may call the gateway; hosts such as editors send no Origin
    allowed_origins: list[str] = []

    @field_validator("servers", mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        if not isinstance(value, list):
            return value
        return [{"path": one} if isinstance(one, str) else one for one in value]

    @field_validator("public_url", "issuer")
    @classmethod
    def _exact_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.netloc or value.endswith("/"):
            raise ValueError("expected an absolute http(s) URL without a trailing slash")
        return value


class Settings(BaseSettings):
    """Addresses, secrets and switches of one replica; the environment, prefix GATEWAY_."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", hide_input_in_errors=True)

    config: Path = Path("gateway/gateway.yaml")
    host: str = "127.0.0.1"
    port: int = 8080
    keys: Path = Path(".run/secrets")
    ledger_url: SecretUrl = ""
    ledger_reader_url: SecretUrl = ""
    # the disk that must not run full: a folder on it, or its size (200 GiB) where only the database
    # sees it; empty: nobody looks
    ledger_disk: str = ""
    # best-effort lets calls go on unrecorded while the ledger is down; production refuses it
    ledger_mode: Literal["required", "best-effort"] = "required"
    redis_url: SecretUrl = ""
    # where checkpoints of the ledger go: a directory or s3://bucket/prefix; empty: nowhere
    checkpoints: str = ""
    checkpoint_seconds: Annotated[float, Field(ge=0.1, le=3600)] = 1.0
    # where the issuer is reached from here, when that is not its public URL
    issuer_internal: str | None = None
    # {server: address}; identity stays in gateway.yaml
    upstreams: dict[str, str] = {}
    replica: str = "gateway-1"
    # override the file, so that a second stack can run beside the first
    public_url: str | None = None
    issuer: str | None = None
    trusted_proxies: Annotated[int, Field(ge=0, le=MOST_PROXIES)] | None = None
    replicas: Annotated[int, Field(ge=1, le=MOST_REPLICAS)] | None = None
    # told to end, it says so for so long before it takes no more calls: until balancers have heard
    leave_seconds: Annotated[float, Field(ge=0, le=60)] = 0.0
    # what production refuses to start with: production.py
    profile: Profile = "development"


def from_environment() -> Settings:
    """The replica's settings.

    Raises:
        ConfigError: every wrong variable, with what was expected.

    """
    try:
        return Settings()
    except (ValidationError, SettingsError) as error:
        raise ConfigError(_told("environment", error, "GATEWAY_")) from error


class Server(Strict):
    """A listed server: its folder, its endpoint here, and the backend behind it."""

    name: str
    folder: Path
    resource: str


def load(path: Path, settings: Settings | None = None) -> Config:
    """Read gateway.yaml, with the replica's overrides.

    Raises:
        ConfigError: the file is missing, not YAML, or has a wrong or unknown key.

    """
    document = read_yaml(path)
    if settings is not None:
        document |= {
            key: value
            for key, value in (("public_url", settings.public_url), ("issuer", settings.issuer))
            if value
        }
        limits = document.get("limits", {})
        here = {"trusted_proxies": settings.trusted_proxies, "replicas": settings.replicas}
        if isinstance(limits, dict):
            more = {key: value for key, value in here.items() if value is not None}
            document["limits"] = {**limits, **more}
    return parse(Config, document, path)


def servers(config: Config, path: Path) -> list[Server]:
    """The listed servers, in order, each with its folder resolved beside the repository."""
    root = path.resolve().parent.parent
    found: dict[str, Server] = {}
    for entry in config.servers:
        bare = SERVER_NAME.fullmatch(entry.path) is not None
        folder = root / "servers" / entry.path if bare else (root / entry.path).resolve()
        name = folder.name
        if not SERVER_NAME.fullmatch(name):
            raise ConfigError(f"{path}: servers: {name!r} must match {SERVER_NAME.pattern}")
        if not (folder / "policy.yaml").is_file():
            raise ConfigError(f"{path}: servers: {entry.path}: no policy.yaml in {folder}")
        if name in found:
            raise ConfigError(f"{path}: servers: {name!r} is listed twice")
        resource = entry.resource or f"http://{name}.internal/mcp"
        found[name] = Server(name=name, folder=folder, resource=resource)
    return list(found.values())


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping; safe tags only.

    Raises:
        ConfigError: missing, unreadable, empty, or something else than a mapping.

    """
    return read_with_bytes(path)[0]


def read_with_bytes(path: Path) -> tuple[dict[str, Any], bytes]:
    """A YAML mapping and the bytes it was read from, for whoever tells versions apart by them.

    Raises:
        ConfigError: as `read_yaml`.

    """
    try:
        raw = plain_yaml.read(path)
        document = plain_yaml.document(raw)
    except plain_yaml.NotPlainError as error:
        raise ConfigError(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: expected keys and values, found {type(document).__name__}")
    return document, raw


def parse(model: type[Model], document: dict[str, Any], path: Path) -> Model:
    """Check a document against its model.

    Raises:
        ConfigError: every wrong key, with what was expected.

    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise ConfigError(_told(str(path), error)) from error


def _told(where: str, error: ValidationError | SettingsError, prefix: str = "") -> str:
    if isinstance(error, SettingsError):
        return f"{where}: {error}"
    if prefix:
        return "\n".join(f"{where}: {line}" for line in told(error, prefix))
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in problem["loc"])
        lines.append(f"{where}: {key}: {problem['msg']}")
    return "\n".join(lines)


def exit_with(error: ConfigError) -> None:
    """Say what to mend and stop; exit status 2 is the operator's to handle."""
    sys.stderr.write(f"{error}\n")
    sys.exit(2)
