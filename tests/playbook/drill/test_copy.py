"""The copy of the repository that a drill may change: the servers of elsewhere are in it."""

from pathlib import Path

import yaml

from mcp_gateway.configuration import settings
from mcp_playbook.drill.rug_pull import _copy


def a_server(folder: Path) -> None:
    (folder / "src").mkdir(parents=True)
    (folder / "policy.yaml").write_text("tools: {}\n")


def test_a_server_from_outside_is_copied_and_keeps_its_name_and_identity(tmp_path: Path) -> None:
    root, copy = tmp_path / "clone", tmp_path / "copy"
    a_server(root / "servers" / "inside")
    a_server(tmp_path / "elsewhere" / "outside")
    (root / "gateway").mkdir()
    listing = {
        "public_url": "http://localhost:1", "issuer": "http://localhost:2/realms/mcp",
        "servers": ["inside", {"path": "../elsewhere/outside", "resource": "https://o.example/mcp"}],
    }  # fmt: skip
    (root / "gateway" / "gateway.yaml").write_text(yaml.safe_dump(listing))
    _copy(root, copy)
    file = copy / "gateway" / "gateway.yaml"
    found = {one.name: one for one in settings.servers(settings.load(file), file)}
    assert {name: one.folder for name, one in found.items()} == {
        name: copy / "servers" / name for name in ("inside", "outside")
    }
    assert found["outside"].resource == "https://o.example/mcp"
    assert (copy / "servers" / "outside" / "src").is_dir()
