"""The AWS client as a program; values reach it on standard input alone."""

import json
import subprocess
from typing import Any

SECONDS = 60
STDIN = "file:///dev/stdin"


class CloudError(RuntimeError):
    """The client failed; its own words, which hold no value."""


class Cloud:
    def __init__(self, program: str) -> None:
        self._program = program

    def has_value(self, arn: str) -> bool:
        found = self._ask("secretsmanager", "describe-secret", "--secret-id", arn)
        return any(
            "AWSCURRENT" in stages for stages in found.get("VersionIdsToStages", {}).values()
        )

    def value(self, arn: str) -> str:
        found = self._ask("secretsmanager", "get-secret-value", "--secret-id", arn)
        return str(found["SecretString"])

    def value_or_none(self, arn: str) -> str | None:
        return self.value(arn) if self.has_value(arn) else None

    def put(self, arn: str, value: str) -> None:
        self._tell("secretsmanager", "put-secret-value", {"SecretId": arn, "SecretString": value})

    def set_password(self, user: str, password: str) -> None:
        mode = {"Type": "password", "Passwords": [password]}
        self._tell("elasticache", "modify-user", {"UserId": user, "AuthenticationMode": mode})

    def _ask(self, *words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._run([*words], None) or "{}")
        return found

    def _tell(self, service: str, verb: str, given: dict[str, Any]) -> None:
        self._run([service, verb, "--cli-input-json", STDIN], json.dumps(given))

    def _run(self, words: list[str], text: str | None) -> str:
        done = subprocess.run(
            [self._program, *words, "--output", "json"], input=text, check=False,
            capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["no reason given"]
            raise CloudError(f"{self._program} {' '.join(words[:2])}: {said[-1]}")
        return done.stdout
