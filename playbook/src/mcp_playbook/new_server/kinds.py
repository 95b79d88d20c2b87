"""What a new server can be: what stands behind it, and how that is named. Pure."""

from dataclasses import dataclass
from typing import Literal

from mcp_playbook.new_server.names import Names, RefusedError

KindName = Literal["rest", "sql", "vendor"]


@dataclass(frozen=True)
class Kind:
    """One folder of `playbook/template`."""

    name: KindName
    is_over: str
    # the variable that says where the other side is; none for a database, whose URL is a secret
    address: str | None
    path: str = ""  # behind the stand-in's origin

    @property
    def database(self) -> bool:
        return self.address is None

    def variable(self, made: Names) -> str:
        return f"{made.env}_{self.address}"

    def secret(self, made: Names) -> str:
        """The one secret of the server."""
        return f"{made.env}_{'DATABASE_URL' if self.database else 'TOKEN'}"

    def secrets(self, made: Names) -> tuple[str, ...]:
        """Of the server and of what the stack runs for it."""
        more = ("ADMIN_URL", "RO_PASSWORD") if self.database else ("SANDBOX_TOKEN",)
        return (self.secret(made), *(f"{made.env}_{one}" for one in more))


KINDS = {
    "rest": Kind("rest", "a REST API", "BASE_URL"),
    "sql": Kind("sql", "a SQL database", None),
    "vendor": Kind("vendor", "a vendor's remote MCP server", "URL", "/mcp"),
}


def kind(name: str) -> Kind:
    """The kind of this name.

    Raises:
        RefusedError: there is none.

    """
    if name not in KINDS:
        each = ", ".join(f"{one.name} ({one.is_over})" for one in KINDS.values())
        raise RefusedError(f"KIND={name}: choose one of {each}")
    return KINDS[name]
