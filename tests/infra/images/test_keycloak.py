"""One version of Keycloak: natively, in the image, on AWS."""

import re
import tomllib

import pytest
from architecture.tree import ROOT

PINNED = tomllib.loads((ROOT / "infra/keycloak/keycloak.toml").read_text("utf-8"))["version"]


@pytest.mark.parametrize("file", ["infra/images", "infra/terraform/images"])
def test_an_image_has_the_version_that_the_contract_was_run_against(file: str) -> None:
    text = (ROOT / file / "keycloak.Dockerfile").read_text("utf-8")
    assert re.findall(r"keycloak/keycloak:([\d.]+)", text) == [PINNED]
