"""The ways a server can answer arguments that do not fit, each with a real validator behind it.

`bare` is what a JSON-RPC error alone says; `first` the first message of the JSON Schema library, as
servers that use one send it; `pydantic` the SDK's text, word for word, from a model with the same
bounds: lax about kinds, blind to unknown keys; `structured` is mcp_shared.validation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import jsonschema  # type: ignore[import-untyped]  # it has no stubs
from pydantic import BaseModel, Field, ValidationError, create_model

from mcp_playbook.repair.injector.dice import Dice
from mcp_playbook.repair.injector.schema import bare as form_of
from mcp_shared.validation import Arguments, Problem, invalid_arguments

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """The arguments as the tool would get them, or what the caller reads instead."""

    accepted: Mapping[str, Any] | None
    text: str = ""


Check = Callable[[Mapping[str, Any]], Reply]
BARE = "MCP error -32602: Invalid params"


def bare(tool: str, schema: Schema) -> Check:
    fits = Arguments(schema)
    assert tool  # noqa: S101  which tool it is, this answer does not say
    return lambda sent: Reply(sent) if fits.accepts(sent) else Reply(None, BARE)


def first(_tool: str, schema: Schema) -> Check:
    validator = jsonschema.Draft202012Validator(dict(schema))

    def check(sent: Mapping[str, Any]) -> Reply:
        error = jsonschema.exceptions.best_match(validator.iter_errors(sent))
        return (
            Reply(sent)
            if error is None
            else Reply(None, f"Input validation error: {error.message}")
        )

    return check


def structured(tool: str, schema: Schema) -> Check:
    arguments = Arguments(schema)

    def check(sent: Mapping[str, Any]) -> Reply:
        problems = arguments.problems(sent)
        return Reply(None, _told(tool, problems)) if problems else Reply(sent)

    return check


def without_effect(tool: str, schema: Schema) -> Check:
    """A layer that changes nothing, in front of the bare answer: it may gain nothing."""
    behind = bare(tool, schema)

    def check(sent: Mapping[str, Any]) -> Reply:
        reply = behind(sent)
        return Reply(reply.accepted, reply.text)

    return check


def false_hints(tool: str, schema: Schema) -> Check:
    """The structured answer with every hint replaced by one that is as plausible, and wrong."""
    arguments = Arguments(schema)
    names = list(schema.get("properties") or {})

    def check(sent: Mapping[str, Any]) -> Reply:
        problems = arguments.problems(sent)
        if not problems:
            return Reply(sent)
        dice = Dice(tool, sorted(sent), len(problems))
        return Reply(None, _told(tool, [_bent(one, names, dice) for one in problems]))

    return check


_OTHER_FORM = {
    "integer": "string of 1 to 20 characters", "string": "integer from 1 to 9",
    "a day": "string, a moment as seconds", "one of": "integer from 1 to 9",
}  # fmt: skip


def _bent(problem: Problem, names: list[str], dice: Dice) -> Problem:
    others = [one for one in names if f"$.{one}" != problem.path] or ["other"]
    if problem.problem == "missing":
        return replace(problem, path=f"$.{dice.pick(others)}", meaning=None)
    if problem.problem == "unknown argument":
        wrong = [one for one in names if one != problem.did_you_mean] or ["other"]
        return replace(problem, did_you_mean=dice.pick(wrong))
    if problem.allowed:
        wrong = [one for one in problem.allowed if one != problem.did_you_mean]
        return replace(problem, did_you_mean=dice.pick(wrong or ["other"]))
    expected = next((new for old, new in _OTHER_FORM.items() if old in problem.expected), "object")
    return replace(problem, expected=expected, meaning=None)


def pydantic(tool: str, schema: Schema) -> Check:
    model = _model(tool, schema)

    def check(sent: Mapping[str, Any]) -> Reply:
        try:
            made = model.model_validate(dict(sent))
        except ValidationError as error:
            return Reply(None, f"Error executing tool {tool}: {error}")
        return Reply(made.model_dump(exclude_unset=True))

    return check


def _model(tool: str, schema: Schema) -> type[BaseModel]:
    needed = set(schema.get("required") or ())
    fields: dict[str, Any] = {}
    for name, child in (schema.get("properties") or {}).items():
        kind = _kind(form_of(child))
        nullable = child.get("anyOf") is not None
        default = ... if name in needed else child.get("default")
        fields[name] = (kind | None if nullable else kind, default)
    return create_model(f"{tool}Arguments", **fields)


def _kind(schema: Schema) -> Any:
    if choices := schema.get("enum"):
        return Literal[tuple(choices)]
    bounds = {
        "ge": schema.get("minimum"), "le": schema.get("maximum"),
        "min_length": schema.get("minLength"), "max_length": schema.get("maxLength"),
        "pattern": schema.get("pattern"),
    }  # fmt: skip
    kinds = {"integer": int, "number": float, "boolean": bool, "array": list, "object": dict}
    kind: Any = kinds.get(str(schema.get("type")), str)
    return Annotated[kind, Field(**{key: one for key, one in bounds.items() if one is not None})]


def _told(tool: str, problems: list[Problem]) -> str:
    return str(invalid_arguments(tool, problems)["content"][0]["text"])


LAYERS: Mapping[str, Callable[[str, Schema], Check]] = {
    "bare": bare,
    "no-op layer": without_effect,
    "first message": first,
    "pydantic": pydantic,
    "structured": structured,
    "false hints": false_hints,
}
