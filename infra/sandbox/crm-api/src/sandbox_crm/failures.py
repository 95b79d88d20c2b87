"""How the API says no: the vendor's two error shapes.

A refusal by the rate limiter looks unlike every other error (`errorType` instead of `category`);
clients that expect one shape break on the other, so the sandbox keeps both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one input, as `errors[]` lists it."""

    message: str
    code: str
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def wire(self) -> dict[str, Any]:
        return {
            "message": self.message,
            "code": self.code,
            "context": {key: list(values) for key, values in self.context.items()},
        }


class ApiError(Exception):
    """An answer other than 2xx. Its text is what the vendor's client sees."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        problems: Sequence[Problem] = (),
        context: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.category = category
        self.message = message
        self.problems = tuple(problems)
        self.context = context

    def body(self, correlation_id: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "status": "error",
            "message": self.message,
            "correlationId": correlation_id,
            "category": self.category,
        }
        if self.problems:
            body["errors"] = [problem.wire() for problem in self.problems]
        if self.context:
            body["context"] = {key: list(values) for key, values in self.context.items()}
        return body


def invalid(message: str, *problems: Problem) -> ApiError:
    return ApiError(400, "VALIDATION_ERROR", message, problems=problems)


def not_found(object_id: str) -> ApiError:
    return ApiError(404, "OBJECT_NOT_FOUND", "resource not found", context={"id": [object_id]})


def rate_limited(policy: str, correlation_id: str) -> dict[str, str]:
    """The body of a 429."""
    return {
        "status": "error",
        "message": f"You have reached your {policy.lower()} limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": correlation_id,
        "policyName": policy,
        "groupName": "publicapi:sandbox",
    }
