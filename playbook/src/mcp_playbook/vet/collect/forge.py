"""What a forge's API answered, recorded by hand and reduced: archived or not, issues answered when.

Reads GitHub's REST form. Nobody's name is kept: only moments, and whether a maintainer spoke.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mcp_playbook.vet.collect.outcome import NotHadError

MAINTAINERS = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})


def repository(answer: Mapping[str, Any]) -> dict[str, Any]:
    """`GET /repos/OWNER/NAME`."""
    if "archived" not in answer:
        raise NotHadError("repository: expected the forge's answer with `archived`")
    return {
        "archived": bool(answer["archived"]),
        "disabled": bool(answer.get("disabled")),
        "pushed": answer.get("pushed_at"),
    }


def issues(answer: Mapping[str, Any]) -> list[dict[str, str | None]]:
    """`{"issues": […], "comments": […]}`, as `/repos/…/issues` and `/repos/…/issues/comments` give.

    Pull requests, issues of maintainers themselves and issues by bots are left out.
    """
    try:
        first = _first_answers(_flat(answer["comments"]))
        return [
            {
                "opened": one["created_at"],
                "answered": first.get(int(one["number"])),
                "closed": one.get("closed_at"),
            }
            for one in _flat(answer["issues"])
            if "pull_request" not in one
            and one.get("author_association") not in MAINTAINERS
            and (one.get("user") or {}).get("type") != "Bot"
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotHadError("issues: expected an object with lists issues and comments") from error


def _first_answers(comments: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    """Issue → the first comment of a maintainer who is a person."""
    found: dict[int, str] = {}
    for one in comments:
        if one.get("author_association") not in MAINTAINERS:
            continue
        if (one.get("user") or {}).get("type") == "Bot":
            continue
        number, moment = int(str(one["issue_url"]).rpartition("/")[2]), str(one["created_at"])
        found[number] = min(found.get(number, moment), moment)
    return found


def _flat(pages: Sequence[Any]) -> list[Mapping[str, Any]]:
    """One list of what may be a list of pages."""
    return [row for page in pages for row in (page if isinstance(page, list) else [page])]
