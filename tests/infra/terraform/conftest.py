"""The plan of this repository's own files, made once by the engine that is on this machine."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from infra.terraform.tree import FOLDER, ROOT

from infra_checks.bench import Bench, NotRunError
from infra_checks.terraform import Engine, engine, scratch

PUBLIC = "https://mcp.larkfield.example"
ISSUER = "https://id.larkfield.example/realms/mcp"

WRAPPER = """
variable "given" { type = any }
module "it" {
  source        = "%s"
  repository    = var.given.repository
  additions     = var.given.additions
  public_url    = var.given.public_url
  issuer        = var.given.issuer
  issuer_inside = "http://keycloak:8080"
  gateway_tasks = 2
}
output "all" { value = module.it }
"""


@pytest.fixture(scope="session")
def found() -> Engine:
    try:
        return engine(Bench(ROOT))
    except NotRunError as why:
        pytest.skip(str(why))


@pytest.fixture(scope="session")
def plan(found: Engine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Outputs of plan/processes for gateway.yaml, policies and stack.toml as they are."""
    added = yaml.safe_load((FOLDER / "servers.yaml").read_text("utf-8"))
    return plan_of(found, tmp_path_factory.mktemp("plan"), added, ROOT)


def plan_of(found: Engine, folder: Path, added: dict[str, Any], repository: Path) -> dict[str, Any]:
    (folder / "main.tf").write_text(WRAPPER % (FOLDER / "modules/plan/processes"))
    given = {
        "repository": str(repository), "additions": added, "public_url": PUBLIC, "issuer": ISSUER,
    }  # fmt: skip
    (folder / "given.auto.tfvars.json").write_text(json.dumps({"given": given}))
    return outputs(found, folder)


def outputs(found: Engine, folder: Path) -> dict[str, Any]:
    engine_there = Engine(Bench(folder), found.program, found.version)
    with scratch() as (config, data):
        for words in (("init", "-backend=false"), ("plan", "-out=made.tfplan", "-input=false")):
            said = engine_there.run(folder, *words, config=config, data=data)
            assert said == (), "\n".join(said)
        shown = engine_there.bench.run(
            found.program, "show", "-json", "made.tfplan", folder=folder,
            env={"TF_DATA_DIR": str(data), "TF_CLI_CONFIG_FILE": str(config)},
        )  # fmt: skip
    made: dict[str, Any] = json.loads(shown.stdout)
    all_outputs: dict[str, Any] = made["planned_values"]["outputs"]["all"]["value"]
    return all_outputs
