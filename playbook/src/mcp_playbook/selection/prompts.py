"""A server's prompts: what people ask, and the tool that answers it."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

FILE = "prompts.toml"
NONE = "none"
MIN_NEAR_MISS, MIN_NONE = 0.30, 0.10  # shares of answerable and of all prompts


class PromptsError(ValueError):
    """A prompts.toml that cannot be used; the message names the file and what it lacks."""


class Prompt(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    ask: Annotated[str, Field(min_length=3, max_length=500)]
    # a tool of the server whose file it is, or "none": no tool of any server does this
    expects: str
    # its words point at another tool than the one that answers
    near_miss: bool


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: Annotated[tuple[Prompt, ...], Field(min_length=1)]


def load(folder: Path, tools: Iterable[str]) -> tuple[Prompt, ...]:
    """A server's prompts; none when it has no file.

    Raises:
        PromptsError: the file is wrong, names a tool the server has not, or asks the same twice.

    """
    file = folder / FILE
    if not file.is_file():
        return ()
    try:
        found = _File.model_validate(tomllib.loads(file.read_text("utf-8"))).prompt
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PromptsError(f"{file}: {error}") from error
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise PromptsError(f"{file}: {told}") from error
    known = {*tools, NONE}
    if unknown := sorted({one.expects for one in found} - known):
        raise PromptsError(
            f"{file}: expects {', '.join(unknown)}, which tools.lock.json does not have. If the "
            "tool is gone, remove these prompts, or name another tool that answers them. If it is "
            "new, run make tools-lock first."
        )
    asked = [one.ask for one in found]
    if twice := sorted({ask for ask in asked if asked.count(ask) > 1}):
        raise PromptsError(f"{file}: asks twice: {twice[0]!r}")
    return found
