"""`python -m mcp_playbook.new_server NAME [--thing THING] [--remove]`; see `make new-server`.

Ends with 1 whenever the server that was asked for was not made, or not taken out.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from mcp_gateway.settings import ConfigError
from mcp_local.place import NoRepositoryError, Place, place, prepare
from mcp_playbook.new_server import put, room
from mcp_playbook.new_server.listing import ListingError
from mcp_playbook.new_server.names import RefusedError, names
from mcp_playbook.new_server.room import BrokenError
from mcp_playbook.new_server.standing import Spots, refuse_if_taken

THING = "entry"


def make(here: Place, spots: Spots) -> None:
    refuse_if_taken(spots)
    prepare(here)
    with tempfile.TemporaryDirectory(prefix="new-server-", dir=here.run) as aside:
        filled = room.fill(here.root, Path(aside), spots.made)
        tools = room.pin(filled)
        room.check(filled, tools)
        put.put(filled, spots)
    installed = put.install(spots)
    name, item, items = spots.made.name, spots.made.item, spots.made.items
    print(f"{spots.shown(spots.server)}: {len(tools)} tools, pinned, the contract kept")
    print(f"{spots.shown(spots.tests)}: a test file per tool")
    print(f"{spots.shown(spots.listing)}: one line more, - {name}")
    if not installed:
        print("Not installed here; the next make does it.")
    added = " ".join(map(spots.shown, (spots.server, spots.tests, spots.listing)))
    print(
        f"""
Next
  make up
      {name} and its stand-in {name}-sandbox come up; ana's {name}_find_{items} is allowed and on
      record, cho's {name}_add_{item}_note is refused
  make test TESTS=tests/servers/{spots.made.port}
      every tool against the stand-in
  make week-1
      what is left before people may use it
  git add {added}
  git commit -m "{spots.made.title} server, as the template makes it"
      from here on `git diff` shows what you change; until here
      make new-server NAME={name} REMOVE=1
      takes it out again
Then make it yours: {spots.shown(spots.server)}/README.md says in which order.
Before it goes to AWS: infra/terraform/servers.yaml asks for its real address."""
    )


def remove(here: Place, spots: Spots) -> None:
    to = put.take_out(spots, here.run / "removed")
    put.uninstall(spots)
    print(f"{spots.made.name} is out of gateway/gateway.yaml; its folders are in {to}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="new_server", description=__doc__)
    parser.add_argument("name", help="of the server: lower-case letters, digits, dashes")
    parser.add_argument("--thing", default=THING, help="what one record is (default: %(default)s)")
    parser.add_argument("--remove", action="store_true", help="take a new server out again")
    args = parser.parse_args()
    try:
        here = place()
        spots = Spots(here.root, names(args.name, args.thing))
        (remove if args.remove else make)(here, spots)
    except (RefusedError, BrokenError, ListingError, ConfigError, NoRepositoryError) as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
