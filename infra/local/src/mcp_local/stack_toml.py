"""The form of every stack.toml: what a part of the stack runs, needs and prepares.

Pure: no clock, no network, no state. A misspelt key is an error that names file and key.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]
T = TypeVar("T", bound=BaseModel)
Command = Annotated[tuple[str, ...], Field(min_length=1)]


class StackTomlError(ValueError):
    """A stack.toml or gateway.yaml that does not say what it must."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Setup(_Strict):
    """One idempotent command before the process starts."""

    command: Command
    title: str = ""
    env: dict[str, str] = {}


class Process(_Strict):
    command: Command
    health: Annotated[str, Field(pattern=r"^/")] | None = None
    # how long its first healthy answer may take, where a minute is too little
    patience: Annotated[int, Field(ge=1, le=600)] | None = None
    needs: tuple[str, ...] = ()
    sandboxes: tuple[str, ...] = ()


class PartFile(_Strict):
    """servers/<name>/stack.toml and the stack.toml of a sandbox."""

    process: Process | None = None
    needs: tuple[str, ...] = ()
    sandboxes: tuple[str, ...] = ()
    setup: tuple[Setup, ...] = ()
    env: dict[str, str] = {}


class BaseService(_Strict):
    """One entry of infra/local/stack.toml."""

    own: Literal["postgres", "valkey"] | None = None
    public: Literal["gateway", "issuer"] | None = None
    # an environment variable; where it is set, something else does this part's work
    unless: str | None = None
    # a choice of `make up`; where it is not made, the stack is without this part
    when: Literal["tls", "balancer", "keycloak"] | None = None
    # the part whose name and place it then takes
    instead_of: Name | None = None
    # whose public ports this part holds in their stead
    fronts: tuple[Literal["gateway", "issuer"], ...] = ()
    # there may be several of it; what each of them gets besides, once there are
    replicated: dict[str, str] | None = None
    process: Process | None = None
    needs: tuple[str, ...] = ()
    setup: tuple[Setup, ...] = ()
    env: dict[str, str] = {}


class Servers(_Strict):
    needs: tuple[str, ...] = ()
    env: dict[str, str] = {}


class Parts(_Strict):
    """What every process gets where the user's own environment does not say otherwise."""

    env: dict[str, str] = {}


class BaseFile(_Strict):
    """infra/local/stack.toml."""

    services: dict[Name, BaseService]
    servers: Servers = Servers()
    parts: Parts = Parts()


def _read(file: Path, form: type[T]) -> T:
    try:
        return form.model_validate(tomllib.loads(file.read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise StackTomlError(f"{file}: {error}") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors()
        )
        raise StackTomlError(f"{file}: {problems}") from error


def read_part(file: Path) -> PartFile:
    return _read(file, PartFile)


def read_base(file: Path) -> BaseFile:
    return _read(file, BaseFile)
