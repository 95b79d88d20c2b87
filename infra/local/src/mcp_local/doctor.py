"""make doctor: what could be wrong with this machine or stack, one line each, with remedy."""

import json
import platform
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from mcp_gateway.configuration.settings import ConfigError
from mcp_local import control, postgres_home, screen, stack_file, trust, valkey
from mcp_local.allocation import public_ports
from mcp_local.board import READY, read_board
from mcp_local.doctor_finding import Finding, get
from mcp_local.doctor_identity import clock, identity, keys, spelling
from mcp_local.doctor_realm import audience, pkce, redirects
from mcp_local.load import Stack
from mcp_local.people import people
from mcp_local.policies import carried_by_nobody, insist_on_policies
from mcp_local.ports import holder, is_free
from mcp_local.private_ca import expires
from mcp_local.trust import Authority

DISK_BYTES = 2 * 1024**3  # data, logs and the environment together stay well below
HEARTBEAT = "mcp_gateway_ledger_writable"  # a metric that every export of a gateway has
SILENT_SECONDS = 120  # two exports at the SDK's own pace


def python_version(_: Stack) -> Finding:
    found = platform.python_version()
    return Finding(f"Python {found}", sys.version_info >= (3, 11), "Install Python 3.11 or later.")


def disk(stack: Stack) -> Finding:
    free = shutil.disk_usage(stack.here.root).free
    return Finding(
        f"{free / 1024**3:.1f} GiB free under {stack.here.root}",
        free >= DISK_BYTES,
        f"Free some space: {DISK_BYTES / 1024**3:.0f} GiB are asked for.",
    )


def postgres_binaries(stack: Stack) -> Finding:
    if stack.here.database_url:
        return Finding("PostgreSQL from DATABASE_URL", good=True)
    try:
        return Finding(f"PostgreSQL in {postgres_home.binaries()}", good=True)
    except postgres_home.PostgresMissingError as error:
        return Finding("PostgreSQL", good=False, remedy=str(error))


def valkey_binary(stack: Stack) -> Finding:
    if stack.here.redis_url:
        return Finding("Valkey from REDIS_URL", good=True)
    try:
        return Finding(f"Valkey in {valkey.binary()}", good=True)
    except valkey.ValkeyMissingError as error:
        return Finding("Valkey", good=False, remedy=str(error))


def folder_permissions(stack: Stack) -> Finding:
    """Only root has this problem; see `postgres_home`."""
    if not postgres_home.unprivileged():
        return Finding("PostgreSQL runs as this user", good=True)
    folder = stack.here.run
    if postgres_home.can_reach(folder):
        return Finding(f"PostgreSQL's own user can reach {folder}", good=True)
    outside = postgres_home.moved_to(folder / "postgres")
    where = outside or f"{postgres_home.OUTSIDE} (at the next `make up`)"
    return Finding(f"PostgreSQL's user cannot reach {folder}: its data is in {where}", good=True)


def ports(stack: Stack) -> Finding:
    if control.supervisor_pid(stack.here) is not None:
        return Finding("The public ports are held by the stack", good=True)
    busy = [
        f"{port} ({name}) is held by {holder(port) or 'another user'}"
        for name, (port, _) in public_ports(stack.here).items()
        if not is_free(port)
    ]
    return Finding(
        "; ".join(busy) or "The public ports are free",
        not busy,
        "Stop that process: these ports are part of the stack's identity.",
    )


def parts(stack: Stack) -> Finding:
    board = read_board(stack.here.state)
    if control.supervisor_pid(stack.here) is None or board is None:
        return Finding("The stack does not run", good=True, remedy="make up")
    sick = [f"{p.name} {p.status}" for p in board.parts.values() if p.status not in READY]
    return Finding(
        "; ".join(sick) or f"All {len(board.parts)} parts are well", not sick, "make ps, make logs"
    )


