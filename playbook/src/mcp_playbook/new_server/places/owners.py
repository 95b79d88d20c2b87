"""playbook/owners.toml: a line for whoever answers for the server, empty until somebody does."""

from mcp_playbook.new_server.kinds import Kind
from mcp_playbook.new_server.names import Names
from mcp_playbook.new_server.places import blocks

OWNERS = "playbook/owners.toml"
OWNED = """
[servers.{name}]
team = ""     # who answers for it; W4-08 asks
reach = ""    # and how they are reached at any hour
"""
VENDOR = 'vendor = "{name}"    # the report of `make vet` in playbook/vetted; W4-04 asks\n'


def owners(text: str, made: Names, kind: Kind) -> str:
    words = OWNED + (VENDOR if kind.name == "vendor" else "")
    return text.rstrip("\n") + "\n" + words.format(name=made.name)


def without_owners(text: str, made: Names) -> str:
    return blocks.without_table(text, f"servers.{made.name}")
