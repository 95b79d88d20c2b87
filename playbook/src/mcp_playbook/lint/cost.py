"""What a tool costs a model that reads it: an estimate, said as one.

A host hands on name, description and input schema; one token is taken as four characters of their
compact JSON. Each model has its own tokenizer, so the figure compares servers and does not bill.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

CHARACTERS_PER_TOKEN = 4
BUDGET_TOKENS = 10_000  # what one endpoint's tool list may cost a model before it has done anything
READ_BY_A_MODEL = ("name", "description", "inputSchema")
ESTIMATE = "estimated: characters of name, description and input schema as compact JSON, by four"


def tokens(tool: Mapping[str, Any]) -> int:
    read = {key: tool[key] for key in READ_BY_A_MODEL if tool.get(key) is not None}
    return -(-len(orjson.dumps(read).decode()) // CHARACTERS_PER_TOKEN)


def together(servers: Mapping[str, Iterable[Mapping[str, Any]]]) -> int:
    """The same of all servers at once, under the names the aggregate endpoint gives them."""
    return sum(
        tokens({**tool, "name": f"{server}_{tool.get('name', '')}"})
        for server, tools in servers.items()
        for tool in tools
    )
