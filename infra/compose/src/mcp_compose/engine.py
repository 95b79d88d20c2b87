"""The container engine, by its own command: COMPOSE_COMMAND, or `docker compose`."""

import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

FILE = Path("infra/compose/compose.yaml")


class EngineError(RuntimeError):
    """There is no such command here, or it failed; what it said is on the screen."""


@dataclass(frozen=True)
class Engine:
    root: Path
    secrets: Path

    def __call__(self, *words: str) -> None:
        command = shlex.split(os.environ.get("COMPOSE_COMMAND", "docker compose"))
        # COMPOSE_FILE is the engine's own way to name other files, such as overrides of yours
        files = [] if os.environ.get("COMPOSE_FILE") else ["--file", str(self.root / FILE)]
        env = {**os.environ, "COMPOSE_SECRETS": str(self.secrets)}
        try:
            done = subprocess.run(
                [*command, *files, *words], cwd=self.root, env=env, check=False
            )  # fmt: skip
        except OSError as error:
            raise EngineError(
                f"{command[0]}: {error.strerror}. A container engine with Compose is needed, or "
                "COMPOSE_COMMAND names yours; `make up` needs none."
            ) from error
        if done.returncode != 0:
            raise EngineError(f"{' '.join([*command, *words])} ended with {done.returncode}.")
