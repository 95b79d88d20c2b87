"""Where one stack lives: the repository, its run folder, and what the environment asks for."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REALM = "mcp"
IDPS = ("development", "keycloak")
MOST_REPLICAS = 8  # of the gateway: one machine shows no more with more
PLAIN, SECURE = (8080, 8081), (8443, 8444)  # public ports of gateway and issuer
PORTS = {
    "STACK_GATEWAY_PORT": "gateway.port",
    "STACK_ISSUER_PORT": "issuer.port",
}  # others are kept
EVIDENCE = "evidence"  # what checks and drills showed here: kept for whoever has to see it
# what people keep through `make clean`: evidence for a review board, backups, servers taken out
KEPT = frozenset({EVIDENCE, "backups", "removed"})


@dataclass(frozen=True)
class Place:
    """The folders and public addresses of one stack; two stacks differ in every one of these."""

    root: Path
    run: Path
    gateway_port: int = 8080
    issuer_port: int = 8081
    scale: str = "0.1"
    database_url: str | None = None
    redis_url: str | None = None
    tls: bool = False  # https in front of gateway and issuer, by a certificate authority of its own
    idp: str = "development"  # or keycloak: who signs people in
    replicas: int = 1  # gateways, behind a balancer where there are several

    @property
    def gateway(self) -> str:
        """Public URL of the gateway: an identity, so it has one spelling everywhere."""
        return f"{self._scheme}://localhost:{self.gateway_port}"

    @property
    def issuer_base(self) -> str:
        return f"{self._scheme}://localhost:{self.issuer_port}"

    @property
    def _scheme(self) -> str:
        return "https" if self.tls else "http"

    @property
    def issuer(self) -> str:
        return f"{self.issuer_base}/realms/{REALM}"

    @property
    def secrets(self) -> Path:
        return self.run / "secrets"

    @property
    def certificates(self) -> Path:
        return self.run / "tls"

    @property
    def choices(self) -> frozenset[str]:
        """What `when` in stack.toml may ask for."""
        made = {"keycloak"} if self.idp == "keycloak" else set()
        if self.tls:
            made.add("tls")  # what ends TLS balances, too
        elif self.replicas > 1:
            made.add("balancer")
        return frozenset(made)

    @property
    def logs(self) -> Path:
        return self.run / "logs"

    @property
    def state(self) -> Path:
        return self.run / "state.json"

    @property
    def ports(self) -> Path:
        """As last started: there is none where nothing ever was."""
        return self.run / "ports.json"

    @property
    def stack(self) -> Path:
        return self.run / "stack.json"


class NoRepositoryError(RuntimeError):
    """The command was started outside a clone."""


def find_root(start: Path) -> Path:
    for folder in (start, *start.parents):
        if (folder / "infra" / "local" / "stack.toml").is_file():
            return folder
    raise NoRepositoryError(f"{start} is not inside a clone of this repository.")


def _last(run: Path, name: str, default: object) -> str:
    """As this stack was last started, where nothing else is said."""
    file = run / name
    return file.read_text().strip() if file.is_file() else str(default)


def _keep(run: Path, name: str, value: object, default: object) -> None:
    if value == default:
        (run / name).unlink(missing_ok=True)
    else:
        (run / name).write_text(f"{value}\n")


def port_of(environ: Mapping[str, str], run: Path, name: str, default: int) -> int:
    text = environ.get(name) or _last(run, PORTS[name], default)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise ValueError(f"{name} must be a port number, not {text!r}.")
    return int(text)


def scale_of(environ: Mapping[str, str]) -> str:
    text = environ.get("STACK_SCALE") or "0.1"
    try:
        good = 0 < float(text) <= 10
    except ValueError:
        good = False
    if not good:
        raise ValueError(f"STACK_SCALE must be a number above 0 and up to 10, not {text!r}.")
    return text


def tls_of(environ: Mapping[str, str], run: Path) -> bool:
    """As asked for; where nothing is said, as this stack was last started."""
    text = environ.get("STACK_TLS") or ("1" if _remembered(run).exists() else "0")
    if text not in ("0", "1"):
        raise ValueError(f"TLS must be 1 or 0, not {text!r}.")
    return text == "1"


def _remembered(run: Path) -> Path:
    return run / "tls" / "on"


def replicas_of(environ: Mapping[str, str], run: Path) -> int:
    text = environ.get("STACK_REPLICAS") or _last(run, "replicas", 1)
    if not text.isdecimal() or not 1 <= int(text) <= MOST_REPLICAS:
        raise ValueError(f"REPLICAS must be 1 to {MOST_REPLICAS}, not {text!r}.")
    return int(text)


def idp_of(environ: Mapping[str, str], run: Path) -> str:
    text = environ.get("STACK_IDP") or _last(run, "idp", IDPS[0])
    if text not in IDPS:
        raise ValueError(f"IDP must be {' or '.join(IDPS)}, not {text!r}.")
    return text


def place(environ: Mapping[str, str] = os.environ, start: Path | None = None) -> Place:
    """The stack this command is about. `STACK_*` lets tests run beside a developer's own stack."""
    start = start or Path.cwd()
    root = Path(environ["STACK_ROOT"]).resolve() if environ.get("STACK_ROOT") else find_root(start)
    run = Path(environ["STACK_RUN"]) if environ.get("STACK_RUN") else root / ".run"
    run = (root / run).resolve()
    tls = tls_of(environ, run)
    gateway, issuer = SECURE if tls else PLAIN
    return Place(
        root=root,
        run=run,
        gateway_port=port_of(environ, run, "STACK_GATEWAY_PORT", gateway),
        issuer_port=port_of(environ, run, "STACK_ISSUER_PORT", issuer),
        scale=scale_of(environ),
        database_url=environ.get("DATABASE_URL") or None,
        redis_url=environ.get("REDIS_URL") or None,
        tls=tls,
        idp=idp_of(environ, run),
        replicas=replicas_of(environ, run),
    )


def prepare(here: Place) -> None:
    """Make the run folder; whoever may read the clone may pass, only secrets are closed."""
    here.run.mkdir(parents=True, exist_ok=True)
    here.logs.mkdir(exist_ok=True)
    here.secrets.mkdir(mode=0o700, exist_ok=True)


def remember(here: Place) -> None:
    """Commands that follow find the stack where it was started, also without TLS=1."""
    marker = _remembered(here.run)
    if here.tls:
        marker.parent.mkdir(mode=0o700, exist_ok=True)
        marker.touch()
    else:
        marker.unlink(missing_ok=True)
    _keep(here.run, "idp", here.idp, IDPS[0])
    _keep(here.run, "replicas", here.replicas, 1)
    gateway, issuer = SECURE if here.tls else PLAIN
    _keep(here.run, PORTS["STACK_GATEWAY_PORT"], here.gateway_port, gateway)
    _keep(here.run, PORTS["STACK_ISSUER_PORT"], here.issuer_port, issuer)


def remove_data(here: Place) -> None:
    """Everything `make up` made; not what people keep, nor run folders of tests and drills."""
    for entry in here.run.iterdir() if here.run.is_dir() else ():
        if entry.name.startswith("test-") or entry.name in KEPT:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
