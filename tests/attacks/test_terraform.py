"""P02, P03, P04, P05, P07, P10 as they concern the stack in AWS: its files, and the plan of them."""

import re
import shutil
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml
from infra.terraform.conftest import found, plan, plan_of
from infra.terraform.test_fill import OUTPUT, cloud, fill, held
from infra.terraform.tree import FOLDER, ROOT, blocks, files, resources

from infra_checks.terraform import Engine
from mcp_gateway.configuration import production
from mcp_gateway.door.edge import ENDING_SECONDS
from mcp_gateway.door.leaving import SHUTDOWN_SECONDS as GATEWAY_SECONDS
from mcp_shared.serve import SHUTDOWN_SECONDS as SERVER_SECONDS

__all__ = ["cloud", "found", "plan"]

# of ECS's defaults and ours, what would lead out of a container
WAYS_OUT = (
    "docker.sock",
    "privileged = true",
    "pidMode",
    "ipcMode",
    'network_mode             = "host"',
    "hostPath",
    "dockerVolumeConfiguration",
)


def container() -> str:
    (one,) = (
        one for one in blocks() if one.kind == "locals" and "container" in one.arguments and one.file.name == "task.tf"
    )  # fmt: skip
    return one.arguments["container"]


def test_p02_a_task_definition_names_secrets_and_holds_none(plan: dict[str, Any]) -> None:
    """Whoever may describe a task definition reads its environment."""
    for name, process in {**plan["processes"], **plan["setups"]}.items():
        for key, value in process["environment"].items():
            bare = re.sub(r"\{secret:SECRET_[A-Z0-9_]+\}", "", value)
            assert not re.search(r"://[^:/@]+:[^@]+@", bare), f"{name}: {key}"
            if re.search(r"TOKEN|PASSWORD|_KEY$", key):
                assert re.fullmatch(r"\{secret:SECRET_[A-Z0-9_]+\}", value), f"{name}: {key}"


def test_p02_no_value_passes_through_terraform() -> None:
    """It would be in the state, and in every plan somebody pastes."""
    sensitive = [
        one for one in blocks() if one.kind == "variable" and "password" in one.name.lower()
    ]
    assert sensitive == []
    kinds = {one.labels[0] for one in blocks() if one.kind in {"resource", "data", "ephemeral"}}
    assert not {
        kind for kind in kinds if "secret_version" in kind or "random_" in kind or "tls_" in kind
    }


def test_p03_generated_logins_pass_the_rules_of_the_production_profile(cloud: Path) -> None:
    fill(cloud)
    passwords = {
        name: value
        for name, value in held(cloud).items()
        if not name.endswith((".pem", ".pub", ".key"))
    }
    assert len(passwords) == len(set(passwords.values())) >= 4
    for name, value in passwords.items():
        assert len(value) >= production.MIN_PASSWORD, name
        assert value.lower() not in production.GUESSED, name
    assert not set(passwords.values()) & {name.rpartition("-")[2] for name in OUTPUT["arns"]}


def test_p03_no_login_is_a_default(plan: dict[str, Any]) -> None:
    assert plan["processes"]["gateway"]["environment"]["GATEWAY_PROFILE"] == "production"
    for name, process in plan["processes"].items():
        if name != "gateway":
            assert process["environment"]["MCP_PROFILE"] == "production"
        for value in process["environment"].values():
            user = re.match(r"(?:postgresql|rediss?)://([^:@/]*)", value)
            assert not user or user[1] not in {
                *production.ADMINISTRATORS,
                "",
                "default",
                "administrator",
            }
    keycloak = (FOLDER / "modules/stack/keycloak.tf").read_text("utf-8")
    assert "KC_BOOTSTRAP_ADMIN_PASSWORD = module.keys.secret_arns" in keycloak
    assert "start-dev" not in keycloak


def public_paths() -> list[str]:
    rules = resources("aws_lb_listener_rule")
    assert len(rules) == 3
    found = []
    for rule in rules:
        inner = [one for condition in rule.inner("condition") for one in condition.all()]
        kinds = {one.kind for one in inner}
        (paths,) = (one.arguments["values"] for one in inner if one.kind == "path_pattern")
        assert "host_header" in kinds
        if rule.labels[1] == "administration":
            assert "source_ip" in kinds  # from named networks alone
            continue
        found += re.findall(r'"([^"]+)"', paths.replace("${var.realm}", "mcp"))
    return found


@pytest.mark.parametrize(
    "path",
    [
        "/metrics", "/docs", "/openapi.json", "/debug/pprof", "/healthz", "/readyz", "/health/ready", "/admin/",
        "/admin/master/console/", "/realms/master/protocol/openid-connect/token", "/realms/other/account",
        "/management", "/server-status", "/", "/.git/config", "/.env",
    ],
)  # fmt: skip
def test_p04_a_path_for_operators_does_not_exist_for_the_world(path: str) -> None:
    """Stars of the load balancer match slashes, too, as fnmatch's do."""
    assert [pattern for pattern in public_paths() if fnmatchcase(path, pattern)] == []


@pytest.mark.parametrize(
    "path",
    [
        "/mcp", "/servers/crm/mcp", "/.well-known/oauth-protected-resource/servers/crm/mcp", "/console/calls",
        "/realms/mcp/protocol/openid-connect/token", "/realms/mcp/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/realms/mcp",
    ],
)  # fmt: skip
def test_p04_what_clients_need_exists(path: str) -> None:
    assert [pattern for pattern in public_paths() if fnmatchcase(path, pattern)]


