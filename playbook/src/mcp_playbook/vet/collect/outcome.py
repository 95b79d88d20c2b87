"""How a collector says that it has nothing: the reason is kept, and the signal stays unknown."""


class NotHadError(Exception):
    """A source that could not be had; the text says why, and ends up in the report."""


class NoSuchPackageError(Exception):
    """The index does not know the name: there is nothing to audit."""
