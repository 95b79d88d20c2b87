"""`make vendor-pins NAME=…`: what a vendor offers now, against what was reviewed.

Runs the server's own `pin` with the settings of the stack that was last started here.
"""

import argparse
import subprocess
import sys

from mcp_gateway.configuration.settings import ConfigError
from mcp_local import environment
from mcp_local.load import load
from mcp_local.place import NoRepositoryError
from mcp_local.stack_toml import StackTomlError

SECONDS = 120


def main() -> int:
    parser = argparse.ArgumentParser(prog="vendor_pins", description=__doc__)
    parser.add_argument("name", help="of the server in front of the vendor")
    parser.add_argument("--accept", action="store_true", help="write vendor.lock.json")
    args = parser.parse_args()
    try:
        stack = load()
        filler = stack.filler()
        parts = {part.name: part for part in stack.plan.servers()}
        part = parts[args.name]
    except KeyError:
        sys.stderr.write(f"\n{args.name or 'NAME'}: no server listed in gateway/gateway.yaml\n")
        return 2
    except (ConfigError, StackTomlError, NoRepositoryError) as error:
        sys.stderr.write(f"\n{error}\n")
        return 2
    package = f"mcp_{args.name.replace('-', '_')}"
    if not (part.folder / "src" / package / "pin.py").is_file():
        sys.stderr.write(f"\n{args.name} is in front of no vendor: it has no pin.py\n")
        return 2
    if not filler.ports:
        sys.stderr.write("\nNothing was started here yet: make up\n")
        return 2
    words = [sys.executable, "-m", f"{package}.pin", *(["--accept"] if args.accept else [])]
    env = environment.of_process(part, filler)
    return subprocess.run(
        words, env=env, cwd=stack.here.root, check=False, timeout=SECONDS
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
