"""All of these files at once: their texts with the server, or without it. Writes nothing."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from mcp_playbook.new_server.kinds import Kind
from mcp_playbook.new_server.names import Names
from mcp_playbook.new_server.places import aws, containers, owners
from mcp_playbook.new_server.places.blocks import PlaceError

Add = Callable[[str, Names, Kind], str]
Remove = Callable[[str, Names], str]


def _gateway(text: str, made: Names, _: Kind) -> str:
    return aws.gateway(text, made)


PLACES: Mapping[str, tuple[Add, Remove]] = {
    owners.OWNERS: (owners.owners, owners.without_owners),
    containers.COMPOSE: (containers.compose, containers.without_compose),
    containers.MAPPING: (containers.mapping, containers.without_mapping),
    containers.LOGINS: (containers.logins, containers.without_logins),
    containers.DATABASES: (containers.databases, containers.without_databases),
    aws.SERVERS: (aws.servers, aws.without_servers),
    aws.GATEWAY: (_gateway, aws.without_gateway),
}


def added(root: Path, made: Names, kind: Kind) -> tuple[dict[Path, str], list[str]]:
    """The texts to write, and what is left to a person because a file is written otherwise.

    A clone that threw a file out, containers for instance, does without it.
    """
    texts: dict[Path, str] = {}
    by_hand: list[str] = []
    for name, (add, remove) in PLACES.items():
        file = root / name
        if not file.is_file():
            continue
        # what an earlier run left half-way is not put in twice
        before = file.read_text("utf-8")
        try:
            after = add(remove(before, made), made, kind)
        except PlaceError as error:
            by_hand.append(f"{name}: {error}")
            continue
        if after != before:
            texts[file] = after
    gateway = root / aws.GATEWAY
    if gateway in texts:
        texts[root / aws.unit_file(made)] = aws.unit(texts[gateway], made, kind)
    return texts, by_hand


def removed(root: Path, made: Names) -> Iterator[tuple[Path, str]]:
    """The texts without the server, of the files that have it."""
    for name, (_, remove) in PLACES.items():
        if (file := root / name).is_file():
            before = file.read_text("utf-8")
            if (after := remove(before, made)) != before:
                yield file, after
