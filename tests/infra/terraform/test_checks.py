"""Each validator of check-infra is seen to object: one mistake at a time, in a copy of the tree."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from infra.terraform.tree import ROOT

from infra_checks import terraform
from infra_checks.bench import Bench, NotRunError
from infra_checks.check import Ran
from infra_checks.terraform import Engine

Copy = Callable[..., Bench]


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """The tree with one change: (file, what stands there, what it becomes)."""

    def made(file: str, old: str, new: str, *, only: tuple[str, ...] = ()) -> Bench:
        # what is fetched and built is the repository's own
        (ROOT / ".cache").mkdir(exist_ok=True)
        (tmp_path / ".cache").symlink_to(ROOT / ".cache")
        (tmp_path / ".venv").symlink_to(ROOT / ".venv")
        for name in ("infra/terraform", "infra/checks", "infra/local", "gateway", "servers"):
            shutil.copytree(
                ROOT / name, tmp_path / name,
                ignore=shutil.ignore_patterns("__pycache__", ".terraform", "src" if name != "infra/terraform" else ""),
            )  # fmt: skip
        for unwanted in only and [
            one
            for one in (tmp_path / "infra/terraform/environments").iterdir()
            if one.name not in only
        ]:
            shutil.rmtree(unwanted)
        path = tmp_path / file
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{file}: {old!r} stands there {text.count(old)} times"
        path.write_text(text.replace(old, new))
        return Bench(tmp_path)

    return made


def findings(check: Callable[[Bench], Ran], bench: Bench) -> str:
    try:
        return "\n".join(check(bench).findings)
    except NotRunError as why:
        pytest.skip(str(why))


def test_a_file_that_is_not_formatted_is_found(copy: Copy, found: Engine) -> None:
    bench = copy("infra/terraform/servers.yaml", "warehouse:", "warehouse:")
    (bench.root / "infra/terraform/modules/keys/outputs.tf").write_text(
        'output "x" {\nvalue=1\n}\n'
    )
    assert "modules/keys/outputs.tf" in findings(terraform.formatted, bench)


@pytest.mark.timeout(420)  # the first of them installs the tools
def test_a_file_that_does_not_parse_is_found(copy: Copy) -> None:
    bench = copy(
        "infra/terraform/modules/keys/main.tf",
        "enable_key_rotation     = true",
        "enable_key_rotation = = true",
    )
    assert "modules/keys/main.tf" in findings(terraform.parsed, bench)


def test_a_policy_that_hcl_would_read_otherwise_is_found(copy: Copy, found: Engine) -> None:
    bench = copy(
        "servers/crm/policy.yaml",
        "    roles: [sales]\n    kind: write",
        "    roles: [analyst]\n    kind: write",
    )
    said = findings(terraform.tested, bench)
    assert "exposure_is_the_policies" in said
    assert "modules/plan/processes" in said


MISTAKES = {
    "an argument that is misspelt": ("modules/data/database.tf", "publicly_accessible ", "publicly_accesible ", "publicly_accesible"),
    "an argument that is missing": ("modules/data/database.tf", "  instance_class = var.database.class\n", "", "instance_class"),
    "a type that does not exist": ("modules/network/main.tf", 'resource "aws_nat_gateway" "this"', 'resource "aws_nat_gate" "this"', "aws_nat_gate"),
    "a block that is misspelt": ("modules/service/service.tf", "  deployment_circuit_breaker {", "  deployment_circuit_braker {", "deployment_circuit_braker"),
    "an argument of a nested block": ("modules/service/service.tf", "per_request_timeout_seconds", "per_request_timeout_second", "per_request_timeout_second"),
    "a value of another type": ("modules/data/valkey.tf", "snapshot_retention_limit   = 0", 'snapshot_retention_limit   = "none"', "snapshot_retention_limit"),
    "an attribute that nothing has": ("modules/edge/outputs.tf", "aws_lb.this.dns_name", "aws_lb.this.dns", "dns"),
    "a block twice that may stand once": ("modules/service/service.tf", "  network_configuration {", "  network_configuration {\n    subnets = []\n  }\n  network_configuration {", "network_configuration"),
}  # fmt: skip


@pytest.mark.timeout(420)
def test_validate_finds_each_mistake_against_the_schema(copy: Copy, found: Engine) -> None:
    """One by one in the same copy: a copy for each would copy the same files eight times."""
    bench = copy("infra/terraform/servers.yaml", "warehouse:", "warehouse:")
    folder = bench.root / "infra/terraform"
    shutil.rmtree(folder / "environments")
    for module in (folder / "modules").iterdir():
        if module.name not in {name.split("/")[1] for name, *_ in MISTAKES.values()}:
            shutil.rmtree(module)
    assert findings(terraform.validated, bench) == ""
    for what, (name, old, new, named) in MISTAKES.items():
        file = folder / name
        right = file.read_text("utf-8")
        assert right.count(old) == 1, what
        file.write_text(right.replace(old, new))
        said = findings(terraform.validated, bench)
        file.write_text(right)
        assert named in said, f"{what}: {said}"
        assert re.search(r"Error: ", said), what


@pytest.mark.timeout(240)
def test_the_scanner_objects_to_a_weak_key_and_to_an_excuse(copy: Copy) -> None:
    bench = copy(
        "infra/terraform/modules/account/key.tf",
        "  enable_key_rotation     = true",
        "  enable_key_rotation     = false",
        only=("account",),
    )
    images = bench.root / "infra/terraform/modules/account/images.tf"
    images.write_text(
        images.read_text("utf-8")
        .replace('  image_tag_mutability = "IMMUTABLE"', '  image_tag_mutability = "MUTABLE"')
        .replace(
            "  for_each = var.images", "  #checkov:skip=CKV_AWS_51:why not\n  for_each = var.images"
        )
    )
    said = findings(terraform.checkov, bench)
    assert "CKV_AWS_7 module.account.aws_kms_key.this" in said
    assert re.search(r"CKV_AWS_51 .*skipped without a reason", said)
