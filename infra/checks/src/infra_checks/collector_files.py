"""The collector's files as far as they can be judged without it: whole, in order, and closed.

Overlays are laid over the first file as the collector does it: maps merge, lists are replaced.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mcp_gateway.configuration import plain_yaml

FOLDER = Path("infra/observability/collector")
FIRST = "collector.yaml"
BUILDER = "builder.yaml"
PARTS = ("receivers", "processors", "exporters", "extensions")
NOT_BUILT = {"datadog"}  # a module that needs others which are not to be had
VARIABLE = re.compile(r"\$\{env:([A-Z_]+)(?::-[^}]*)?\}")
LISTENS = re.compile(r"^\$\{env:COLLECTOR_HOST:-127\.0\.0\.1\}:\d+$")
UNSIGNED = re.compile(r"never run", re.IGNORECASE)

Document = dict[str, Any]


def overlays(folder: Path) -> list[str]:
    names = {path.name for path in folder.glob("*.yaml")}
    return sorted(names - {FIRST, BUILDER})


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> Document:
    made = dict(under)
    for key, value in over.items():
        before = made.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            value = merged(before, value)  # noqa: PLW2901  what is laid over becomes both
        made[key] = value
    return made


def findings(folder: Path, page: str) -> Iterator[str]:
    """What is wrong with these files; `page` explains their variables."""
    try:
        first = _read(folder / FIRST)
        built = _built(folder / BUILDER)
        over = {name: _read(folder / name) for name in overlays(folder)}
    except plain_yaml.NotPlainError as error:
        yield str(error)
        return
    yield from (f"{FIRST}: {one}" for one in _of(first, built, whole=True))
    for name, document in over.items():
        yield from (f"{name}: {one}" for one in _of(merged(first, document), built))
    yield from _variables(folder, page)
    for name in ("grafana-cloud.yaml", "cloudwatch.yaml", "datadog.yaml"):
        if name in over and not UNSIGNED.search((folder / name).read_text("utf-8")):
            yield f"{name}: does not say that it was never run"


def _read(path: Path) -> Document:
    document = plain_yaml.load(path)
    if not isinstance(document, dict):
        raise plain_yaml.NotPlainError(f"{path.name}: no keys")
    return document


def _built(path: Path) -> dict[str, set[str]]:
    """By kind, the names that the modules of the build list answer to."""
    listed = _read(path)
    found: dict[str, set[str]] = {}
    for part in PARTS:
        modules = [one["gomod"].split()[0].rpartition("/")[2] for one in listed[part]]
        found[part] = {one.removesuffix(part.removesuffix("s")) for one in modules}
    return found


def _of(document: Document, built: dict[str, set[str]], *, whole: bool = False) -> Iterator[str]:
    for part in PARTS:
        for name in document.get(part, {}):
            kind = name.partition("/")[0]
            if kind.replace("_", "") not in built[part] | NOT_BUILT and kind != "otlp_grpc":
                yield f"{part}: {kind} is not in {BUILDER}"
    used: dict[str, set[str]] = {"extensions": set(document["service"]["extensions"])}
    for name, pipeline in document["service"]["pipelines"].items():
        yield from _pipeline(name, pipeline)
        for part in PARTS[:3]:
            used.setdefault(part, set()).update(pipeline.get(part, ()))
    for part in PARTS:
        defined = set(document.get(part, {}))
        yield from (f"{part}: {one} is not defined" for one in sorted(used[part] - defined))
        if whole:
            yield from (f"{part}: {one} is not used" for one in sorted(defined - used[part]))
    yield from _listening(document)


def _pipeline(name: str, pipeline: Mapping[str, Any]) -> Iterator[str]:
    steps: list[str] = pipeline.get("processors", [])
    if steps[:1] != ["memory_limiter"] or steps[-1:] != ["batch"]:
        yield f"{name}: must begin with memory_limiter and end with batch"
    if "redaction" not in steps:
        yield f"{name}: nothing masks tokens"
    elif name == "traces" and steps.index("redaction") > steps.index("tail_sampling"):
        yield f"{name}: tokens wait unmasked for the sampler"
    if name == "traces" and "transform/person" not in steps:
        yield f"{name}: the person cannot be taken out"


def _listening(document: Document) -> Iterator[str]:
    """On loopback, unless COLLECTOR_HOST says otherwise."""
    for part in ("receivers", "extensions"):
        for name, settings in document.get(part, {}).items():
            for endpoint in _endpoints(settings):
                if not LISTENS.match(endpoint):
                    yield f"{name}: listens at {endpoint}"


def _endpoints(settings: object) -> Iterator[str]:
    if isinstance(settings, dict):
        for key, value in settings.items():
            if key == "endpoint":
                yield str(value)
            else:
                yield from _endpoints(value)


def _variables(folder: Path, page: str) -> Iterator[str]:
    texts = [path.read_text("utf-8") for path in sorted(folder.glob("*.yaml"))]
    read = {name for text in texts for name in VARIABLE.findall(text)}
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`([A-Z][A-Z_]+)`", row.split("|")[1])}
    yield from (f"README.md: {name} is not explained" for name in sorted(read - told))
    yield from (f"README.md: {name} is read by no file" for name in sorted(told - read))
