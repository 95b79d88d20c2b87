"""The stack in containers: what validators say about infra/compose."""

from infra_checks.bench import Bench, complaints
from infra_checks.check import Check, Ran

FOLDER = "infra/compose"
RULES = "infra/checks/yamllint.yaml"


def yamllint(bench: Bench) -> Ran:
    tool = bench.tool("yamllint")
    done = bench.run(tool, "--strict", "--config-file", RULES, FOLDER)
    return Ran(FOLDER, (bench.said(tool, "--version"),), complaints(done))


CHECKS = (Check("yamllint", "every YAML file there is well-formed and has no key twice", yamllint),)
