"""Which subjects there are. Each is a module with `CHECKS`, a tuple of checks."""

from importlib import import_module

from infra_checks.check import Check

SUBJECTS = (
    "images",
    "compose",
    "observability",
    "terraform",
    "workflows",
)


class UnknownSubjectError(LookupError):
    """A name that is no subject."""


def checks(names: tuple[str, ...] = ()) -> dict[str, tuple[Check, ...]]:
    """The checks of the named subjects, or of all."""
    if unknown := [name for name in names if name not in SUBJECTS]:
        raise UnknownSubjectError(
            f"no subject {', '.join(unknown)}; there are {', '.join(SUBJECTS)}"
        )
    found: dict[str, tuple[Check, ...]] = {}
    for name in names or SUBJECTS:
        found[name] = import_module(f"infra_checks.{name}").CHECKS
    return found
