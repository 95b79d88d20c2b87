"""What holds for every file of the tree, whatever it is about."""

import re

import pytest
import yaml
from infra.terraform.tree import FOLDER, ROOT, blocks, files, resources

SECRETS = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "an access key": r"\b(AKIA|ASIA)[A-Z0-9]{16}\b",
    "a password in an address": r"://[^\s:/@{}$\"]+:[^\s@{}$\"]+@",
    "a token": r"\b(ghp_|gho_|xox[bp]-|pat-[a-z0-9]{2}-)[A-Za-z0-9-]{10,}",
    "a value for a secret": r"(?i)^\s*(secret_string|master_password|password|auth_token|passwords)\s*=",
}
PLAIN = re.compile(r"^[a-zA-Z0-9 ._:/()#,@\[\]+=&;{}!$*-]{1,255}$")  # what AWS takes


@pytest.mark.parametrize("kind", SECRETS)
def test_no_file_holds_a_secret(kind: str) -> None:
    found = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for pattern in ("**/*.tf", "**/*.tfvars*", "**/*.hcl*", "**/*.yaml", "**/*.py", "**/*.toml")
        for file in files(pattern)
        if not file.name.endswith(".tftest.hcl")  # they state the patterns that must not be
        for line in file.read_text("utf-8").splitlines()
        if re.search(SECRETS[kind], line)
    ]
    assert found == []


def test_no_secret_has_a_version_in_terraform() -> None:
    """A version would put the value into the state."""
    assert [one.name for one in blocks() if "aws_secretsmanager_secret_version" in one.labels] == []


def test_no_file_is_longer_than_an_evening() -> None:
    long = {
        str(file.relative_to(ROOT)): count
        for file in files("**/*.tf") + files("**/*.py") + files("**/*.go") + files("**/*.hcl")
        if (count := len(file.read_text("utf-8").splitlines())) > 250
    }
    assert long == {}


def test_the_provider_and_the_tool_have_an_upper_bound() -> None:
    settings = [one for one in blocks() if one.kind == "terraform"]
    assert len(settings) >= 10
    for one in settings:
        assert one.arguments["required_version"] == '">= 1.11, < 2.0"', one.file
        (providers,) = one.inner("required_providers")
        assert 'version = ">= 6.25, < 7.0"' in providers.arguments["aws"], one.file


def test_every_module_with_a_resource_pins_its_provider() -> None:
    pinned = {one.file.parent for one in blocks() if one.kind == "terraform"}
    assert {one.file.parent for one in blocks() if one.kind == "resource"} <= pinned


def test_modules_of_the_plan_have_no_provider() -> None:
    pure = [one for one in blocks() if "plan" in one.file.parts]
    assert {one.kind for one in pure} == {"variable", "locals", "output"}


def test_every_variable_and_output_is_described_in_a_sentence() -> None:
    for one in blocks():
        if one.kind in {"variable", "output"}:
            text = one.arguments.get("description", "").strip('"')
            assert text.endswith((".", "?")), f"{one.file}: {one.name}: {text!r}"
            if one.kind == "variable":
                assert "type" in one.arguments, f"{one.file}: {one.name}"


def test_roots_have_the_same_state_backend_that_locks_itself() -> None:
    roots = [
        one for one in blocks() if one.kind == "terraform" and "environments" in one.file.parts
    ]
    assert len(roots) == 4
    keys = set()
    for one in roots:
        (backend,) = one.inner("backend")
        assert backend.labels == ("s3",)
        assert backend.arguments["use_lockfile"] == backend.arguments["encrypt"] == "true"
        keys.add(backend.arguments["key"])
    assert len(keys) == 4


def test_a_root_refuses_another_account() -> None:
    providers = [one for one in blocks() if one.kind == "provider"]
    assert len(providers) == 4
    assert {one.arguments["allowed_account_ids"] for one in providers} == {"[var.account_id]"}


def test_every_bucket_is_private_versioned_encrypted_and_speaks_tls() -> None:
    for one in resources("aws_s3_bucket"):
        name = one.labels[1]
        for kind in ("public_access_block", "versioning", "server_side_encryption_configuration"):
            assert any(
                other.labels[1] == name and f"aws_s3_bucket.{name}" in other.arguments["bucket"]
                for other in resources(f"aws_s3_bucket_{kind}")
            ), f"{one.name} has no {kind}"
        (policy,) = (
            other for other in resources("aws_s3_bucket_policy") if other.labels[1] == name
        )
        assert '"aws:SecureTransport" = "false"' in policy.arguments["policy"]
        assert one.arguments["force_destroy"] == "false"
    for block in resources("aws_s3_bucket_public_access_block"):
        switches = {
            key: value for key, value in block.arguments.items() if key not in {"bucket", "count"}
        }
        assert set(switches.values()) == {"true"}
        assert len(switches) == 4


