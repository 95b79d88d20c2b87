"""What the measurement assumes, from one file, and the hashes that hold it to that."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

HERE = Path(__file__).parent
FILE = HERE / "parameters.yaml"


class Parameters(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    seeds: tuple[int, ...]
    calls: int
    rounds: int
    at_once: Mapping[int, int]
    never_said: float
    valid_but_another: float
    margin_points: float
    agent: str

    @property
    def shorter(self) -> "Parameters":
        """For a test: the same questions, fewer times."""
        return self.model_copy(update={"seeds": self.seeds[:1], "calls": 150})


def load(file: Path = FILE) -> Parameters:
    return Parameters.model_validate(yaml.safe_load(file.read_text("utf-8")))


def hash_of(file: Path = FILE) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def hash_of_agent() -> str:
    """Over all of its files, names too."""
    digest = hashlib.sha256()
    for file in sorted((HERE / "agent").glob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
