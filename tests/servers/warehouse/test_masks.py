"""A line of the policy takes a field out of an answer, whichever server it is; here, figures."""

from pathlib import Path

import pytest
from servers.warehouse.conftest import Ask

POLICY = """
tools:
  get_metric:
    roles: [analyst, sales]
    mask: {"$.rows[*].value": [analyst], "$.rows[*].label": [], $.regions: [analyst]}
  run_sql: {roles: [analyst], mask: {$.rows: [analyst]}}
"""
QUESTION = {"metric": "revenue", "group_by": "region"}


async def test_masked_figures_do_not_leave_the_server(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = (await ask("get_metric", QUESTION)).structured_content["rows"]
    assert shown[0]["value"]
    (tmp_path / "policy.yaml").write_text(POLICY)
    monkeypatch.setenv("MCP_POLICY", str(tmp_path / "policy.yaml"))
    result = await ask("get_metric", QUESTION)
    assert not result.is_error
    assert [(one["label"], one["value"]) for one in result.structured_content["rows"]] == [
        ("(masked)", None) for _ in shown
    ]
    assert result.structured_content["regions"] == []
    for row in shown:
        assert row["label"] not in result.model_dump_json()
        assert str(row["value"]) not in result.model_dump_json()
    assert "rows[*].value" in result.content[-1].text


async def test_masked_rows_of_a_person_s_own_sql_do_not_leave_the_server(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = {"sql": "SELECT account_name FROM sales.accounts ORDER BY 1 LIMIT 3"}
    [[name], *_] = (await ask("run_sql", sql)).structured_content["rows"]
    (tmp_path / "policy.yaml").write_text(POLICY)
    monkeypatch.setenv("MCP_POLICY", str(tmp_path / "policy.yaml"))
    result = await ask("run_sql", sql)
    assert not result.is_error, result
    assert result.structured_content["rows"] == []
    assert name not in result.model_dump_json()
