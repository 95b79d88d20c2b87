"""Every attack of the catalogue is a test's name, and no test names an attack that is not there."""

import ast
import re
import tomllib
from pathlib import Path

TESTS = Path(__file__).parents[1]
CATALOGUE = tomllib.loads((Path(__file__).parent / "catalogue.toml").read_text("utf-8"))
ROWS, ELSEWHERE = CATALOGUE["rows"], CATALOGUE["elsewhere"]
GROUPS = "TOHARLUDWC"
IDS = re.compile(rf"test_((?:[{GROUPS}]\d\d_)+)", re.IGNORECASE)


def named(text: str) -> list[str]:
    """The ids in the names of a file's tests, once for each test that has them."""
    found: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (
            at := IDS.match(node.name)
        ):
            found += at[1].upper().strip("_").split("_")
    return found


def all_named() -> list[str]:
    return [one for path in TESTS.rglob("test_*.py") for one in named(path.read_text("utf-8"))]


def test_every_attack_of_the_catalogue_is_a_tests_name() -> None:
    missing = set(ROWS) - set(all_named())
    assert not missing, {one: ROWS[one] for one in sorted(missing)}


def test_no_test_names_an_attack_that_is_not_in_the_catalogue() -> None:
    assert not set(all_named()) - set(ROWS) - set(ELSEWHERE)


def test_an_attack_is_in_the_catalogue_once_with_words_of_its_own() -> None:
    assert not set(ROWS) & set(ELSEWHERE)
    for one, words in {**ROWS, **ELSEWHERE}.items():
        assert re.fullmatch(rf"[{GROUPS}]\d\d", one)
        assert words
    assert len(set(ROWS.values())) == len(ROWS)


def test_names_are_read_as_they_are_written() -> None:
    text = "def test_T01_x(): ...\nasync def test_a15_R02_y(): ...\ndef test_T9_z(): ...\n"
    assert named(text) == ["T01", "A15", "R02"]