def certificate(stack: Stack) -> Finding:
    """Only where the stack answers https: that its keys are closed and a client can verify it."""
    here = stack.here
    authority = Authority(here.certificates)
    if not here.tls:
        return Finding("Plain http on loopback (make up TLS=1 for https)", good=True)
    if not authority.server_certificate.is_file():
        return Finding("https: no certificate yet", good=True, remedy="make up")
    if opened := [str(key) for key in authority.keys if key.stat().st_mode & 0o077]:
        return Finding(
            f"{', '.join(opened)}: open to others", good=False, remedy=f"chmod 600 {opened[0]}"
        )
    left = (expires(authority.server_certificate) - datetime.now(UTC)).days
    told = f"https by {authority.certificate}, its certificate good for {left} days"
    if control.supervisor_pid(here) is not None:
        try:
            trust.handshake(here)
        except OSError as error:
            return Finding(f"https: {error}", good=False, remedy="make down, make up")
    return Finding(told, left > 0, "make down, make up: it is renewed at the start")


def telemetry(stack: Stack) -> Finding:
    """Whether what the gateway tells arrives; of a backend that is not ours, where to look."""
    if control.supervisor_pid(stack.here) is None or not stack.here.stack.is_file():
        return Finding("Telemetry: not asked, nothing runs", good=True)
    base = json.loads(stack.here.stack.read_text()).get(stack_file.TELEMETRY)
    if base is None:
        return Finding(
            "Telemetry goes where OTEL_EXPORTER_OTLP_ENDPOINT pointed at the last `make up`; "
            f"look there for {HEARTBEAT}, this cannot",
            good=True,
        )
    try:
        answer, _ = get(f"{base}/api/v1/query?query={HEARTBEAT}")
        heard = [float(one["value"][0]) for one in answer["data"]["result"]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        return Finding(f"Telemetry: {base} does not answer: {error}", good=False, remedy="make ps")
    ago = time.time() - max(heard, default=0.0)
    return Finding(
        f"Telemetry arrives at {base}, the last {ago:.0f} s ago"
        if ago < SILENT_SECONDS
        else f"Nothing of the gateway has arrived at {base} for {SILENT_SECONDS} s",
        ago < SILENT_SECONDS,
        "make logs NAME=gateway, and look for opentelemetry.",
    )


def realm(stack: Stack) -> Finding:
    found = people(stack.here.root)
    return Finding(
        f"{len(found)} demo people in the realm",
        bool(found),
        "infra/keycloak/realm.json has no users; nobody can sign in.",
    )


def policies(stack: Stack) -> Finding:
    """A running gateway goes on with the last good ones."""
    try:
        found = insist_on_policies(stack.here)
    except ConfigError as error:
        return Finding(f"A policy cannot be used: {error}", good=False, remedy="Mend that file.")
    if nobodys := carried_by_nobody(stack.here, found):
        told = "; ".join(f"role {role!r} ({line})" for role, line in nobodys.items())
        return Finding(
            f"Nobody has {told}: that line lets nobody in",
            good=False,
            remedy="Mend the line, or give the role to a group in infra/keycloak/realm.json.",
        )
    return Finding("Policies, agents and lock files can be read", good=True)


CHECKS: tuple[Callable[[Stack], Finding], ...] = (
    python_version, disk, postgres_binaries, valkey_binary, folder_permissions, ports, realm,
    policies, parts,
    certificate, spelling, identity, keys, clock, audience, pkce, redirects, telemetry,
)  # fmt: skip


def run(stack: Stack) -> int:
    trust.adopt(stack.here)
    findings = [check(stack) for check in CHECKS]
    for finding in findings:
        mark = "[green]ok[/]     " if finding.good else "[red]problem[/]"
        screen.console.print(f"{mark} ", end="")
        screen.console.print(finding.what, markup=False)
        if finding.remedy and not finding.good:
            screen.console.print(f"        → {finding.remedy}", markup=False)
    return 0 if all(finding.good for finding in findings) else 1
