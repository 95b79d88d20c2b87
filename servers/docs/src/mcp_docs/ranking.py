"""The statements, and the numbers the ranking is made with.

Every statement names the reader's groups itself although row-level security would do it too: two
locks, each tested without the other.
"""

from importlib import resources

# a word nobody wrote is replaced by similar ones, which count less than a word that was meant
SIMILAR_WEIGHT = 0.5
# so do words that only begin alike
KIN_WEIGHT = 0.5
# read to find pages, of all words together; a word in more sections than a quarter of this finds
# only those where it stands out
MAX_POSTINGS = 6_000
MAX_TERMS = 40  # more words than this are a document, not a question


def statement(name: str) -> str:
    return resources.files("mcp_docs.sql").joinpath(f"{name}.sql").read_text()


TERMS = statement("terms")
SIMILAR = statement("similar")
RANKED = statement("ranked")
PAGE = statement("page")
COLLECTIONS = statement("collections")
ENTRIES = statement("entries")
