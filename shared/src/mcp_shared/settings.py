"""What every server needs to know of the world, from the environment; secrets are not repeated.

An error about a setting names it and says what is expected, never the value: errors end in logs.
"""

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Profile = Literal["development", "production"]
Made = TypeVar("Made", bound=BaseSettings)


class StartError(ValueError):
    """A server must not start with what it was given; the text says why, each thing on a line."""


def _whole(url: str) -> str:
    """A special character in a password that is not percent-encoded would end the address early,
    and a part of the password would be taken for a host or a port, which libraries put into logs.
    """
    address = url.partition("://")[2].partition("?")[0].partition("/")[0]
    hosts = address.rpartition("@")[2].split(",")
    ports = [host.rpartition(":")[2] for host in hosts if ":" in host and not host.endswith("]")]
    spoilt = "#" in url or address.count("@") > 1 or any(not port.isdecimal() for port in ports)
    if url and ("://" not in url or spoilt):
        raise ValueError(
            "expected scheme://user:password@host:port/name; special characters in the password "
            "are percent-encoded"
        )
    return url


# an address with a login in it
SecretUrl = Annotated[str, AfterValidator(_whole)]
# for a header, which may hold no line break; a file of a secret often ends with one
SecretWord = Annotated[
    SecretStr, BeforeValidator(lambda given: given.strip() if isinstance(given, str) else given)
]


def is_loopback(url: str) -> bool:
    """Whether this URL leads to the machine that asks, whichever that is."""
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def stays_inside(url: str) -> bool:
    """Whether plain http to it leaves neither this machine nor the network of its containers."""
    host = urlsplit(url).hostname or ""
    name = bool(host) and "." not in host and ":" not in host  # an address of IPv6 has no dot
    return is_loopback(url) or name


def not_public(url: str) -> str | None:
    """Why other machines could not use this URL, or not safely; None when they can."""
    if is_loopback(url):
        return "is on loopback, which only this machine reaches"
    if not url.startswith("https://"):
        return "is not https, so whoever is on the way can read and change what is said"
    return None


class ServerSettings(BaseSettings):
    """URLs are compared as exact strings, so they stay strings here (RFC 8414 section 3.3)."""

    model_config = SettingsConfigDict(env_prefix="MCP_", hide_input_in_errors=True)

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    # this server's own canonical URL: the only audience it accepts (RFC 8707)
    resource: str
    issuer: str
    # where the issuer's keys are fetched; may be an internal address, unlike the issuer
    jwks_url: str
    # the clients that may call: the gateway's endpoints, as `azp`
    callers: Annotated[frozenset[str], NoDecode]
    max_body_bytes: int = 1_048_576
    profile: Profile = "development"

    @field_validator("callers", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(part.strip() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _no_development_issuer(self) -> Self:
        """In production nobody may be let in by an issuer, or a gateway, of one machine."""
        if self.profile == "production":
            named = [("ISSUER", self.issuer), *(("CALLERS", url) for url in sorted(self.callers))]
            wrong = [f"MCP_{name}: {url} {why}" for name, url in named if (why := not_public(url))]
            if wrong:
                raise ValueError("\n".join(wrong))
        return self


def read(kind: type[Made], prefix: str | None = None) -> Made:
    """These settings from the environment; `prefix` is that of their variables, if not the class's.

    Raises:
        StartError: a line for each variable that is missing or wrong.

    """
    named: Any = {} if prefix is None else {"_env_prefix": prefix}
    try:
        return kind(**named)
    except ValidationError as error:
        shown = kind.model_config.get("env_prefix", "") if prefix is None else prefix
        raise StartError("\n".join(told(error, shown))) from None


def told(error: ValidationError, prefix: str) -> Iterator[str]:
    """One line for each wrong variable, without its value."""
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        said = problem["msg"].removeprefix("Value error, ")
        name = "_".join(str(part) for part in problem["loc"]).upper()
        yield from (f"{prefix}{name}: {line}" if name else line for line in said.splitlines())
