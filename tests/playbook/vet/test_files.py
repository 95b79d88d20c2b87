"""What a person hands over as a file, and what is refused with a word that helps."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playbook.vet.recorded import ROOT

from mcp_playbook.vet.collect.files import attached, definitions, results
from mcp_playbook.vet.collect.outcome import NotHadError
from mcp_playbook.vet.record import RecordError


def written(folder: Path, content: Any, name: str = "file.json") -> Path:
    file = folder / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_osv_s_answer_is_reduced_and_an_empty_one_means_none(tmp_path: Path) -> None:
    assert attached("osv", written(tmp_path, {})).data == {"complete": True, "vulns": []}
    answer = {
        "vulns": [
            {
                "id": "GHSA-1",
                "summary": "long words",
                "database_specific": {"severity": "HIGH", "cwe_ids": []},
                "affected": [{"package": {"name": "x"}, "versions": ["1.0"]}],
            }
        ],
        "next_page_token": "more",
    }
    found = attached("osv", written(tmp_path, answer)).data
    assert not found["complete"], "a first page alone is no whole answer"
    assert found["vulns"][0]["affected"] == [{"versions": ["1.0"]}]
    assert "long words" not in json.dumps(found)


def test_a_bare_answer_is_as_old_as_its_file(tmp_path: Path) -> None:
    file = written(tmp_path, {"archived": False})
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    os.utime(file, (moment.timestamp(), moment.timestamp()))
    assert attached("repository", file).fetched == moment


def test_an_answer_with_its_time_keeps_it(tmp_path: Path) -> None:
    wrapped = {"source": "gh api", "fetched": "2026-02-01T00:00:00Z", "data": {"archived": True}}
    found = attached("repository", written(tmp_path, wrapped))
    assert (found.source, found.fetched) == ("gh api", datetime(2026, 2, 1, tzinfo=UTC))
    assert found.data["archived"]


@pytest.mark.parametrize(
    ("what", "content"),
    [
        ("osv", []), ("osv", "{"), ("osv", {"vulns": [{}]}), ("scorecard", {}), ("repository", {}), ("issues", []),
        ("mcp-registry", {"servers": []}),
    ],
)  # fmt: skip
def test_an_answer_of_another_shape_is_named(tmp_path: Path, what: str, content: Any) -> None:
    with pytest.raises(NotHadError):
        attached(what, written(tmp_path, content))


def test_results_of_tasks_are_read(tmp_path: Path) -> None:
    told = {
        "version": "1.0",
        "ran": "2026-05-01T10:00:00+02:00",
        "tasks": [
            {"id": "a", "completed": True, "prompt": "secret words"},
            {"id": "b", "completed": False},
        ],
    }
    found = results(written(tmp_path, told))
    assert found.fetched == datetime(2026, 5, 1, 8, tzinfo=UTC)
    assert found.data["tasks"] == [{"id": "a", "completed": True}, {"id": "b", "completed": False}]


RAN = {"ran": "2026-05-01T10:00:00Z"}


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ({"tasks": []}, "ran"),
        (RAN, "tasks"),
        (RAN | {"tasks": [{"id": "a", "completed": "yes"}]}, "true or false"),
        (RAN | {"tasks": [{"id": "a", "completed": True}] * 2}, "twice"),
        ({"ran": "today", "tasks": []}, "today"),
    ],
)
def test_results_that_are_unclear_are_refused(tmp_path: Path, told: Any, word: str) -> None:
    with pytest.raises((NotHadError, RecordError), match=word):
        results(written(tmp_path, told))


def test_lock_files_are_one_server_each() -> None:
    files = [ROOT / f"servers/{name}/tools.lock.json" for name in ("crm", "docs")]
    found = definitions(files)
    assert [server["name"] for server in found.data["servers"]] == ["crm", "docs"]
    assert found.data["servers"][0]["instructions"]
    assert str(ROOT) not in found.source


def test_an_answer_to_tools_list_is_a_server_called_as_its_file(tmp_path: Path) -> None:
    file = written(
        tmp_path, {"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "a"}]}}, "ledger.json"
    )
    (server,) = definitions([file]).data["servers"]
    assert (server["name"], server["tools"]) == ("ledger", [{"name": "a"}])


def test_a_file_without_tools_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotHadError, match="no list of tools"):
        definitions([written(tmp_path, {"tools": "many"})])
