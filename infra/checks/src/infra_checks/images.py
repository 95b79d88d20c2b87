"""The images: what linters say about Dockerfiles, and about the scripts that run in them."""

from infra_checks import scripts
from infra_checks.bench import Bench, complaints
from infra_checks.check import Check, Ran

FOLDER = "infra/images"


def hadolint(bench: Bench) -> Ran:
    files = sorted((bench.root / FOLDER).glob("*.Dockerfile"))
    tool = bench.tool("hadolint")
    done = bench.run(tool, "--failure-threshold", "info", *files)
    return Ran(f"{len(files)} Dockerfiles", (bench.said(tool, "--version"),), complaints(done))


def checkov(bench: Bench) -> Ran:
    files = sorted((bench.root / FOLDER).glob("*.Dockerfile"))
    tool = bench.tool("checkov")
    # CKV_DOCKER_7 wants a tag in FROM, and does not read the ARG that has it; our own test does
    words = ["--skip-check", "CKV_DOCKER_7"]
    words += [word for file in files for word in ("--file", str(file))]
    done = bench.run(
        tool, "--quiet", "--compact", "--skip-download", "--framework", "dockerfile", *words
    )
    return Ran(f"{len(files)} Dockerfiles", (bench.said(tool, "--version"),), complaints(done))


CHECKS = (
    Check(
        "hadolint",
        "the Dockerfiles keep the linter's rules on pinning, layers and shells; it builds nothing",
        hadolint,
    ),
    Check("checkov", "no image runs as root, none is without a health check", checkov),
    scripts.of(FOLDER),
)
