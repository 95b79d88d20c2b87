"""`tofu output -json secrets | python -m mcp_aws`: puts a value into every secret that has none.

Values go to the AWS client on its standard input: they are in no argument, file, plan or state. A
secret that has a value keeps it, unless --renew names it.
"""

import argparse
import json
import sys
from pathlib import Path

from mcp_aws.cloud import Cloud, CloudError
from mcp_aws.values import PUBLIC, AskedForError, of, public_half

DONE, MISSING, FAILED = 0, 1, 2  # exit codes


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m mcp_aws", description=__doc__)
    parser.add_argument("--renew", action="append", default=[], metavar="NAME",
                        help="make a new value for this one, too")  # fmt: skip
    parser.add_argument("--given", action="append", default=[], metavar="NAME=FILE",
                        help="what only a vendor can make, such as crm-token=path")  # fmt: skip
    parser.add_argument("--aws", default="aws", help="the AWS client")
    options = parser.parse_args()
    try:
        output = json.load(sys.stdin)
        arns: dict[str, str] = output["arns"]
        user: str = output["valkey_user"]
        ledger: str = output["ledger"]
    except (ValueError, KeyError, TypeError):
        sys.stderr.write("on standard input the output `secrets` of the root is expected\n")
        return FAILED
    given = dict(pair.partition("=")[::2] for pair in options.given)
    if unknown := sorted({*options.renew, *given} - set(arns)):
        sys.stderr.write(f"there is no secret {', '.join(unknown)}\n")
        return FAILED
    try:
        return fill(Cloud(options.aws), arns, user, ledger, given, frozenset(options.renew))
    except (CloudError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return FAILED


def fill(
    cloud: Cloud,
    arns: dict[str, str],
    user: str,
    ledger: str,
    given: dict[str, str],
    renew: frozenset[str],
) -> int:
    """A public half after its key: it is made from it, and keeps the keys before."""
    left = []
    for name in sorted(arns, key=lambda one: (one in PUBLIC, one)):
        renewed = name in renew or PUBLIC.get(name) in renew
        if cloud.has_value(arns[name]) and not renewed:
            print(f"kept    {name}")
            continue
        try:
            if name in given:
                value = Path(given[name]).read_text("utf-8").strip()
            elif name in PUBLIC:
                private, before = cloud.value(arns[PUBLIC[name]]), cloud.value_or_none(arns[name])
                value = public_half(name, private, before, ledger)
            else:
                value = of(name)
        except AskedForError as error:
            print(f"MISSING {name}: {error}")
            left.append(name)
            continue
        if name == "valkey":  # first there: a task that starts meanwhile finds either both or none
            cloud.set_password(user, value)
        cloud.put(arns[name], value)
        print(f"filled  {name}")
    return MISSING if left else DONE


if __name__ == "__main__":
    sys.exit(main())
