"""The head of a page: who owns it, who may read it, how old it is.

Ages are counted back from the day of the load, so that "the last 90 days" always means something.
Pure: no clock (the day is given), no network, no state.
"""

import difflib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from mcp_docs.groups import is_group
from mcp_docs.text import visible

MAX_HEAD_CHARACTERS = 4_000

Classification = Literal["public", "internal", "confidential"]


class PageError(Exception):
    """Why a page is not loaded, in words for the person who ran the loader."""


def _group(name: str) -> str:
    if not is_group(name):
        raise ValueError("a group is lower-case letters, digits and _.:/-")
    return name


def _line(text: str) -> str:
    return " ".join(visible(text).split())


Line = Annotated[str, AfterValidator(_line), Field(min_length=1, max_length=200)]
Groups = Annotated[list[Annotated[str, AfterValidator(_group)]], Field(min_length=1, max_length=50)]


class Head(BaseModel):
    """Other keys are left alone (site generators have many), unless they look like a slip."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    title: Line | None = None
    owner: Line | None = None
    groups: Groups | None = None
    classification: Classification | None = None
    collection: Line | None = None
    updated: date | None = None
    updated_days_ago: Annotated[int, Field(ge=0, le=36_500)] | None = None
    review_by: date | None = None
    review_in_days: Annotated[int, Field(ge=-36_500, le=36_500)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_slips(cls, given: object) -> object:
        if not isinstance(given, dict):
            raise ValueError("the head is not a list of keys and values")  # noqa: TRY004  pydantic reports ValueError
        for key in given:
            if key not in cls.model_fields:
                near = difflib.get_close_matches(str(key), cls.model_fields, n=1, cutoff=0.75)
                if near:
                    raise ValueError(f"unknown key {str(key)[:40]!r}, did you mean {near[0]!r}?")
        return given


@dataclass(frozen=True, slots=True)
class Dates:
    updated: date
    review_by: date | None


def split(text: str) -> tuple[Head, str]:
    """The head and what follows it. A page without a head has an empty one."""
    if not text.startswith("---\n"):
        return Head(), text
    end = text.find("\n---\n", 3, MAX_HEAD_CHARACTERS)
    if end < 0:
        if text[:MAX_HEAD_CHARACTERS].lstrip("-\n").partition("\n")[0].partition(":")[1]:
            raise PageError(f"its head has no end within {MAX_HEAD_CHARACTERS} characters")
        return Head(), text  # a Markdown rule at the top, not a head
    try:
        given = yaml.safe_load(text[4 : end + 1])
        return Head.model_validate(given if given is not None else {}), text[end + 5 :]
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise PageError(f"its head is invalid: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg']}" if where else str(first["msg"])
    return " ".join(str(error).split())[:200]


def dates(head: Head, today: date, changed: date) -> Dates:
    """When the page was updated and is due for review, as of `today`."""
    if head.updated_days_ago is not None:
        updated = today - timedelta(days=head.updated_days_ago)
    else:
        updated = head.updated or changed
    review_by = head.review_by
    if head.review_in_days is not None:
        review_by = today + timedelta(days=head.review_in_days)
    return Dates(min(updated, today), review_by)
