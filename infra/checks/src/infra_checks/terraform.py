"""The AWS stack: what formatters, parsers, scanners and the modules' own tests say of it.

Nothing here speaks with AWS. `standin` is a provider that knows names and types alone.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra_checks import standin
from infra_checks.bench import Bench, NotRunError, complaints
from infra_checks.check import Check, Ran

FOLDER = Path("infra/terraform")
OLDEST = (1, 11)
HCL = """
import sys, hcl2
for path in sys.argv[1:]:
    try:
        with open(path, encoding="utf-8") as file:
            hcl2.load(file)
    except Exception as error:
        print(f"{path}: {type(error).__name__}: {str(error).splitlines()[0]}")
"""


@dataclass(frozen=True)
class Engine:
    """OpenTofu or Terraform, whichever is there; both read the same files."""

    bench: Bench
    program: Path
    version: str

    def run(self, folder: Path, *words: str, config: Path, data: Path) -> tuple[str, ...]:
        """What it objects to; its own files stay out of the repository."""
        done = self.bench.run(
            self.program, *words, folder=folder,
            env={
                "TF_DATA_DIR": str(data), "TF_CLI_CONFIG_FILE": str(config),
                "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1",
            },
        )  # fmt: skip
        where = folder.relative_to(self.bench.root)
        return tuple(f"{where}: {line}" for line in complaints(done))


def engine(bench: Bench) -> Engine:
    """The first of: built into .cache, `tofu`, `terraform`; not older than the files ask for."""
    built = bench.root / ".cache" / "infra-tofu" / "tofu"
    if built.is_file():
        program = built
    else:
        try:
            program = bench.found("tofu", "")
        except NotRunError:
            hint = f"{FOLDER}/README.md says how to build one"
            program = bench.found("terraform", f"and no tofu; {hint}")
    with tempfile.NamedTemporaryFile() as empty:
        done = bench.run(
            program, "version", "-json",
            env={"CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": empty.name},
        )  # fmt: skip
    version = str(json.loads(done.stdout)["terraform_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise NotRunError(f"{program.name} {version} is older than {OLDEST[0]}.{OLDEST[1]}")
    return Engine(bench, program, f"{program.name} {version}")


@contextmanager
def scratch(overrides: str = "") -> Iterator[tuple[Path, Path]]:
    """A configuration file of the engine's, and a folder for its data."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config"
        config.write_text(overrides)
        yield config, Path(folder) / "data"


def files(bench: Bench, pattern: str) -> list[Path]:
    return sorted(
        file for file in (bench.root / FOLDER).glob(pattern) if ".terraform" not in file.parts
    )


def pure(bench: Bench) -> list[Path]:
    return sorted({file.parent for file in files(bench, "modules/plan/*/*.tf")})


def with_provider(bench: Bench) -> list[Path]:
    return sorted({file.parent for file in files(bench, "**/versions.tf")})


def formatted(bench: Bench) -> Ran:
    found = engine(bench)
    with scratch() as (config, data):
        said = found.run(
            bench.root / FOLDER, "fmt", "-check", "-recursive", config=config, data=data
        )
    looked = len(files(bench, "**/*.tf")) + len(files(bench, "**/*.tftest.hcl"))
    return Ran(f"{looked} files", (found.version,), said)


def parsed(bench: Bench) -> Ran:
    tool = bench.tool("python")
    all_files = files(bench, "**/*.tf")
    done = bench.run(tool, "-c", HCL, *all_files)
    said = tuple(done.stdout.splitlines()) or complaints(done)
    return Ran(f"{len(all_files)} files", ("bc-python-hcl2",), said)


