"""`python -m mcp_realm serve`: the local stack's Keycloak, in place of the development issuer."""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mcp_local.place import find_root
from mcp_realm.build import built
from mcp_realm.distribution import KeycloakMissingError, say
from mcp_realm.java import java_home
from mcp_realm.native import Native, prepare


def main(arguments: Sequence[str]) -> int:
    argparse.ArgumentParser(prog="python -m mcp_realm serve", description=__doc__).parse_args(
        arguments
    )
    try:
        server = of_environment(find_root(Path.cwd()), os.environ)
    except (KeycloakMissingError, KeyError) as error:
        say(f"Keycloak cannot be started: {error}")
        return 1
    prepare(server, Path(os.environ["KEYCLOAK_REALM_FILE"]))
    return _become(server)


def _become(server: Native) -> int:
    """The supervisor's own child from here on: what it is told, kc.sh is told."""
    command = server.start()
    os.execve(command[0], command, server.environment())  # noqa: S606  as it should be


def of_environment(root: Path, said: Mapping[str, str]) -> Native:
    return Native(
        build=built(root, "postgres"),
        java=java_home(root),
        folder=Path(said["KEYCLOAK_FOLDER"]),
        port=int(said["KEYCLOAK_PORT"]),
        public_url=said["KEYCLOAK_PUBLIC_URL"],
        admin_password=said["KEYCLOAK_ADMIN_PASSWORD"],
        database=said["KEYCLOAK_DATABASE"],
        variables={"DEMO_PASSWORD": said["DEMO_PASSWORD"]},
    )
