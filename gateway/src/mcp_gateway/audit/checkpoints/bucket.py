"""Checkpoints in a bucket with S3 Object Lock: until a day has come, nobody can remove a version.

In mode `compliance` not even the account's owner; `governance` is for tests, whose buckets must go
away again. Somebody with the right to write can add a version or hide one behind a delete marker;
the first version stays, is the one that is read, and the others are told of.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from mcp_gateway.audit.checkpoints import entry as checkpoint_entry
from mcp_gateway.audit.checkpoints.place import PlaceError, TakenError

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 2, 5, 2
TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})


class Bucket:
    """One client; address and credentials come from where the AWS SDK looks for them."""

    def __init__(self, bucket: str, prefix: str, lock: str, days: int) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._lock = lock
        self._days = days
        self._versions: dict[str, str] = {}  # name → its first version, as last listed
        settings = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": ATTEMPTS},
        )
        try:
            self._client: Any = boto3.client("s3", config=settings)
        except (BotoCoreError, ValueError) as error:
            raise PlaceError(f"{self}: {error}") from error

    def __str__(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}"

    def put(self, name: str, data: bytes) -> None:
        lock: dict[str, Any] = {}
        if self._lock != "none":
            until = datetime.now(UTC) + timedelta(days=self._days)
            lock = {"ObjectLockMode": self._lock.upper(), "ObjectLockRetainUntilDate": until}
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._prefix + name,
                Body=data,
                ContentType="text/plain; charset=utf-8",
                ChecksumAlgorithm="SHA256",
                IfNoneMatch="*",
                **lock,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in TAKEN:
                raise TakenError(name) from error
            raise PlaceError(f"{self}: {error}") from error
        except BotoCoreError as error:
            raise PlaceError(f"{self}: {error}") from error

    def get(self, name: str) -> bytes:
        version = self._versions.get(name) or next(
            (v["VersionId"] for v in self._first(self._prefix + name)), None
        )
        if version is None:
            raise PlaceError(f"{self}{name}: is not there")
        try:
            found = self._client.get_object(
                Bucket=self._bucket, Key=self._prefix + name, VersionId=version
            )
            data: bytes = found["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise PlaceError(f"{self}: {error}") from error
        return data

    def names(self) -> Iterator[str]:
        for version in self._first(self._prefix):
            name = version["Key"].removeprefix(self._prefix)
            if checkpoint_entry.is_name(name):
                self._versions[name] = version["VersionId"]
                yield name

    def newest(self, count: int) -> list[str]:
        found: list[str] = []
        for shard in reversed(self._shards()):
            keys = [one["Key"].removeprefix(self._prefix) for one in self._first(shard)]
            found = [*(key for key in keys if checkpoint_entry.is_name(key)), *found]
            if len(found) >= count:
                break
        return found[-count:]

    def disturbed(self) -> list[str]:
        told: list[str] = []
        seen: set[str] = set()
        for page in self._pages(self._prefix):
            for version in page.get("Versions", ()):
                if version["Key"] in seen:
                    told.append(f"{version['Key']} was written again, as {version['VersionId']}")
                seen.add(version["Key"])
            told += [f"{one['Key']} was removed" for one in page.get("DeleteMarkers", ())]
        return told

    def retention(self, name: str) -> str | None:
        """Mode and end of an object's lock, in words; None without one."""
        try:
            found = self._client.head_object(Bucket=self._bucket, Key=self._prefix + name)
        except (ClientError, BotoCoreError):
            return None
        if "ObjectLockMode" not in found:
            return None
        until = found["ObjectLockRetainUntilDate"]
        return f"{found['ObjectLockMode'].lower()} until {until:%Y-%m-%d}"

    def _shards(self) -> list[str]:
        pages = self._listed("list_objects_v2", Prefix=self._prefix, Delimiter="/")
        return sorted(one["Prefix"] for page in pages for one in page.get("CommonPrefixes", ()))

    def _first(self, prefix: str) -> list[dict[str, Any]]:
        """The oldest version of every object, by key."""
        found: dict[str, dict[str, Any]] = {}
        for page in self._pages(prefix):
            for version in page.get("Versions", ()):  # of one key, the newest comes first
                found[version["Key"]] = version
        return [found[key] for key in sorted(found)]

    def _pages(self, prefix: str) -> list[dict[str, Any]]:
        return self._listed("list_object_versions", Prefix=prefix)

    def _listed(self, what: str, **more: str) -> list[dict[str, Any]]:
        try:
            return list(self._client.get_paginator(what).paginate(Bucket=self._bucket, **more))
        except (ClientError, BotoCoreError) as error:
            raise PlaceError(f"{self}: {error}") from error
