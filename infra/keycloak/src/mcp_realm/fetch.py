"""`python -m mcp_realm fetch`: Keycloak for this machine, and where it is."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mcp_local.place import find_root
from mcp_realm import distribution
from mcp_realm.build import built
from mcp_realm.distribution import KeycloakMissingError, say
from mcp_realm.java import java_home


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m mcp_realm fetch", description=__doc__)
    parser.add_argument("--build", choices=("postgres", "dev-file"), help="also its build for that")
    given = parser.parse_args(arguments)
    root = find_root(Path.cwd())
    try:
        java_home(root)
        home = built(root, given.build) if given.build else distribution.fetched(root)
    except KeycloakMissingError as error:
        say(str(error))
        return 1
    sys.stdout.write(f"{home}\n")
    return 0
