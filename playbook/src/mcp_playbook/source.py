"""Which deployment is meant: a bare URL, a deployment.toml of yours, or the local stack."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from mcp_gateway.configuration import settings
from mcp_local import control, environment, ledger_view, trust
from mcp_local.fill import Filler
from mcp_local.governed import Call, calls_of
from mcp_local.load import Stack, load
from mcp_local.place import find_root
from mcp_playbook.deployment import AGGREGATE, Deployment, Endpoint, Kit, Launch
from mcp_playbook.tokens import CommandTokens, OneToken, PasswordTokens, Tokens

PAGE = "playbook/deployment.md"
EVIDENCE = "PLAYBOOK_EVIDENCE"  # where evidence is kept; .run/evidence otherwise


class SourceError(ValueError):
    """The deployment cannot be told; the message says what to set."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Operator(_Strict):
    username: str
    password_env: str


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or value != f"{parts.scheme}://{parts.netloc}":
        raise ValueError("expected an http(s) origin, without a path or a trailing slash")
    return value


class File(_Strict):
    """A deployment.toml; relative paths start at its folder."""

    gateway: Annotated[str, AfterValidator(_origin)]
    config: Path = Path("gateway/gateway.yaml")
    token_command: tuple[str, ...] = ()
    ledger_url_env: str = "GATEWAY_LEDGER_READER_URL"
    ledger_public: Path | None = None
    internal: dict[str, str] = {}
    logs: Path | None = None
    traces: str | None = None
    metrics: str | None = None
    operator: _Operator | None = None


def from_environment(environ: Mapping[str, str] = os.environ) -> Deployment:
    """URL=… names a bare endpoint, DEPLOYMENT=… a file; neither means the local stack.

    Raises:
        SourceError: what is named cannot be used, or the local stack does not run.

    """
    if url := environ.get("URL"):
        return bare(url, environ.get("MCP_TOKEN"), environ.get("PROBES"))
    if file := environ.get("DEPLOYMENT"):
        return of_file(Path(file), environ)
    stack = load()
    if control.supervisor_pid(stack.here) is None:
        # a checklist of a stack that is down would be a page of failures, kept as evidence
        raise SourceError(
            "The stack does not run; `make up` starts it. "
            f"Another deployment: URL=… or DEPLOYMENT=… ({PAGE})."
        )
    return of_stack(stack)


def bare(url: str, token: str | None = None, probes: str | None = None) -> Deployment:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise SourceError(f"URL must be an http(s) address of an MCP endpoint, not {url!r}.")
    return Deployment(
        name=url,
        origin=f"{parts.scheme}://{parts.netloc}",
        endpoints=(Endpoint(AGGREGATE, url, ""),),
        probes=tuple(_probes(Path(probes))) if probes else (),
        tokens=OneToken(token) if token else None,
    )


def _probes(file: Path) -> list[Call]:
    try:
        entries = tomllib.loads(file.read_text("utf-8")).get("call", [])
        return [Call.model_validate(entry) for entry in entries]
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise SourceError(f"{file}: {_words(error)}") from error


def _words(error: Exception) -> str:
    """One line for each mistake, without the library's own."""
    if isinstance(error, ValidationError):
        told = error.errors(include_url=False, include_input=False)
        return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in told)
    if isinstance(error, FileNotFoundError):
        return f"no such file; {PAGE} says what it holds"
    return str(error)


