"""A bill of materials in CycloneDX 1.6: the Python distributions that an environment really holds.

Read from what is installed, not from what was asked for. The same environment gives the same bytes.
What the base image brings is not in it: scan the image for that.
"""

import json
import uuid
from collections.abc import Iterator
from importlib.metadata import Distribution, MetadataPathFinder
from pathlib import Path
from typing import Any
from urllib.parse import quote

from in_image.closure import canonical

NAME = "sbom.cdx.json"
NAMESPACE = uuid.UUID("6f0a5f0c-7f1d-4f6b-9a53-0a2b7a3e3c11")  # arbitrary, of this format


def site_packages(environment: Path) -> Path:
    (found,) = environment.glob("lib/python*/site-packages")
    return found


def of(folder: Path, room: str) -> str:
    components = sorted(_components(folder), key=lambda one: str(one["name"]))
    content = {
        "metadata": {"component": {"type": "application", "name": room, "bom-ref": room}},
        "components": components,
    }
    serial = uuid.uuid5(NAMESPACE, json.dumps(content, sort_keys=True))
    head = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
    }
    return json.dumps({**head, **content}, indent=1, ensure_ascii=False) + "\n"


def _components(folder: Path) -> Iterator[dict[str, Any]]:
    for found in MetadataPathFinder().find_distributions(_path(folder)):
        name, version = canonical(found.metadata["Name"]), found.version
        purl = f"pkg:pypi/{quote(name)}@{quote(version, safe='')}"
        component: dict[str, Any] = {
            "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
        }  # fmt: skip
        if licence := _licence(found):
            component["licenses"] = [licence]
        yield component


def _path(folder: Path) -> Any:
    from importlib.metadata import DistributionFinder

    return DistributionFinder.Context(path=[str(folder)])


def _licence(found: Distribution) -> dict[str, Any] | None:
    """The SPDX expression where the package gives one, else the words it uses."""
    if expression := found.metadata["License-Expression"]:
        return {"expression": expression}
    named = [
        text.rpartition(" :: ")[2]
        for text in found.metadata.get_all("Classifier") or []
        if text.startswith("License :: ")
    ]
    return {"license": {"name": named[0]}} if named else None
