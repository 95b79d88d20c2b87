"""What `make new-server` says at its end."""

from collections.abc import Sequence

from mcp_playbook.new_server.kinds import Kind
from mcp_playbook.new_server.standing import Spots

# what the demo's last call is; nobody asks it of cho's role
REFUSED = {"rest": "add_{item}_note", "sql": "summarise_{items}", "vendor": "get_{item}"}


def next_steps(spots: Spots, kind: Kind, files: Sequence[str], mixed: Sequence[str]) -> str:
    made = spots.made
    beside = "its database" if kind.database else f"its stand-in {made.name}-sandbox"
    refused = REFUSED[kind.name].format(item=made.item, items=made.items)
    folders = (spots.shown(spots.server), spots.shown(spots.tests))
    unit = [f"infra/terraform/one-vm/units/{made.name}.env"]
    added = " ".join(dict.fromkeys([*folders, *files, *(one for one in unit if one in files)]))
    warning = (
        f"\n      {', '.join(mixed)}: has other changes of yours, too; git add -p tells them apart"
        if mixed
        else ""
    )
    return f"""
Next
  make up
      {made.name} and {beside} come up; ana's {made.name}_find_{made.items} is allowed and on
      record, cho's {made.name}_{refused} is refused
  make test TESTS=tests/servers/{made.port}
      every tool, against what comes with it
  make week-1
      what is left before people may use it
  git add {added}
  git commit -m "{made.title} server, as the template makes it"
      from here on `git diff` shows what you change{warning}
  make new-server NAME={made.name} REMOVE=1
      takes it out again, whenever
Then make it yours: {spots.shown(spots.server)}/README.md says in which order.
playbook/owners.toml asks who answers for it, infra/terraform/servers.yaml where it really is."""
