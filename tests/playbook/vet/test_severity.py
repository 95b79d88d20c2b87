import pytest

from mcp_playbook.vet.severity import base_score, level, of_osv


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        # examples of FIRST's CVSS 3.1 example document and of the specification's corner cases
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4),
        ("CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1),
        ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:N/A:N", 5.5),
        ("CVSS:3.1/AV:L/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:L", 4.2),
        ("CVSS:3.1/AV:P/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", None),
        ("CVSS:3.1/AV:N", None),
        ("nonsense", None),
    ],
)
def test_the_base_score_is_that_of_the_specification(vector: str, score: float | None) -> None:
    assert base_score(vector) == score


@pytest.mark.parametrize(
    ("score", "name"), [(9.0, "critical"), (8.9, "high"), (4.0, "medium"), (0.0, "low")]
)
def test_levels_begin_where_the_specification_says(score: float, name: str) -> None:
    assert level(score) == name


def test_the_database_s_word_comes_before_the_vector_and_neither_is_unknown() -> None:
    vector = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}
    newer = {
        "type": "CVSS_V4",
        "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
    }
    assert (
        of_osv({"id": "A", "database_specific": {"severity": "MODERATE"}, "severity": [vector]})
        == "medium"
    )
    assert of_osv({"id": "A", "severity": [newer, vector]}) == "critical"
    assert of_osv({"id": "A", "severity": [newer]}) == "unknown"
    assert of_osv({"id": "A", "database_specific": {"severity": None}}) == "unknown"
    assert of_osv({"id": "MAL-2026-1"}) == "critical"