def checkov(bench: Bench) -> Ran:
    tool = bench.tool("checkov")
    roots = sorted({file.parent for file in files(bench, "environments/*/main.tf")})
    said: list[str] = []
    passed = skipped = 0
    for root in roots:
        done = bench.run(
            tool,
            "-d",
            root,
            "--framework",
            "terraform",
            "--compact",
            "--skip-download",
            "-o",
            "json",
        )
        try:
            report = json.loads(done.stdout)
        except ValueError:
            return Ran(FOLDER.as_posix(), (), complaints(done) or ("checkov said no JSON",))
        passed += report["summary"]["passed"]
        skipped += report["summary"]["skipped"]
        said += [f"{root.name}: {error}" for error in report["results"].get("parsing_errors", [])]
        said += [
            f"{root.name}: {one['check_id']} {one['resource']}: {one['check_name']}"
            for one in report["results"]["failed_checks"]
        ]
        said += [
            f"{root.name}: {one['check_id']} {one['resource']}: skipped without a reason"
            for one in report["results"]["skipped_checks"]
            if len(one["check_result"].get("suppress_comment") or "") < standin.SHORTEST_REASON
        ]
    looked = f"{len(roots)} roots, {passed} passed, {skipped} skipped with a reason in place"
    return Ran(looked, (f"checkov {bench.said(tool, '--version')}",), tuple(said))


def tested(bench: Bench) -> Ran:
    found = engine(bench)
    said: list[str] = []
    for folder in pure(bench):
        with scratch() as (config, data):
            said += found.run(folder, "init", "-backend=false", config=config, data=data)
            said += found.run(folder, "test", "-no-color", config=config, data=data)
    runs = sum(file.read_text().count('\nrun "') for file in files(bench, "modules/plan/**/*.hcl"))
    return Ran(f"{len(pure(bench))} modules, {runs} runs", (found.version,), tuple(said))


def validated(bench: Bench) -> Ran:
    found, overrides = engine(bench), standin.ready(bench)
    folders = with_provider(bench)
    said: list[str] = []
    for folder in folders:
        with scratch(overrides) as (config, data):
            said += found.run(folder, "get", config=config, data=data)
            said += found.run(folder, "validate", "-no-color", config=config, data=data)
    versions = (found.version, standin.VERSION)
    return Ran(f"{len(folders)} modules and roots", versions, tuple(said))


def pretended(bench: Bench) -> Ran:
    found, overrides = engine(bench), standin.ready(bench)
    folder = bench.root / FOLDER / "modules" / "stack"
    with scratch(overrides) as (config, data):
        said = found.run(folder, "get", config=config, data=data)
        said += found.run(folder, "test", "-no-color", config=config, data=data)
    runs = sum(file.read_text().count('\nrun "') for file in folder.glob("tests/*.hcl"))
    return Ran(f"the whole stack, {runs} runs", (found.version, standin.VERSION), said)


def hadolint(bench: Bench) -> Ran:
    tool = bench.tool("hadolint")
    found = files(bench, "images/*.Dockerfile")
    done = bench.run(tool, "--failure-threshold", "info", *found)
    return Ran(f"{len(found)} Dockerfile", (bench.said(tool, "--version"),), complaints(done))


CHECKS = (
    Check(
        "terraform fmt", "every file is written as the formatter writes it, so it parses", formatted
    ),
    Check("terraform hcl", "another parser than the tool's own reads every file, too", parsed),
    Check(
        "checkov",
        "each root keeps the scanner's rules, but for those that say in place why not",
        checkov,
    ),
    Check(
        "terraform test, without a provider",
        "names, networks, sizes, connections and what each process is given follow from the "
        "repository's files, and mistakes in them are refused",
        tested,
    ),
    Check(
        "terraform validate",
        "arguments, types, blocks and references fit the provider's schema; whether AWS takes the "
        "values is not known",
        validated,
    ),
    Check(
        "terraform test, with a pretended AWS",
        "the modules fit together and every task gets what it needs; nothing was applied",
        pretended,
    ),
    Check(
        "hadolint for AWS",
        "Keycloak's Dockerfile keeps the linter's rules; it builds nothing",
        hadolint,
    ),
)
