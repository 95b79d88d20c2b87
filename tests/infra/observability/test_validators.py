"""Each of our own validators finds what it is there for, and nothing in the files as they are."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from architecture.tree import ROOT

from infra_checks import alert_rules, collector_files, metric_table, observability
from infra_checks.bench import Bench
from infra_checks.check import Ran

FOLDER = ROOT / observability.FOLDER
PAGE = (FOLDER / "README.md").read_text("utf-8")
COLLECTOR = FOLDER / "collector"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The collector's files, to be spoilt."""
    shutil.copytree(COLLECTOR, tmp_path / "collector")
    return tmp_path / "collector"


def spoil(folder: Path, name: str, old: str, new: str) -> list[str]:
    path = folder / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return list(collector_files.findings(folder, PAGE))


@pytest.mark.parametrize(
    "check", [observability.generated, observability.names, observability.collector],
    ids=lambda check: check.__name__,
)  # fmt: skip
def test_the_files_as_they_are_have_no_findings(check: Callable[[Bench], Ran]) -> None:
    assert check(Bench(ROOT)).findings == ()


def test_every_alert_has_severity_summary_and_a_page() -> None:
    assert not list(alert_rules.findings(ROOT))


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("collector.yaml", "[memory_limiter, redaction, batch]", "[memory_limiter, batch]", "nothing masks tokens"),
        ("collector.yaml", "redaction, tail_sampling", "tail_sampling, redaction", "wait unmasked"),
        ("collector.yaml", "transform/person, redaction", "redaction", "person cannot be taken out"),
        ("collector.yaml", "[memory_limiter, redaction", "[redaction", "must begin with memory_limiter"),
        ("collector.yaml", "exporters: [otlp_grpc/tempo]", "exporters: [otlp_grpc/temp]", "temp is not defined"),
        ("collector.yaml", "  batch:\n", "  batch/other: {}\n  batch:\n", "batch/other is not used"),
        ("collector.yaml", "${env:COLLECTOR_HOST:-127.0.0.1}:13133", "0.0.0.0:13133", "listens at 0.0.0.0"),
        ("collector.yaml", "${env:TEMPO_ENDPOINT:-tempo:4317}", "${env:TEMPLE}", "TEMPLE is not explained"),
        ("collector.yaml", "${env:LOKI_ENDPOINT:-http://loki:3100/otlp}", "http://loki", "LOKI_ENDPOINT is read by no file"),
        ("collector.yaml", "send_metadata: true", "send_metadata: true\n    send_metadata: false", "given twice"),
        ("logs-from-containers.yaml", "transform/lines, redaction, batch", "transform/lines, batch", "logs-from-containers.yaml: logs: nothing masks"),
        ("host.yaml", "host_metrics:", "hostess_metrics:", "hostess_metrics is not in builder.yaml"),
        ("datadog.yaml", "Never run", "Often run", "does not say that it was never run"),
    ],
)  # fmt: skip
def test_a_collector_file_that_is_wrong_is_named(
    folder: Path, name: str, old: str, new: str, says: str
) -> None:
    found = spoil(folder, name, old, new)
    assert any(says in one for one in found), found


def test_an_overlay_replaces_lists_and_adds_keys() -> None:
    under = {"a": {"list": [1, 2], "kept": True}, "b": 1}
    over = {"a": {"list": [3], "new": {}}, "b": {"c": 2}}
    assert collector_files.merged(under, over) == {
        "a": {"list": [3], "kept": True, "new": {}}, "b": {"c": 2},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("expr", "names"),
    [
        ('sum by (server) (rate(a_total{x="b_total"}[5m])) / c_sum > 0.5', {"a_total", "c_sum"}),
        ("histogram_quantile(0.9, sum by (le, tool) (rate(d_bucket[$__rate_interval])))", {"d_bucket"}),
        ('slo:ratio{a=~"b"} and on(sloth_id) group_left() other:name', {"slo:ratio", "other:name"}),
        ('absent(gone) or vector(1) unless max without(le) (left{a!=""})', {"gone", "left"}),
    ],
)  # fmt: skip
def test_metric_names_are_told_from_functions_labels_and_values(expr: str, names: set[str]) -> None:
    assert metric_table.named(expr) == names


def test_a_metric_that_is_in_no_row_is_unknown() -> None:
    known = metric_table.metrics(PAGE)
    assert list(metric_table.unknown("rate(mcp_gateway_refused_total[5m])", known)) == []
    assert list(metric_table.unknown("mcp_gateway_invented > 0", known)) == ["mcp_gateway_invented"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"labels": {"severity": "urgent"}}, "severity is none of"),
        ({"annotations": {"summary": "", "runbook_url": "x/playbook/runbooks/ledger-down.md"}}, "no summary"),
        ({"annotations": {"summary": "s", "runbook_url": "x/playbook/runbooks/no-page.md"}}, "links no runbook"),
        ({"annotations": {"summary": "s"}}, "links no runbook"),
    ],
)  # fmt: skip
def test_an_alert_without_its_parts_is_named(
    tmp_path: Path, change: dict[str, object], says: str
) -> None:
    good = {
        "alert": "A", "expr": "x_total > 0", "labels": {"severity": "page"},
        "annotations": {"summary": "s", "runbook_url": "x/playbook/runbooks/ledger-down.md"},
    }  # fmt: skip
    (tmp_path / "playbook").symlink_to(ROOT / "playbook")
    rules = tmp_path / alert_rules.FOLDER / "rules"
    rules.mkdir(parents=True)
    path = rules / "some.rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": [good]}]}))
    assert not list(alert_rules.findings(tmp_path))
    path.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": [{**good, **change}]}]}))
    (found,) = alert_rules.findings(tmp_path)
    assert found.startswith("some.rules.yaml: A: ")
    assert says in found
