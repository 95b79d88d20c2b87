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
        done = self._run(*words, shown=True)
        if done.returncode != 0:
            raise EngineError(f"{' '.join(words)} ended with {done.returncode}.")

    def said(self, *words: str) -> str:
        """What it printed, whatever its exit status."""
        return self._run(*words, shown=False).stdout

    def succeeds(self, *words: str) -> bool:
        return self._run(*words, shown=False).returncode == 0

    def _run(self, *words: str, shown: bool) -> subprocess.CompletedProcess[str]:
        command = shlex.split(os.environ.get("COMPOSE_COMMAND", "docker compose"))
        # COMPOSE_FILE is the engine's own way to name other files, such as overrides of yours
        files = [] if os.environ.get("COMPOSE_FILE") else ["--file", str(self.root / FILE)]
        try:
            return subprocess.run(
                [*command, *files, *words],
                cwd=self.root,
                env={**os.environ, "COMPOSE_SECRETS": str(self.secrets)},
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=None if shown else subprocess.PIPE,
                stderr=None if shown else subprocess.PIPE,
                text=True,
            )
        except OSError as error:
            raise EngineError(
                f"{command[0]}: {error.strerror}. A container engine with Compose is needed, or "
                "COMPOSE_COMMAND names yours; `make up` needs none."
            ) from error
