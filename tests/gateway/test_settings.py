"""A misspelt key stops the start; the message names the file, the key and what is expected."""

from pathlib import Path

import pytest

from mcp_gateway.configuration.settings import (
    ConfigError,
    Settings,
    from_environment,
    load,
    servers,
)

GOOD = (
    "public_url: http://localhost:8080\nissuer: http://localhost:8081/realms/mcp\nservers: [one]\n"
)


def written(folder: Path, text: str, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "policy.yaml").write_text("tools: {}\n")
    (folder / "gateway").mkdir(exist_ok=True)
    path = folder / "gateway" / "gateway.yaml"
    path.write_text(text)
    return path


def test_a_bare_name_is_a_folder_of_servers_and_a_path_may_lie_anywhere(tmp_path: Path) -> None:
    text = GOOD.replace(
        "[one]",
        f"[one, {{path: ../outside/two, resource: https://two.example/mcp}}, {tmp_path}/three]",
    )
    path = written(tmp_path / "repo", text, "servers/one")
    for name in ("outside/two", "three"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "policy.yaml").write_text("tools: {}\n")
    found = servers(load(path), path)
    assert [(one.name, one.resource) for one in found] == [
        ("one", "http://one.internal/mcp"),
        ("two", "https://two.example/mcp"),
        ("three", "http://three.internal/mcp"),
    ]
    assert found[1].folder == tmp_path / "outside" / "two"
    assert found[2].folder == tmp_path / "three"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("servers:", "server:"), "gateway.yaml: server: Extra inputs are not permitted"),
        (("servers: [one]", ""), "gateway.yaml: servers: Field required"),
        (("public_url", "publicurl"), "gateway.yaml: publicurl: Extra inputs are not permitted"),
        (("localhost:8080", "localhost:8080/"), "public_url: Value error, expected an absolute http(s) URL without a trailing slash"),
        (("http://localhost:8080", "localhost:8080"), "public_url: Value error, expected an absolute"),
        (("[one]", "[One]"), "must match"),
        (("[one]", "[./file]"), "'file' must match"),
        (("[one]", "[./https]"), "'https' must match"),
        (("[one]", "[one, one]"), "'one' is listed twice"),
        (("[one]", "[two]"), "no policy.yaml in"),
        (("[one]", "[{folder: one}]"), "servers.0.path: Field required"),
        (("[one]", "one"), "servers: Input should be a valid list"),
        (("[one]", "[one]\nlimits: { body: 5 }"), "limits.body: Extra inputs are not permitted"),
        (("[one]", "[one]\nlimits: { body_bytes: 5 }"), "limits.body_bytes: Input should be greater than or equal to 1024"),
        (("[one]", "[one]\nlimits: { person_rate: lots }"), "limits.person_rate: Value error, expected a rate such as 60/minute, got 'lots'"),
        (("[one]", "[one]\nservers: [one]"), "the key 'servers' is given twice"),
    ],
)  # fmt: skip
def test_p07_a_mistake_says_file_key_and_expectation(
    tmp_path: Path, change: tuple[str, str], told: str
) -> None:
    path = written(tmp_path, GOOD.replace(*change), "servers/one")
    with pytest.raises(ConfigError) as caught:
        servers(load(path), path)
    assert told in str(caught.value)
    assert str(path) in str(caught.value)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "publc_url: x\nissuer: y\nservers: {}\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert len(str(caught.value).splitlines()) == 4


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "gateway.yaml")


def test_the_replica_may_override_the_public_addresses(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD, "servers/one")
    config = load(path, Settings(public_url="https://mcp.example", issuer=None))
    assert config.public_url == "https://mcp.example"
    assert config.issuer == "http://localhost:8081/realms/mcp"


def test_p07_the_environment_is_not_pasted_into_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVIL", "x")
    path = written(tmp_path, GOOD.replace("[one]", "['${EVIL}']"), "servers/one")
    with pytest.raises(ConfigError, match="EVIL"):
        servers(load(path), path)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("GATEWAY_PORT", "many", "environment: GATEWAY_PORT: Input should be a valid integer"),
        ("GATEWAY_PROFILE", "prod", "environment: GATEWAY_PROFILE: Input should be 'development' or 'production'"),
        ("GATEWAY_UPSTREAMS", "{", 'field "upstreams"'),
        ("GATEWAY_UPSTREAMS", "[]", "environment: GATEWAY_UPSTREAMS: Input should be a valid dict"),
    ],
)  # fmt: skip
def test_a_wrong_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        from_environment()
    assert told in str(caught.value)


def test_how_many_proxies_stand_in_front_of_a_replica_overrides_the_file(tmp_path: Path) -> None:
    text = GOOD + "limits: { trusted_proxies: 2, body_bytes: 2048 }\n"
    path = written(tmp_path, text, "servers/one")
    assert load(path, Settings()).limits.trusted_proxies == 2
    limits = load(path, Settings(trusted_proxies=1)).limits
    assert (limits.trusted_proxies, limits.body_bytes) == (1, 2048)
    assert load(path, Settings(trusted_proxies=0)).limits.trusted_proxies == 0


def test_how_many_replicas_there_are_overrides_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD + "limits: { replicas: 4 }\n", "servers/one")
    assert load(path, Settings()).limits.replicas == 4
    assert load(path, Settings(replicas=2)).limits.replicas == 2
    path.write_text(GOOD)
    assert load(path, Settings(replicas=3, trusted_proxies=1)).limits.replicas == 3


def test_so_many_proxies_are_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_TRUSTED_PROXIES", "6")
    with pytest.raises(ConfigError, match="GATEWAY_TRUSTED_PROXIES"):
        from_environment()
