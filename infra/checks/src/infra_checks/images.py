"""The image of every Python room: what the linters say about its Dockerfile."""

from infra_checks.bench import Bench, complaints
from infra_checks.check import Check, Ran

FOLDER = "infra/images"


def hadolint(bench: Bench) -> Ran:
    files = sorted((bench.root / FOLDER).glob("*.Dockerfile"))
    tool = bench.tool("hadolint")
    done = bench.run(tool, "--failure-threshold", "info", *files)
    return Ran(f"{len(files)} Dockerfile", (bench.said(tool, "--version"),), complaints(done))


CHECKS = (
    Check(
        "hadolint",
        "the Dockerfile keeps the linter's rules on pinning, layers and shells; it builds nothing",
        hadolint,
    ),
)
