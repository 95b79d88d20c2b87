"""What was measured, as text.

Pure: no clock, no network, no state.
"""

from collections.abc import Sequence

from bench.figures import figure, ratio
from bench.rounds import Turn, of


def table(turns: Sequence[Turn]) -> str:
    lines = [
        "| what | connections | CPU-ms per call | calls/s | p50 ms | p99 ms | gateway costs |",
        "|---|---|---|---|---|---|---|",
    ]
    subjects = list(dict.fromkeys(one.subject for one in turns))
    for many in dict.fromkeys(one.connections for one in turns):
        gateway = [one.cpu_ms for one in of(turns, "gateway", many)]
        for subject in subjects:
            found = of(turns, subject, many)
            costs = [one.cpu_ms for one in found]
            times = "" if subject == "gateway" else f"{ratio(gateway, costs).shown(2)} times"
            lines.append(
                f"| {subject} | {many} | {figure(costs).shown(4)} "
                f"| {figure(one.load.per_second for one in found).shown(0)} "
                f"| {figure(one.load.p50 for one in found).shown(2)} "
                f"| {figure(one.load.p99 for one in found).shown(2)} | {times} |"
            )
    return "\n".join(lines)
