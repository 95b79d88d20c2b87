"""The shell scripts of a folder, as ShellCheck reads them."""

from infra_checks.bench import Bench, complaints
from infra_checks.check import Check, Ran


def of(folder: str) -> Check:
    def shellcheck(bench: Bench) -> Ran:
        files = sorted((bench.root / folder).rglob("*.sh"))
        tool = bench.tool("shellcheck")
        version = bench.run(tool, "--version").stdout.splitlines()[1]
        done = bench.run(tool, "--severity=style", *files)
        return Ran(f"{len(files)} scripts", (f"ShellCheck {version}",), complaints(done))

    return Check("shellcheck", "no quoting, globbing or portability mistake it knows", shellcheck)
