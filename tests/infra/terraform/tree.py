"""The Terraform tree of this repository, as its tests read it."""

from functools import cache
from pathlib import Path

from infra.terraform.hcl import Block, read

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "infra" / "terraform"


def files(pattern: str) -> list[Path]:
    return sorted(file for file in FOLDER.glob(pattern) if ".terraform" not in file.parts)


@cache
def blocks() -> tuple[Block, ...]:
    return tuple(block for file in files("**/*.tf") for block in read(file))


def resources(kind: str) -> list[Block]:
    found = [one for one in blocks() if one.kind == "resource" and one.labels[0] == kind]
    assert found, f"no {kind}: this test would hold for nothing"
    return found
