"""Completion and latency of every probed tool, measured through the gateway and kept.

A probe completes when it answers with a result; the share says nothing about whether an agent would
have chosen the tool, or understood the answer.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from mcp_local.governed import Call
from mcp_playbook.deployment import Deployment

TRIALS = 20
PAUSE_SECONDS = 0.05
DAYS = 30  # an older baseline says little about today
FLOOR = 0.95
PATTERN = "*-baseline.json"


@dataclass(frozen=True)
class Measured:
    server: str
    tool: str
    calls: int
    completed: int
    p50_ms: float
    p95_ms: float
    failures: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.server}_{self.tool}"

    @property
    def completion(self) -> float:
        return self.completed / self.calls


@dataclass(frozen=True)
class Baseline:
    date: str
    deployment: str
    tools: tuple[Measured, ...]

    @property
    def days_old(self) -> int:
        return (datetime.now(UTC) - datetime.fromisoformat(self.date)).days

    def summary(self) -> str:
        worst = min(self.tools, key=lambda tool: tool.completion)
        slow = max(self.tools, key=lambda tool: tool.p95_ms)
        calls = sum(tool.calls for tool in self.tools)
        return (
            f"{len(self.tools)} tools, {calls} calls on {self.date[:10]}: lowest completion "
            f"{worst.completion:.0%} ({worst.name}), slowest p95 {slow.p95_ms:.0f} ms ({slow.name})"
        )


async def measure(at: Deployment, trials: int = TRIALS) -> Baseline:
    """Every allowed probe, so many times one after another."""
    probes = {(probe.server, probe.tool): probe for probe in reversed(at.allowed())}
    tools = [await _tool(at, probe, trials) for probe in reversed(probes.values())]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Baseline(now, at.name, tuple(tools))


async def _tool(at: Deployment, probe: Call, trials: int) -> Measured:
    took, failures = [], []
    for _ in range(trials):
        begun = time.perf_counter()
        try:
            reply = await at.call(probe)
            if not reply.works:
                failures.append(reply.brief()[:120])
        except httpx2.HTTPError as error:
            failures.append(type(error).__name__)
        took.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(PAUSE_SECONDS)
    return Measured(
        probe.server, probe.tool, trials, trials - len(failures),
        round(statistics.median(took), 1), round(_quantile(took, 0.95), 1),
        tuple(dict.fromkeys(failures))[:5],
    )  # fmt: skip


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def keep(baseline: Baseline, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{baseline.date[:10]}-baseline.json"
    file.write_text(json.dumps(asdict(baseline), indent=2) + "\n")
    return file


def newest(folder: Path) -> Baseline | None:
    files = sorted(folder.glob(PATTERN))
    return _read(files[-1]) if files else None


def _read(file: Path) -> Baseline:
    document = json.loads(file.read_text("utf-8"))
    tools = tuple(
        Measured(**{**one, "failures": tuple(one["failures"])}) for one in document["tools"]
    )
    return Baseline(document["date"], document["deployment"], tools)


def main() -> int:
    from mcp_local.cli import FORESEEN
    from mcp_playbook import screen, source
    from mcp_playbook.tokens import NoTokenError

    try:
        at = source.from_environment()
        if not at.allowed():
            sys.stderr.write("There is no call to measure: name some, PROBES=demo.toml\n")
            return 2
        earlier = newest(at.kit.evidence) if at.kit else None
        made = asyncio.run(measure(at))
    except (*FORESEEN, NoTokenError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    screen.baseline(made, earlier)
    if at.kit is not None:
        screen.kept([keep(made, at.kit.evidence)])
    return 0 if all(tool.completion >= FLOOR for tool in made.tools) else 1


if __name__ == "__main__":
    sys.exit(main())
