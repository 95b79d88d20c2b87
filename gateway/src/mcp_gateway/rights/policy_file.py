"""What a server's policy.yaml may say: its lines, as they are written. Pure."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mcp_gateway.configuration.settings import Lifetime, Rate, RateText, Seconds, Strict

Kind = Literal["read", "write"]
# what the record holds of arguments: their redacted form, or commitments beside a sealed payload
Keep = Literal["redacted", "encrypted"]
# what becomes of secrets in an answer: cut out, a reason to withhold all of it, or passed on
Secrets = Literal["redact", "block", "off"]
Host = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?(:[0-9]{1,5})?$")]
# which records of a system a role reaches, for servers that tell people apart by owner and team
Reach = Literal["all", "team", "own"]
MASKABLE = re.compile(r"\$(\.[A-Za-z_][A-Za-z0-9_]{0,63}|\[\*\])+")


class ToolLine(Strict):
    roles: list[str] = Field(min_length=1)
    kind: Kind = "read"
    rate: RateText = Rate(calls=60, seconds=60)
    rates: dict[str, RateText] = Field(default_factory=dict)
    # tokens a call takes of what a person, an agent and a server have together
    cost: int = Field(default=1, ge=1, le=100)
    timeout: Seconds | None = None
    redact: list[str] = Field(default_factory=list)
    keep: Keep = "redacted"
    # a field of the answer, and the roles that see it; the server takes it out for everyone else
    mask: dict[str, list[str]] = Field(default_factory=dict)
    secrets: Secrets | None = None
    # it may become a task, which lives so long at most; without this no call of it does
    task: Lifetime | None = None

    @model_validator(mode="after")
    def _rates_of_roles_with_the_right(self) -> Self:
        if without := sorted(set(self.rates) - set(self.roles)):
            raise ValueError(f"rates: {', '.join(without)} is not among the roles of this tool")
        return self

    @model_validator(mode="after")
    def _masks_of_roles_with_the_right(self) -> Self:
        for path, roles in self.mask.items():
            if not MASKABLE.fullmatch(path):
                raise ValueError(f"mask: {path} is not a path such as $.contacts[*].phone")
            if without := sorted(set(roles) - set(self.roles)):
                raise ValueError(
                    f"mask: {path}: {', '.join(without)} is not among the roles of this tool"
                )
        return self


class OtherLine(Strict):
    roles: list[str] = Field(min_length=1)
    rate: RateText = Rate(calls=60, seconds=60)
    timeout: Seconds | None = None
    secrets: Secrets | None = None


class Answers(Strict):
    """What a server's answers may carry."""

    secrets: Secrets = "redact"
    # content is marked as somebody else's words: data, never instructions
    untrusted: bool = True
    # hosts whose https addresses may be linked to, besides what the server itself serves
    links: list[Host] = Field(default_factory=list)


class PolicyFile(Strict):
    # of everyone together, in tokens
    rate: RateText | None = None
    # by role; a person reaches the widest of theirs, and a role that is not named reaches none
    records: dict[str, Reach] = Field(default_factory=dict)
    tools: dict[str, ToolLine] = Field(default_factory=dict)
    prompts: dict[str, OtherLine] = Field(default_factory=dict)
    resources: dict[str, OtherLine] = Field(default_factory=dict)
    answers: Answers = Answers()

    @model_validator(mode="after")
    def _affordable(self) -> Self:
        for name, line in self.tools.items():
            if self.rate is not None and line.cost > self.rate.calls:
                raise ValueError(
                    f"tools.{name}.cost is {line.cost}, more than the server's rate ever holds "
                    f"({self.rate.calls}), so it could never be called"
                )
        return self

    @model_validator(mode="after")
    def _records_of_roles_that_occur(self) -> Self:
        known = {role for line in self.tools.values() for role in line.roles}
        if without := sorted(set(self.records) - known):
            raise ValueError(f"records: no tool of this server is for {', '.join(without)}")
        return self