def of_file(file: Path, environ: Mapping[str, str] = os.environ) -> Deployment:
    try:
        told = File.model_validate(tomllib.loads(file.read_text("utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise SourceError(f"{file}: {_words(error)}") from error
    at = file.resolve().parent
    root = find_root(Path.cwd())
    servers = tuple(settings.servers(settings.load(at / told.config), at / told.config))
    probes = [
        call.model_copy(update={"server": server.name})
        for server in servers
        if (server.folder / "demo.toml").is_file()
        for call in _probes(server.folder / "demo.toml")
    ]
    if strangers := set(told.internal) - {server.name for server in servers}:
        listed = ", ".join(server.name for server in servers)
        raise SourceError(f"{file}: internal: {', '.join(strangers)}: {told.config} has {listed}")
    operator = told.operator
    return Deployment(
        name=told.gateway,
        origin=told.gateway,
        endpoints=endpoints(told.gateway, [server.name for server in servers]),
        probes=tuple(probes),
        tokens=CommandTokens(told.token_command) if told.token_command else None,
        kit=Kit(
            root=root,
            config=at / told.config,
            evidence=evidence(root, environ),
            servers=servers,
            gateway_env=environ if environ.get("GATEWAY_LEDGER_URL") else None,
            ledger=environ.get(told.ledger_url_env) or None,
            ledger_missing=f"the variable {told.ledger_url_env} is empty",
            ledger_public=at / told.ledger_public if told.ledger_public else None,
            internal=told.internal,
            logs=at / told.logs if told.logs else None,
            traces=told.traces,
            metrics=told.metrics,
            operator=(operator.username, environ[operator.password_env])
            if operator and environ.get(operator.password_env)
            else None,
            launches=_launches(Stack(load().here)),
        ),
    )


def of_stack(stack: Stack) -> Deployment:
    """The local stack, where a part of it may be down: a check that needs that part says so."""
    here, filler = stack.here, stack.filler().with_any_port()
    trust.adopt(here)
    config = here.root / "gateway" / "gateway.yaml"
    told = stack_file(stack)
    telemetry = told.get("telemetry")
    password = here.secrets / "demo-password"
    return Deployment(
        name=f"the local stack at {here.gateway}",
        origin=here.gateway,
        endpoints=endpoints(here.gateway, [server.name for server in stack.plan.servers()]),
        probes=tuple(call for server in stack.plan.servers() for call in calls_of(server)),
        tokens=_local_tokens(here.issuer, password),
        kit=Kit(
            root=here.root,
            config=config,
            evidence=evidence(here.root),
            servers=tuple(settings.servers(settings.load(config), config)),
            issuer=here.issuer,
            gateway_env=environment.of_process(stack.plan.part("gateway"), filler),
            ledger=ledger_view.reader_url(filler),
            ledger_public=here.secrets / "ledger.pub",
            internal={s.name: f"{filler.url(s.name)}/mcp" for s in stack.plan.servers()},
            logs=here.logs,
            traces=telemetry,
            metrics=telemetry,
            operator=_operator(stack, password),
            launches=_launches(stack),
            stack=stack,
        ),
    )


def _local_tokens(issuer: str, password: Path) -> Tokens:
    return PasswordTokens(f"{issuer}/protocol/openid-connect/token", password)


def _operator(stack: Stack, password: Path) -> tuple[str, str] | None:
    from mcp_local.people import people

    named = [one.username for one in people(stack.here.root) if "operator" in one.role.split(", ")]
    return (named[0], password.read_text().strip()) if named and password.is_file() else None


def stack_file(stack: Stack) -> dict[str, str]:
    import json

    file = stack.here.stack
    found: dict[str, str] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return found


def endpoints(origin: str, servers: list[str]) -> tuple[Endpoint, ...]:
    own = [Endpoint(name, f"{origin}/servers/{name}/mcp", f"aud:{name}") for name in servers]
    return (Endpoint(AGGREGATE, f"{origin}/mcp", "aud:mcp"), *own)


def evidence(root: Path, environ: Mapping[str, str] = os.environ) -> Path:
    return Path(environ.get(EVIDENCE) or root / ".run" / "evidence")


def _launches(stack: Stack) -> dict[str, Launch]:
    """How the listed servers are started here, whether they run or not."""
    filler: Filler = stack.filler().with_any_port()
    return {
        part.name: Launch(
            filler.command(part.command, part),
            environment.of_process(part, filler),
            stack.here.root,
        )
        for part in stack.plan.servers()
    }
