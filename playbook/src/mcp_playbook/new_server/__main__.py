"""`python -m mcp_playbook.new_server NAME [--thing THING] [--kind KIND] [--remove]`.

See `make new-server`. Ends with 1 whenever the server that was asked for was not made, or not taken
out.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from mcp_gateway.configuration.settings import ConfigError
from mcp_local.place import NoRepositoryError, Place, place, prepare
from mcp_playbook.new_server import put, room
from mcp_playbook.new_server.kinds import Kind, kind
from mcp_playbook.new_server.listing import ListingError
from mcp_playbook.new_server.names import RefusedError, names
from mcp_playbook.new_server.next_steps import next_steps
from mcp_playbook.new_server.room import BrokenError
from mcp_playbook.new_server.standing import Spots, refuse_if_kits, refuse_if_taken

THING = "entry"


def make(here: Place, spots: Spots, chosen: Kind) -> None:
    refuse_if_taken(spots)
    prepare(here)
    with tempfile.TemporaryDirectory(prefix="new-server-", dir=here.run) as aside:
        filled = room.fill(here.root, Path(aside), spots.made, chosen)
        tools = room.pin(filled)
        room.check(filled, tools)
        dirty = _changed_here(here.root)
        files, by_hand = put.put(filled, spots, chosen)
    installed = put.install(spots)
    shown = [spots.shown(file) for file in files]
    print(
        f"{spots.shown(spots.server)}: {len(tools)} tools over {chosen.is_over}; "
        "pinned, the contract kept"
    )
    print(f"{spots.shown(spots.tests)}: a test file per tool")
    print(f"Named in {', '.join(shown)}")
    for one in by_hand:
        print(f"By hand, as it is written in a way of yours: {one}")
    if not installed:
        print("Not installed here; the next make does it.")
    mixed = sorted(dirty & set(shown))
    print(next_steps(spots, chosen, shown, mixed))


def remove(here: Place, spots: Spots) -> None:
    refuse_if_kits(spots)
    to = put.take_out(spots, here.run / "removed")
    put.uninstall(spots)
    print(f"{spots.made.name} is out of gateway/gateway.yaml and every other file that named it.")
    print(f"Its folders are in {to}")


def _changed_here(root: Path) -> set[str]:
    """Files with changes that git does not have yet."""
    done = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=no"],
        cwd=root, check=False, capture_output=True, text=True,
    )  # fmt: skip
    return {line[3:] for line in done.stdout.splitlines()}


def main() -> int:
    parser = argparse.ArgumentParser(prog="new_server", description=__doc__)
    parser.add_argument("name", help="of the server: lower-case letters, digits, dashes")
    parser.add_argument("--thing", default=THING, help="what one record is (default: %(default)s)")
    parser.add_argument("--kind", default="rest", help="rest, sql or vendor (default: %(default)s)")
    parser.add_argument("--remove", action="store_true", help="take a new server out again")
    args = parser.parse_args()
    try:
        here = place()
        spots = Spots(here.root, names(args.name, args.thing))
        if args.remove:
            remove(here, spots)
        else:
            make(here, spots, kind(args.kind))
    except (RefusedError, BrokenError, ListingError, ConfigError, NoRepositoryError) as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
