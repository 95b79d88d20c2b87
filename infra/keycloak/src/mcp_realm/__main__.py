"""`python -m mcp_realm COMMAND`; each command's module has a `main(arguments)`."""

import sys
from importlib import import_module

COMMANDS = {
    "apply": "mcp_realm.apply",
    "rehost": "mcp_realm.rehost",
    "brokers": "mcp_realm.brokers_command",
    # Keycloak on this machine
    "fetch": "mcp_realm.fetch",
    "database": "mcp_realm.database",
    "serve": "mcp_realm.serve",
    "identity": "mcp_realm.identity",
}


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in COMMANDS:
        sys.stderr.write(f"python -m mcp_realm {{{','.join(COMMANDS)}}}\n")
        return 2
    result: int = import_module(COMMANDS[arguments[0]]).main(arguments[1:])
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
