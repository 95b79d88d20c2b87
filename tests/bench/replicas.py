"""One, two and four gateways that share a ledger and a store; each gets its part of the calls."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from bench import wrk
from bench.measured import Load, Replicas
from bench.parts import pinned
from bench.rounds import WARM_SECONDS, insist, settled
from bench.stage import Stage, Subject

CONNECTIONS = 32  # of all together


def together(
    stage: Stage, every_core: set[int], seconds: float, told: Callable[[str], None]
) -> list[Replicas]:
    """Nothing is pinned: replicas, load and stores share all cores, as long as there are few."""
    found: list[Replicas] = []
    gateways: list[Subject] = []
    with pinned(every_core):
        for many in (1, 2, 4):
            while len(gateways) < many:
                name = f"replica-{len(gateways) + 1}"
                gateways.append(stage.gateway(name, core=every_core))
                settled(gateways[-1].part)
            found.append(one := _measured(stage, gateways, seconds))
            told(
                f"replicas {one.processes}: {one.per_second:,.0f} calls/s, "
                f"{one.cpu_ms:.4f} CPU-ms per call, p50 {one.p50:.2f}, p99 {one.p99:.2f} ms"
            )
    return found


def _measured(stage: Stage, gateways: Sequence[Subject], seconds: float) -> Replicas:
    requests = [one.request() for one in gateways]

    def load(number: int, duration: float) -> Load:
        return wrk.run(
            gateways[number].port,
            requests[number],
            CONNECTIONS // len(gateways),
            duration,
            stage.folder,
        )

    with ThreadPoolExecutor(len(gateways)) as pool:
        numbers = range(len(gateways))
        list(pool.map(load, numbers, [WARM_SECONDS] * len(gateways)))
        before = sum(one.part.cpu_seconds() for one in gateways)
        loads = list(pool.map(load, numbers, [seconds] * len(gateways)))
        used = sum(one.part.cpu_seconds() for one in gateways) - before
    for gateway, one in zip(gateways, loads, strict=True):
        insist(gateway.name, one)
        gateway.part.forget_log()
    return Replicas(
        processes=len(gateways),
        per_second=sum(one.per_second for one in loads),
        cpu_ms=used * 1000 / sum(one.requests for one in loads),
        p50=median(one.p50 for one in loads),
        p99=max(one.p99 for one in loads),
    )
