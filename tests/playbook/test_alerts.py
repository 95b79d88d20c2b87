"""An alert leads to a page that names it: whoever was woken sees at once that it is the right one."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RULES = [
    rule
    for file in sorted((ROOT / "infra" / "observability").rglob("*.rules.yaml"))
    for group in yaml.safe_load(file.read_text("utf-8"))["groups"]
    for rule in group["rules"]
    if "alert" in rule
]


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_the_page_an_alert_leads_to_names_it(rule: dict[str, Any]) -> None:
    url = rule["annotations"]["runbook_url"]
    page = ROOT / url[url.index("playbook/") :].partition("#")[0]
    assert rule["alert"] in page.read_text("utf-8"), page
