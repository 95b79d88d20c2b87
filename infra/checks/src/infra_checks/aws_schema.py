"""What the AWS provider's resources take and give, read out of a package generated from its schema.

Knows names, types and flags of arguments, and how blocks nest; nothing of what AWS does with them.
The package is fetched by npm, compared with a pinned hash, and stays outside the repository.
"""

import base64
import hashlib
import re
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra_checks.bench import Bench, NotRunError

PACKAGE = "@cdktf/provider-aws@21.22.1"
PROVIDER = "6.25.0"  # the hashicorp/aws that the package was generated from
SHA512 = "BuSHeaQFUL9l33pBzIMRT7cTQ69AM2mLtijjteCPhVQRmvuhuj9Lvfymf7knAMhYqAT6+Lrls9jiGVW/Us3zrQ=="
FOLDER = ".cache/infra-aws"

Schema = dict[str, Any]

CLASS = re.compile(r"^class (\w+) extends cdktf\.(\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
# // versioning - computed: false, optional: true, required: false
#     this._versioning = new S3BucketVersioningOutputReference(this, "versioning");
FIELD = re.compile(
    r"// (\w+) - computed: (?:true|false), optional: (?:true|false), required: (true|false)\n"
    r"\s+this\._(\w+) = new ([\w.]+)\(this, \"\w+\"(?:, (true|false))?\)"
)
GETTER = re.compile(
    r"^    get (\w+)\(\) \{\n\s+return (\S.*\(['\"](\w+)['\"]\).*);\n", re.MULTILINE
)
FORM = re.compile(
    r"^\s+(\w+): \{\n\s+value: .*\n\s+isBlock: (\w+),\n\s+type: \"(\w+)\",", re.MULTILINE
)
MAPPER = re.compile(
    r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL
)
INTERFACE = re.compile(r"^export interface (\w+) ([^\n]*)\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
ARGUMENTS = ""  # the name under which a resource's own interface is kept
REQUIRED = re.compile(r"^    readonly (\w+):", re.MULTILINE)
SIMPLE = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getStringMapAttribute": ["map", "string"],
    "getNumberMapAttribute": ["map", "number"],
    "getBooleanMapAttribute": ["map", "bool"],
    "getListAttribute": ["list", "string"],
    "getNumberListAttribute": ["list", "number"],
    "cdktf.StringMap": ["map", "string"],
    "cdktf.BooleanMap": ["map", "bool"],
    "cdktf.NumberMap": ["map", "number"],
}
ENDING = re.compile(r"(List|Map|OutputReference)$")


def _by_hand(least: int, most: int, blocks: Schema | None = None, **attributes: Any) -> Schema:
    given = {
        name: {"type": kind.rstrip("!"), "is": ["required" if kind.endswith("!") else "optional"]}
        for name, kind in attributes.items()
    }
    inner = {"attributes": given, "blocks": blocks or {}}
    return {"nesting": "list", "least": least, "most": most, "block": inner}


# The package has no type for this block, which holds itself. What the stack uses, by hand.
STATEMENT = _by_hand(1, 1, {
    "rate_based_statement": _by_hand(
        0, 1, limit="number!", aggregate_key_type="string", evaluation_window_sec="number"
    ),
    "managed_rule_group_statement": _by_hand(0, 1, {
        "rule_action_override": _by_hand(0, 100, {
            "action_to_use": _by_hand(1, 1, {"count": _by_hand(0, 1), "block": _by_hand(0, 1)}),
        }, name="string!"),
    }, name="string!", vendor_name="string!", version="string"),
})  # fmt: skip
HELD_BY_HAND = {("aws_wafv2_web_acl", "rule", "statement"): STATEMENT}


def package(bench: Bench) -> Path:
    """The package's file, fetched once and compared with its hash each time."""
    folder = bench.root / FOLDER
    file = folder / "cdktf-provider-aws-21.22.1.tgz"
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        npm = bench.found("npm", "it fetches the provider's schema")
        with tempfile.TemporaryDirectory(dir=folder) as aside:
            done = bench.run(npm, "pack", "--silent", PACKAGE, folder=Path(aside))
            if done.returncode != 0 or not (Path(aside) / file.name).is_file():
                raise NotRunError(f"npm could not fetch {PACKAGE}")
            (Path(aside) / file.name).replace(file)
    if base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode() != SHA512:
        file.unlink()
        raise NotRunError(f"{PACKAGE} is not the file that was pinned; it was removed")
    return file


def read(file: Path, types: Iterable[str]) -> tuple[Schema, list[str]]:
    """The schema of these resource types, and which of them the provider does not have."""
    wanted = {kind.removeprefix("aws_").replace("_", "-"): kind for kind in types}
    texts: dict[str, dict[str, str]] = {}
    with tarfile.open(file) as archive:
        for member in archive:
            folder, _, name = member.name.removeprefix("package/lib/").partition("/")
            if folder in wanted and (content := archive.extractfile(member)):
                texts.setdefault(folder, {})[name] = content.read().decode()
    schema = {
        wanted[folder]: Source.of(one["index.js"], one["index.d.ts"]).resource()
        for folder, one in texts.items()
    }
    for (kind, outer, name), block in HELD_BY_HAND.items():
        if kind in schema:
            inner = schema[kind]["blocks"][outer]["block"]
            inner["attributes"].pop(name)
            inner["blocks"][name] = block
    return schema, sorted(wanted[folder] for folder in set(wanted) - set(texts))


@dataclass(frozen=True)
class Source:
    """One resource of the package: its classes, how blocks are written, what is required."""

    classes: dict[str, tuple[str, str]]  # name → what it extends, body
    forms: dict[str, dict[str, tuple[bool, str]]]  # struct → attribute → is a block, nesting
    required: dict[str, frozenset[str]]  # struct → names as the package spells them

    @classmethod
    def of(cls, code: str, declarations: str) -> "Source":
        return cls(
            classes={name: (kind, body) for name, kind, body in CLASS.findall(code)},
            forms={name: _forms(body) for name, body in MAPPER.findall(code)},
            required={
                ARGUMENTS if "TerraformMetaArguments" in of else name: frozenset(
                    REQUIRED.findall(body)
                )
                for name, of, body in INTERFACE.findall(declarations)
            },
        )

    def resource(self) -> Schema:
        body = next(body for kind, body in self.classes.values() if kind == "TerraformResource")
        return self._block(body, _forms(body), self.required[ARGUMENTS])

    def _block(
        self, body: str, forms: dict[str, tuple[bool, str]], required: frozenset[str]
    ) -> Schema:
        attributes: Schema = {}
        blocks: Schema = {}
        for name, needed, field, made, in_set in FIELD.findall(body):
            is_block, form = forms.get(name, (False, ""))
            if made in SIMPLE:
                attributes[name] = {"type": SIMPLE[made], "is": ["computed"]}
            elif is_block:
                blocks[name] = self._nested(made, form, needed == "true")
            else:
                settable = f"set {field}(" in body or f"put{field[0].upper()}{field[1:]}(" in body
                attributes[name] = {
                    "type": self._objects(made, in_set == "true"),
                    "is": ["optional", "computed"] if settable else ["computed"],
                }
        for field, got, name in GETTER.findall(body):
            kind = next((kind for call, kind in SIMPLE.items() if f".{call}(" in got), "dynamic")
            if got.startswith("cdktf.Fn.tolist"):
                kind = ["set", kind[1]]
            if f"set {field}(" not in body:
                flags = ["computed"]
            elif field in required:
                flags = ["required"]
            else:
                flags = ["optional", "computed"] if name == "id" else ["optional"]
            attributes[name] = {"type": kind, "is": flags}
        return {"attributes": attributes, "blocks": blocks}

    def _nested(self, made: str, form: str, needed: bool) -> Schema:
        struct = ENDING.sub("", made)
        single = form == "struct"
        return {
            "nesting": "single" if single else form,
            "least": int(needed),
            "most": int(made.endswith("OutputReference") and not single),
            "block": self._block(
                self.classes[f"{struct}OutputReference"][1],
                self.forms.get(struct[0].lower() + struct[1:], {}),
                self.required.get(struct, frozenset()),
            ),
        }

    def _objects(self, made: str, in_set: bool) -> list[Any]:
        body = self.classes[f"{ENDING.sub('', made)}OutputReference"][1]
        inner = self._block(body, {}, frozenset())["attributes"]
        members = {name: one["type"] for name, one in inner.items()}
        return ["set" if in_set else "list", ["object", members]]


def _forms(body: str) -> dict[str, tuple[bool, str]]:
    return {name: (block == "true", form) for name, block, form in FORM.findall(body)}
