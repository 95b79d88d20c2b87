"""What an operator does while clients listen: a line of the policy comes and goes."""

from dataclasses import replace

from conformance.everything import NAME

from mcp_gateway.app import Gateway
from mcp_gateway.rights.policy import Family


class Switches:
    """A tool and a prompt that the operator now gives, now takes."""

    def __init__(self) -> None:
        self._gateway: Gateway | None = None

    def watch(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._whole = gateway.policy

    def change_tools(self) -> None:
        self._toggle("tool", "test_now_and_then")

    def change_prompts(self) -> None:
        self._toggle("prompt", "test_prompt_now_and_then")

    def _toggle(self, family: Family, name: str) -> None:
        assert self._gateway is not None
        now, key = self._gateway.policy, (NAME, family, name)
        rules = dict(now.rules)
        if rules.pop(key, None) is None:
            rules[key] = self._whole.rules[key]
        self._gateway.policy = replace(now, rules=rules)
