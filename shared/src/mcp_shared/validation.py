"""Argument errors a model can repair: all of them at once, each with path, expected and a hint.

Pure: no clock, no network, no state. The gateway and the servers answer with the same words.
Rejected values are never echoed, only their kind: they are the caller's data, and the answer is
logged in places they are not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, cast

import jsonschema_rs

from mcp_shared import meta
from mcp_shared.likely import argument, choice
from mcp_shared.wanted import kind_of, meaning, wanted

MAX_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Problem:
    path: str
    problem: str
    expected: str
    allowed: tuple[str, ...] = ()
    did_you_mean: str | None = None
    # what the argument is, in its own description's words
    meaning: str | None = None

    def line(self) -> str:
        hint = f" Did you mean {self.did_you_mean!r}?" if self.did_you_mean else ""
        allowed = f" Allowed: {', '.join(self.allowed)}." if self.allowed else ""
        told = f" It is: {self.meaning}" if self.meaning else ""
        return f"- {self.path}: {self.problem}; expected {self.expected}.{allowed}{told}{hint}"


class Arguments:
    """The arguments one tool accepts, compiled from its input schema (JSON Schema 2020-12)."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._validator = jsonschema_rs.Draft202012Validator(dict(schema))

    def accepts(self, arguments: object) -> bool:
        return self._validator.is_valid(arguments)

    def problems(self, arguments: object) -> list[Problem]:
        """Everything wrong with these arguments, at most `MAX_PROBLEMS`; empty when they fit."""
        found: list[Problem] = []
        for error in self._validator.iter_errors(arguments):
            # one error may be of eighty thousand unknown arguments, each with a guess
            found += islice(self._explain(error), MAX_PROBLEMS)
            if len(found) >= MAX_PROBLEMS:
                break
        return _once_each(found)[:MAX_PROBLEMS]

    def _explain(self, error: jsonschema_rs.ValidationError) -> Iterator[Problem]:
        kind, path = error.kind.name, "$" + "".join(f".{part}" for part in error.instance_path)
        holder = self._at(error.schema_path[:-1])
        if kind == "additionalProperties":
            yield from _unknown(path, holder, error)
        elif kind == "required":
            name = str(error.kind.as_dict()["property"])
            schema = self._resolve(holder.get("properties", {}).get(name, {}))
            yield Problem(f"{path}.{name}", "missing", wanted(schema), meaning=meaning(schema))
        elif kind == "enum":
            options = [str(option) for option in holder.get("enum", [])]
            given = error.instance if isinstance(error.instance, str) else ""
            yield Problem(
                path,
                "not one of the choices",
                "one choice",
                tuple(options),
                choice(given, options),
            )
        elif kind in {"anyOf", "oneOf"} and (meant := _one_form(error)):
            for inner in meant:
                yield from self._explain(inner)
        elif kind == "type":
            problem = f"wrong type, {kind_of(error.instance)} was given"
            yield Problem(path, problem, wanted(self._resolve(holder)))
        else:
            schema = self._resolve(holder)
            told = meaning(schema) if kind in {"pattern", "format"} else None
            problem = _WORDS.get(kind, "does not fit")
            yield Problem(path, problem, wanted(schema), meaning=told)

    def _at(self, path: list[str | int]) -> dict[str, Any]:
        node: Any = self._schema
        for step in path:
            node = self._resolve(node) if isinstance(node, dict) else node
            try:
                node = node[step]
            except (KeyError, IndexError, TypeError):
                return {}
        return self._resolve(node) if isinstance(node, dict) else {}

    def _resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/$defs/"):
            definition = self._schema.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {})
            return {**definition, **{k: v for k, v in schema.items() if k != "$ref"}}
        return schema


_WORDS = {
    "type": "wrong type",
    "minimum": "too small",
    "maximum": "too large",
    "exclusiveMinimum": "too small",
    "exclusiveMaximum": "too large",
    "minLength": "too short",
    "maxLength": "too long",
    "minItems": "too few items",
    "maxItems": "too many items",
    "pattern": "wrong form",
    "format": "wrong form",
    "anyOf": "fits none of the accepted forms",
}


def _once_each(problems: list[Problem]) -> list[Problem]:
    """One line where one value is wrong twice over and the same would mend both."""
    found: dict[tuple[str, str], Problem] = {}
    for one in problems:
        before = found.get((one.path, one.expected))
        if before is None or not before.meaning:
            found[one.path, one.expected] = one
    return list(found.values())


def _unknown(
    path: str, holder: Mapping[str, Any], error: jsonschema_rs.ValidationError
) -> Iterator[Problem]:
    given = error.instance if isinstance(error.instance, Mapping) else {}
    for name in cast("list[str]", error.kind.as_dict()["unexpected"]):
        yield Problem(
            f"{path}.{name[:64]}",
            "unknown argument",
            "only the arguments of the schema",
            tuple(holder.get("properties", {})),
            argument(name, given, holder),
        )


def _one_form(error: jsonschema_rs.ValidationError) -> list[jsonschema_rs.ValidationError]:
    """What is wrong with the one form that is not null; nothing when there are several."""
    branches = cast(
        "list[list[jsonschema_rs.ValidationError]]", error.kind.as_dict().get("context") or []
    )
    forms = [one for one in branches if not (len(one) == 1 and _is_null(one[0]))]
    return forms[0] if len(forms) == 1 and len(branches) > 1 else []


def _is_null(error: jsonschema_rs.ValidationError) -> bool:
    return error.kind.name == "type" and error.kind.as_dict().get("types") == ["null"]


def invalid_arguments(tool: str, problems: list[Problem]) -> dict[str, Any]:
    """The `CallToolResult` that lists the problems, in its wire form (SEP-1303: a tool error)."""
    count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
    lines = [f"The arguments of {tool} have {count}; nothing was done. Mend and call again."]
    lines += [problem.line() for problem in problems]
    detail = [
        {k: v for k, v in asdict(problem).items() if v not in (None, ())} for problem in problems
    ]
    return {
        "content": [{"type": "text", "text": "\n".join(lines)}],
        "isError": True,
        "_meta": {meta.PROBLEMS: detail},
    }
