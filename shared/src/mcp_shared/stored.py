"""Marks text that other people wrote: data for a model to read, never instructions to follow.

A field typed `Annotated[str, STORED]` is named by its path in `_meta` of every answer that carries
it, so that a host can treat all such text in one way, whichever server it came from. Pure.
"""

import types
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel


class Stored:
    """See the module; says nothing to pydantic and nothing to a schema."""


STORED = Stored()


@cache
def paths(model: type[BaseModel]) -> tuple[str, ...]:
    """Where an answer of this model carries such text, as `$.notes[*].text`."""
    return tuple(dict.fromkeys(_fields(model, "$", ())))


def _fields(model: type[BaseModel], at: str, above: tuple[type[BaseModel], ...]) -> Iterator[str]:
    if model in above:  # a model inside itself is named once
        return
    for name, info in model.model_fields.items():
        here = f"{at}.{info.serialization_alias or info.alias or name}"
        if any(isinstance(one, Stored) for one in info.metadata):
            yield here
        yield from _inside(info.annotation, here, (*above, model))


def _inside(kind: Any, at: str, above: tuple[type[BaseModel], ...]) -> Iterator[str]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from _fields(kind, at, above)
        return
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        if any(isinstance(one, Stored) for one in arguments[1:]):
            yield at
        yield from _inside(arguments[0], at, above)
    elif origin in {Union, types.UnionType}:
        for option in arguments:
            yield from _inside(option, at, above)
    elif origin in {list, tuple, set, frozenset}:
        for option in arguments:
            yield from _inside(option, f"{at}[*]", above)
