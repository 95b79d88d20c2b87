"""Checkpoints in a bucket with Object Lock, against a server that speaks S3."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from gateway.audit.conftest import Place
from moto.server import ThreadedMotoServer

from mcp_gateway.audit import keys
from mcp_gateway.audit.checkpoints import check as checkpoint_check
from mcp_gateway.audit.checkpoints import keeper
from mcp_gateway.audit.checkpoints import key as checkpoint_key
from mcp_gateway.audit.checkpoints.bucket import Bucket
from mcp_gateway.audit.checkpoints.job import Checkpointing
from mcp_gateway.audit.checkpoints.place import PlaceError, TakenError
from mcp_gateway.audit.verify import verify

BUCKET = "larkfield-witness"
URL = f"s3://{BUCKET}/ledger?lock=governance&days=30"
NAMES = [f"{n // 10_000:08d}/{n:012d}" for n in (0, 9_999, 10_000)]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def client(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in (
        ("AWS_ENDPOINT_URL_S3", server), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_REGION", "eu-north-1"),
        ("AWS_SECRET_ACCESS_KEY", "x"), ("AWS_DEFAULT_REGION", "eu-north-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(
        Bucket=BUCKET,
        ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": "eu-north-1"},
    )
    yield client
    found = client.list_object_versions(Bucket=BUCKET)
    for one in [*found.get("Versions", ()), *found.get("DeleteMarkers", ())]:
        client.delete_object(
            Bucket=BUCKET, Key=one["Key"], VersionId=one["VersionId"],
            BypassGovernanceRetention=True,
        )  # fmt: skip
    client.delete_bucket(Bucket=BUCKET)


def test_what_is_put_is_locked_and_a_taken_name_is_refused(client: Any) -> None:
    bucket = keeper.opened(URL)
    assert isinstance(bucket, Bucket)
    bucket.put(NAMES[0], b"one")
    with pytest.raises(TakenError):
        bucket.put(NAMES[0], b"two")
    assert bucket.get(NAMES[0]) == b"one"
    found = client.head_object(Bucket=BUCKET, Key=f"ledger/{NAMES[0]}")
    assert found["ObjectLockMode"] == "GOVERNANCE"
    days = found["ObjectLockRetainUntilDate"] - datetime.now(UTC)
    assert timedelta(days=29) < days < timedelta(days=31)
    assert str(bucket.retention(NAMES[0])).startswith("governance until ")
    [version] = client.list_object_versions(Bucket=BUCKET)["Versions"]
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])
    assert bucket.disturbed() == []


def test_the_first_version_is_read_and_others_are_told_of(client: Any) -> None:
    bucket = keeper.opened(URL)
    for name in NAMES:
        bucket.put(name, b"first")
    client.put_object(Bucket=BUCKET, Key=f"ledger/{NAMES[0]}", Body=b"second")
    client.delete_object(Bucket=BUCKET, Key=f"ledger/{NAMES[1]}")
    for fresh in (bucket, keeper.opened(URL)):
        assert [*fresh.names()] == NAMES
        assert {fresh.get(name) for name in NAMES} == {b"first"}
    told = sorted(bucket.disturbed())
    assert [words.split(" ")[0:3] for words in told] == [
        [f"ledger/{NAMES[0]}", "was", "written"], [f"ledger/{NAMES[1]}", "was", "removed"],
    ]  # fmt: skip


def test_the_newest_are_listed_without_the_others(client: Any) -> None:
    del client
    bucket = keeper.opened(URL)
    assert bucket.newest(5) == []
    for name in NAMES:
        bucket.put(name, b"x")
    assert bucket.newest(1) == NAMES[2:]
    assert bucket.newest(2) == NAMES[1:]


def test_a_place_that_is_none_is_refused_with_words(client: Any) -> None:
    del client
    for url in ("s3://", "s3://b/p?lock=maybe", "s3://b/p?days=x", "s3://b/p?more=1", "ftp://x"):
        with pytest.raises(PlaceError, match="expected"):
            keeper.opened(url)
    nowhere = keeper.opened("s3://no-such-bucket/ledger")
    for use in (lambda: nowhere.put(NAMES[0], b"x"), lambda: nowhere.get(NAMES[0]),
                lambda: nowhere.newest(1), nowhere.disturbed):  # fmt: skip
        with pytest.raises(PlaceError, match="no-such-bucket"):
            use()


async def test_a_ledger_is_held_against_its_bucket(
    client: Any, place: Place, tmp_path: Path, body: dict[str, Any]
) -> None:
    checkpoint_key.create(tmp_path)
    signer = checkpoint_key.signer(tmp_path, "ledger.example/desk")
    trusted = [signer.verifier]
    job = Checkpointing(place.reader, lambda: keeper.opened(URL), signer, 3600, trusted)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(job.aclose)
        ledger = await stack.enter_async_context(place.opened())
        for _ in range(3):
            await ledger.append("event", body)
            assert await job.once() == 1

    async def kinds() -> list[str]:
        found = checkpoint_check.read(keeper.opened(URL), trusted)
        report = await verify(place.reader, keys.load_public(place.public), witnessed=found)
        return [finding.kind for finding in report.findings]

    assert await kinds() == []
    await place.sql("DELETE FROM audit.record WHERE block > 2",
                    "DELETE FROM audit.block WHERE block > 2")  # fmt: skip
    assert await kinds() == ["TRUNCATED"]
    [*_, newest] = client.list_object_versions(Bucket=BUCKET)["Versions"]
    client.put_object(Bucket=BUCKET, Key=newest["Key"], Body=b"nothing was here")
    assert sorted(await kinds()) == ["CHECKPOINT-ROOT", "TRUNCATED"]
