"""What the tools answer. Every field is described: a model reads nothing else about it."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

Collection = Annotated[str, Field(min_length=1, max_length=80)]
DocId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="A page's `doc_id`, such as `policies/refund-policy`, or its docs:// address.",
    ),
]


class Hit(BaseModel):
    doc_id: str = Field(description="The page; pass it to read_doc.")
    title: str = Field(description="Title of the page.")
    section: str = Field(
        description="Headings that lead to the passage, ` > ` between; may be empty."
    )
    snippet: str = Field(description="Words around the match, the matched ones between ** and **.")
    owner: str = Field(description="Team that answers for the page.")
    updated: date = Field(description="When the page was last changed.")
    warning: str | None = Field(description="Set when the page's review is overdue.")
    url: str = Field(description="Address to cite, docs://collection/page.")


class SearchResult(BaseModel):
    results: list[Hit] = Field(description="Best match first; one passage for each page.")
    total: int = Field(description="Pages that match, counted up to 100.")
    more: bool = Field(
        description="Whether matches were left out; ask for more or be more precise."
    )
    also_searched: list[str] = Field(
        description="Words searched instead of ones that no page has, such as typing errors."
    )
    unknown: list[str] = Field(
        description="Words of the query that no page has; try what a policy would say instead."
    )


class Text(BaseModel):
    doc_id: str = Field(description="The page.")
    title: str = Field(description="Title of the page.")
    owner: str = Field(description="Team that answers for the page.")
    classification: str = Field(description="public, internal or confidential.")
    updated: date = Field(description="When the page was last changed.")
    warning: str | None = Field(description="Set when the page's review is overdue.")
    url: str = Field(description="Address to cite, docs://collection/page.")
    sections: list[str] = Field(
        description="The page's sections, at most 100; pass one as `section`."
    )
    text: str = Field(description="Markdown of the page or section, from `offset`.")
    offset: int = Field(description="Where `text` begins, in characters.")
    total_chars: int = Field(description="Length of the page or section.")
    next_offset: int | None = Field(description="Pass it as `offset` to read on; null at the end.")


class CollectionInfo(BaseModel):
    name: str = Field(description="Pass it as `collection` to search_docs.")
    pages: int = Field(description="Pages you may read in it.")
    newest: date = Field(description="When one of these pages was last changed.")
    overdue: int = Field(description="Pages among these whose review is overdue.")
    titles: list[str] = Field(description="Titles of up to five pages, the newest first.")


class CollectionList(BaseModel):
    collections: list[CollectionInfo] = Field(description="By name, at most 100.")
    more: bool = Field(description="Whether collections were left out.")


def url(doc_id: str) -> str:
    return f"docs://{doc_id}"


def overdue(review_by: date | None, today: date) -> str | None:
    """What to say of a page that nobody has confirmed in time."""
    if review_by is None or review_by >= today:
        return None
    return f"Review overdue since {review_by.isoformat()}: ask the owner before relying on it."
