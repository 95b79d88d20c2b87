"""infra/local/README.md says everything that a stack.toml and the environment may say, and no more."""

import re
from pathlib import Path

from local.test_plan import filler_of

from mcp_local.plan import plan
from mcp_local.stack_toml import BaseService

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "infra" / "local" / "README.md").read_text("utf-8")
CODE = "".join(
    path.read_text("utf-8") for path in sorted((ROOT / "infra" / "local" / "src").rglob("*.py"))
)
INNER = {"STACK_FILE"}  # handed to a process, set by nobody


def test_every_placeholder_is_on_the_page_and_no_other() -> None:
    filler = filler_of(ROOT)
    known = {name for name, _ in filler._placeholders(plan(ROOT).parts[0])}
    told = set(re.findall(r"`\{([a-z_]+)(?::[A-Z:]+)?\}`", PAGE))
    assert told == known


def test_every_variable_is_on_the_page_and_no_other() -> None:
    read = set(re.findall(r'"(STACK_[A-Z_]+)"', CODE)) - INNER
    assert set(re.findall(r"STACK_[A-Z_]+", PAGE)) == read


def test_every_key_of_a_base_service_is_on_the_page() -> None:
    for key in BaseService.model_fields:
        assert re.search(rf"\b{key}\b", PAGE), key
