"""What a tool gives becomes an answer: compact, and without what the person may not see."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from mcp_types import CallToolResult, InputRequiredResult, TextContent
from pydantic import BaseModel

from mcp_shared import masking, meta, stored
from mcp_shared.faults import Fault
from mcp_shared.masking import Mask, MaskError

log = logging.getLogger(__name__)


def answering(
    function: Callable[..., Any], hidden: Callable[[str], Sequence[Mask]]
) -> Callable[..., Any]:
    """The tool's function as it is served; `hidden` says what of a tool the caller may not see."""

    async def answering(**arguments: Any) -> Any:
        try:
            result = await function(**arguments)
        except Fault as fault:
            log.info("tool fault", extra={"code": fault.code, "tool": function.__name__})
            return CallToolResult(
                content=[TextContent(type="text", text=str(fault))],
                is_error=True,
                _meta={meta.FAULT: {"code": fault.code}},
            )
        if isinstance(result, InputRequiredResult):  # a question, not an answer
            return result
        masks = hidden(function.__name__)
        if isinstance(result, CallToolResult):
            return masking.answer(result, masks)
        if isinstance(result, BaseModel):
            return masking.answer(structured(result), masks)
        if masks:
            raise MaskError("an answer without structure cannot be masked, so it is not given")
        return result

    return answering


def structured(result: BaseModel) -> CallToolResult:
    """The SDK would indent the mirrored text: a third more tokens for the same content."""
    written = stored.paths(type(result))
    return CallToolResult(
        content=[TextContent(type="text", text=result.model_dump_json(by_alias=True))],
        structured_content=result.model_dump(mode="json", by_alias=True),
        _meta={meta.UNTRUSTED: list(written)} if written else None,
    )
