"""Where a check works: the repository, and the tools it may ask for.

Tools come from `tools.lock`, hash-checked, in an environment of their own: a validator's
dependencies never meet those of the product. Nothing here needs the network once they are there.
"""

import functools
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra_checks import toolbox

TIMEOUT_SECONDS = 300


class NotRunError(Exception):
    """Why a check did not run on this machine."""


@dataclass(frozen=True)
class Bench:
    root: Path

    @functools.cached_property
    def _tools(self) -> Path:
        try:
            return toolbox.ready(self.root)
        except toolbox.ToolsMissingError as error:
            raise NotRunError(str(error)) from error

    def tool(self, name: str) -> Path:
        """A program of tools.lock."""
        program = self._tools / name
        if not program.exists():
            raise NotRunError(f"tools.lock brings no {name} for this platform")
        return program

    def found(self, name: str, where_from: str) -> Path:
        """A program of this machine, for what no locked package brings."""
        program = shutil.which(name)
        if program is None:
            raise NotRunError(f"no {name} on this machine; {where_from}")
        return Path(program)

    def run(
        self,
        *command: str | Path,
        env: Mapping[str, str] | None = None,
        text: str | None = None,
        folder: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run it and keep what it says; the exit status is the caller's to judge.

        Raises:
            NotRunError: it did not end in time.

        """
        words = [str(word) for word in command]
        try:
            return subprocess.run(
                words,
                cwd=folder or self.root,
                env={**os.environ, **(env or {})},
                input=text,
                stdin=subprocess.DEVNULL if text is None else None,
                check=False,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise NotRunError(
                f"{Path(words[0]).name} did not end within {error.timeout:g} s"
            ) from error

    def said(self, *command: str | Path) -> str:
        """The first line of what it prints, for a version."""
        done = self.run(*command)
        lines = (done.stdout + done.stderr).strip().splitlines()
        return lines[0].strip() if lines else f"{Path(str(command[0])).name}: says nothing"

    def shown(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def complaints(done: subprocess.CompletedProcess[str]) -> tuple[str, ...]:
    """Every line of a validator that exited badly; one that says nothing is a finding, too."""
    if done.returncode == 0:
        return ()
    lines = [line.rstrip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    words: Sequence[str] = done.args
    return tuple(lines) or (f"{Path(words[0]).name} ended with {done.returncode}, without a word",)
