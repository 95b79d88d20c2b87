"""The demo people, as the realm file has them."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Person:
    username: str
    name: str
    role: str  # one or several, as words
    groups: tuple[str, ...]


def carried_roles(root: Path) -> set[str] | None:
    """Roles that a group or a person of the realm file has; None where there is no such file."""
    file = root / "infra" / "keycloak" / "realm.json"
    if not file.is_file():
        return None
    realm = json.loads(file.read_text("utf-8"))
    having = [*realm.get("groups", []), *realm.get("users", [])]
    return {role for one in having for role in one.get("realmRoles", [])}


def people(root: Path) -> tuple[Person, ...]:
    """Empty when there is no realm file: a stack without people is still a stack."""
    file = root / "infra" / "keycloak" / "realm.json"
    if not file.is_file():
        return ()
    realm = json.loads(file.read_text("utf-8"))
    roles_of = {group["name"]: group.get("realmRoles", []) for group in realm.get("groups", [])}
    found = []
    for user in realm.get("users", []):
        if not user.get("firstName") or "serviceAccountClientId" in user:
            continue
        groups = tuple(path.strip("/").rpartition("/")[2] for path in user.get("groups", []))
        roles = [role for group in groups for role in roles_of.get(group, [])]
        roles += [role for role in user.get("realmRoles", []) if not role.startswith("default-")]
        found.append(
            Person(
                username=user["username"],
                name=f"{user['firstName']} {user.get('lastName', '')}".strip(),
                role=", ".join(dict.fromkeys(roles)),
                groups=groups,
            )
        )
    return tuple(found)