def test_the_archive_is_locked_in_compliance_mode() -> None:
    (lock,) = resources("aws_s3_bucket_object_lock_configuration")
    assert 'mode = "COMPLIANCE"' in lock.text
    (archive,) = (one for one in resources("aws_s3_bucket") if one.labels[1] == "archive")
    assert archive.arguments["object_lock_enabled"] == "true"


def test_every_rule_and_group_of_the_network_says_why() -> None:
    for kind in ("aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"):
        for one in resources(kind):
            assert one.arguments["description"] == "each.value.reason", one.name
    for one in resources("aws_security_group"):
        text = one.arguments["description"].strip('"')
        assert PLAIN.match(text.replace("${var.name}", "crm")), text
        assert not [*one.inner("ingress"), *one.inner("egress")], f"{one.name}: see flows.tf"


def test_the_whole_world_is_named_in_three_places_each_with_its_reason() -> None:
    found = [
        line.strip()
        for file in files("modules/**/*.tf")
        for line in file.read_text("utf-8").splitlines()
        if '"0.0.0.0/0"' in line
    ]
    assert len(found) == 3
    assert all("#" in line and len(line.partition("#")[2]) > 20 for line in found), found
    assert not any('"::/0"' in file.read_text("utf-8") for file in files("modules/**/*.tf"))


def test_nobody_is_bound_to_one_task() -> None:
    for one in resources("aws_lb_target_group"):
        assert not one.inner("stickiness")


def test_every_log_is_encrypted_and_kept_a_year() -> None:
    for one in resources("aws_cloudwatch_log_group"):
        assert one.arguments["retention_in_days"] == "365", one.file
        assert one.arguments["kms_key_id"], one.file


def test_a_rule_that_is_skipped_says_why_in_place() -> None:
    skips = [
        line.strip()
        for file in files("**/*.tf")
        for line in file.read_text("utf-8").splitlines()
        if "checkov:skip" in line
    ]
    assert len(skips) >= 10
    for line in skips:
        assert re.fullmatch(r"#checkov:skip=CKV2?_AWS_\d+:.{20,}", line), line


def test_example_values_are_those_of_the_sample_company() -> None:
    for file in files("environments/*/*.tfvars.example"):
        text = file.read_text("utf-8")
        assert set(re.findall(r"[^-]\b(\d{12})\b", text)) == {"111122223333"}
        assert set(re.findall(r"[a-z0-9.]+\.example\b", text)) <= {
            *(
                f"{name}{zone}larkfield.example"
                for name in ("mcp.", "id.")
                for zone in ("", "dev.", "stage.")
            ),
            "larkfield.example",
        }


def test_a_digest_is_the_only_name_of_an_image() -> None:
    (image,) = (
        one for one in blocks()
        if one.kind == "variable" and one.labels == ("image",) and one.file.parent.name == "task"
    )  # fmt: skip
    assert "@sha256:[0-9a-f]{64}$" in image.text
    for file in files("environments/*/*.tfvars.example"):
        images = re.findall(r'= "(\S+\.amazonaws\.com/\S+)"', file.read_text("utf-8"))
        assert len(images) >= 6
        assert all("@sha256:" in one for one in images)


def test_servers_yaml_speaks_of_listed_servers_alone() -> None:
    known = yaml.safe_load((FOLDER / "servers.yaml").read_text("utf-8"))
    listed = yaml.safe_load((ROOT / "gateway/gateway.yaml").read_text("utf-8"))["servers"]
    assert set(known) <= {one if isinstance(one, str) else one["path"] for one in listed}


def test_the_firewall_lets_a_native_client_return_to_its_own_machine() -> None:
    """The common rules take `redirect_uri=http://127.0.0.1:…` for an inclusion of a remote file."""
    (acl,) = resources("aws_wafv2_web_acl")
    (counted,) = (
        one.arguments["only_counted"] for one in blocks() if "only_counted" in one.arguments
    )
    for name in ("GenericRFI_QUERYARGUMENTS", "SizeRestrictions_BODY", "CrossSiteScripting_BODY"):
        assert f'"{name}"' in counted
    assert "sampled_requests_enabled   = true" not in acl.text  # samples hold tokens
    (logging,) = resources("aws_wafv2_web_acl_logging_configuration")
    for secret in ("authorization", "cookie", "query_string"):
        assert secret in logging.text


def test_the_archive_takes_the_buckets_own_key_and_no_other() -> None:
    """Without Null, a writer that names no key would be refused: a negated condition holds for what is absent."""
    (policy,) = (one for one in resources("aws_s3_bucket_policy") if one.labels[1] == "archive")
    key = '"s3:x-amz-server-side-encryption-aws-kms-key-id"'
    assert re.search(rf'Null\s+= {{ {key} = "false" }}', policy.text)
    assert re.search(rf"StringNotEquals = {{ {key} = var.archive_key_arn }}", policy.text)