def test_p04_what_no_rule_names_is_not_found() -> None:
    (https,) = (one for one in resources("aws_lb_listener") if one.labels[1] == "https")
    assert 'status_code  = "404"' in https.text
    assert "TLS13-1-2" in https.arguments["ssl_policy"]


def test_p05_no_task_is_root_or_writes_or_keeps_a_right() -> None:
    said = container()
    assert "readonlyRootFilesystem = true" in said
    assert "privileged             = false" in said
    assert 'capabilities       = { drop = ["ALL"] }' in said
    (user,) = (
        one for one in blocks() if one.kind == "variable" and one.labels == ("user",) and one.file.parent.name == "task"
    )  # fmt: skip
    pattern = re.search(r'regex\("([^"]+)"', user.text)
    assert pattern is not None
    assert re.search(pattern[1], "10001:10001")
    for root in ("0", "0:0", "root", "0:10001", "10001:0", ""):
        assert not re.search(pattern[1], root), root


def test_p05_nothing_leads_out_of_a_container() -> None:
    for file in files("**/*.tf"):
        text = file.read_text("utf-8")
        for way in WAYS_OUT:
            assert way not in text, f"{file.relative_to(ROOT)}: {way}"
    (service,) = resources("aws_ecs_service")
    assert service.arguments["launch_type"] == '"FARGATE"'
    assert service.arguments["enable_execute_command"] == "var.cluster.exec"
    assert "exec            = false" in (FOLDER / "environments/prod/main.tf").read_text("utf-8")


def test_p05_a_role_is_for_one_task_and_ends_at_the_boundary() -> None:
    roles = [one for one in resources("aws_iam_role") if one.file.parent.name == "task"]
    assert len(roles) == 2
    assert {one.arguments["permissions_boundary"] for one in roles} == {"var.boundary_arn"}
    for one in blocks():
        if one.kind == "resource" and one.labels[0] in {"aws_iam_role_policy", "aws_iam_policy"}:
            assert not re.search(r'Action\s*=\s*("\*"|\[?"[a-z0-9-]+:\*")', one.text), one.name


def test_p07_an_entry_that_belongs_to_no_listed_server_stops_the_plan(
    found: Engine, tmp_path: Path
) -> None:
    """A typing mistake in servers.yaml, or a server that somebody slipped in."""
    added = yaml.safe_load((FOLDER / "servers.yaml").read_text("utf-8"))
    said = refused(found, tmp_path, {**added, "crn": added["crm"]})
    assert "servers.yaml speaks of crn" in " ".join(said.split())


def test_p07_a_policy_with_a_tag_in_it_stops_the_plan(found: Engine, tmp_path: Path) -> None:
    """yamldecode makes no object of a tag."""
    shutil.copytree(ROOT / "servers", tmp_path / "clone/servers")
    shutil.copytree(
        ROOT / "gateway", tmp_path / "clone/gateway", ignore=shutil.ignore_patterns("src")
    )
    policy = tmp_path / "clone/servers/crm/policy.yaml"
    policy.write_text(policy.read_text("utf-8") + "prompts: !!python/object/apply:os.system [id]\n")
    added = yaml.safe_load((FOLDER / "servers.yaml").read_text("utf-8"))
    said = refused(found, tmp_path, added, repository=tmp_path / "clone")
    assert "yamldecode" in said


def refused(found: Engine, folder: Path, added: dict[str, Any], repository: Path = ROOT) -> str:
    try:
        plan_of(found, folder, added, repository)
    except AssertionError as error:
        return str(error)
    raise AssertionError("the plan was made")


def test_p10_a_task_has_the_time_that_its_process_takes_to_end(plan: dict[str, Any]) -> None:
    longest = 120  # seconds; Fargate grants no more
    for name, process in plan["processes"].items():
        needs = GATEWAY_SECONDS + ENDING_SECONDS if name == "gateway" else SERVER_SECONDS
        assert needs < process["stop"] <= longest, name
    for group in resources("aws_lb_target_group"):
        assert int(group.arguments["deregistration_delay"]) > GATEWAY_SECONDS
    (balancer,) = resources("aws_lb")
    assert balancer.arguments["idle_timeout"] == "max(60, ceil(var.longest) + 30)"


def test_p10_a_version_that_does_not_come_up_is_taken_back() -> None:
    (service,) = resources("aws_ecs_service")
    (breaker,) = service.inner("deployment_circuit_breaker")
    assert breaker.arguments == {"enable": "true", "rollback": "true"}
    assert service.arguments["deployment_minimum_healthy_percent"] == "100"


def test_p10_alive_is_not_asked_of_the_ledger() -> None:
    """Tasks that were killed whenever the ledger is away would come back to find it away."""
    tasks = (FOLDER / "modules/stack/tasks.tf").read_text("utf-8")
    assert "/healthz'" in tasks
    assert "/readyz" not in tasks
    (gateway,) = (one for one in resources("aws_lb_target_group") if one.labels[1] == "gateway")
    (check,) = gateway.inner("health_check")
    assert check.arguments["path"] == '"/readyz"'
