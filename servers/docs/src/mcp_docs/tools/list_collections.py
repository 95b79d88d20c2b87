"""List the collections of the knowledge base."""

from mcp_types import ToolAnnotations

from mcp_docs.knowledge import TheLibrary, callers_groups
from mcp_docs.models import CollectionList

TITLE = "List collections"
HINTS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


async def list_collections(library: TheLibrary) -> CollectionList:
    """List the collections of the knowledge base with their size and age.

    Use when: you want to know which areas are written down, how fresh they are, or which name to
    pass as `collection` to a search.
    Not for: finding an answer (search_docs) or reading a page (read_doc).
    Returns: each collection with the number of pages this person may read, the newest change, how
    many reviews are overdue, and a few titles; `more` says whether collections were left out. An
    empty list means the person may read none.
    Fails: Unavailable when the database is down.
    """
    return await library.collections(callers_groups())
