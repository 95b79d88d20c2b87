"""Reading a tool's result in tests."""

from typing import Any


def content(result: Any) -> dict[str, Any]:
    assert not result.is_error, result.content[0].text
    found: dict[str, Any] = result.structured_content
    return found


def fault(result: Any) -> tuple[str, str]:
    """The code and the text of a refusal."""
    assert result.is_error, result.structured_content
    return result.meta["dev.mcp-in-production/fault"]["code"], result.content[0].text
