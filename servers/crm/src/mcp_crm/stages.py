"""Deal stages by the names people use. Pure."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from mcp_shared.faults import Invalid


@dataclass(frozen=True, slots=True)
class Stage:
    id: str
    name: str
    pipeline_id: str
    pipeline: str
    closed: bool
    won: bool


def named(name: str, stages: Sequence[Stage]) -> list[Stage]:
    """Every stage of that name or id; several pipelines may use one name.

    Raises:
        Invalid: there is none; says which there are and which was probably meant.

    """
    wanted = name.strip().casefold()
    if found := [one for one in stages if wanted in {one.name.casefold(), one.id.casefold()}]:
        return found
    names = list(dict.fromkeys(one.name for one in stages))
    close = difflib.get_close_matches(wanted, [one.casefold() for one in names], n=1, cutoff=0.5)
    meant = next((one for one in names if close and one.casefold() == close[0]), None)
    hint = f"Did you mean {meant!r}? " if meant else ""
    raise Invalid("No deal stage has that name.", instead=f"{hint}Stages: {', '.join(names)}.")


def one_of(name: str, pipeline_id: str, stages: Sequence[Stage]) -> Stage:
    """The stage of that name in one pipeline."""
    return named(name, [one for one in stages if one.pipeline_id == pipeline_id])[0]
