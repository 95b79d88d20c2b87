"""What a pass of the official suite is worth here: what took part in it, and what it cannot show."""

from conformance import everything

MODERN, LEGACY = "2026-07-28", "2025-11-25"

# tools and prompts of the fixture that nothing in this set asks for
_LISTED = {"json_schema_2020_12_tool", "test_now_and_then", "test_prompt_now_and_then"}
NOT_PLAYED: dict[str, set[str]] = {
    MODERN: _LISTED
    | {
        "test_sampling",
        "test_elicitation",
        "test_elicitation_sep1034_defaults",
        "test_elicitation_sep1330_enums",
        "test_tool_with_logging",
    },
    LEGACY: _LISTED
    | {
        "test_logging_tool",
        "test_missing_capability",
        "test_streaming_elicitation",
        "test_trigger_prompt_change",
        "test_trigger_tool_change",
        "test_x_mcp_header",
        "test_input_required_result_capabilities",
        "test_input_required_result_elicitation",
        "test_input_required_result_list_roots",
        "test_input_required_result_multi_round",
        "test_input_required_result_multiple_inputs",
        "test_input_required_result_prompt",
        "test_input_required_result_request_state",
        "test_input_required_result_sampling",
        "test_input_required_result_tampered_state",
    },
}

# required scenarios that may pass for somebody who may use nothing at all: empty lists are lists, and
# a refusal is what these look for (some warn, once guessing is limited). tests/house holds what they
# mean to
IDLE: dict[str, set[str]] = {
    MODERN: {
        "caching",
        "dns-rebinding-protection",
        "input-required-result-ignore-extra-params",
        "input-required-result-missing-input-response",
        "input-required-result-unsupported-methods",
        "input-required-result-validate-input",
        "prompts-list",
        "resources-list",
        "sep-2164-resource-not-found",
        "server-sse-multiple-streams",
        # once guessing is limited, a tool error says so: all that this one looks for
        "tools-call-error",
        "tools-list",
    },
    LEGACY: {
        "dns-rebinding-protection",
        "logging-set-level",
        "ping",
        "prompts-list",
        "resources-list",
        "tools-call-error",
        "server-initialize",
        "tools-list",
    },
}


def played(requirements: str) -> set[str]:
    """Names the server itself has to be asked for in a whole run."""
    offered = {*everything.tools(_nothing, _nothing), *everything.PROMPTS}
    return offered - NOT_PLAYED[requirements]


def _nothing() -> None: ...
