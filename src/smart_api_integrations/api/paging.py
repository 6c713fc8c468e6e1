"""Keyset paging, the same for every list. Floor 8.

A list is answered as a JSON array, newest first. Where there may be more, a ``Link`` header
(RFC 8288) with ``rel="next"`` holds the address of the next page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query, Request, Response

LONGEST_PAGE = 200
LONGEST_ID = 128

Limit = Annotated[int, Query(ge=1, le=LONGEST_PAGE, description="How many to return.")]
Before = Annotated[
    str | None,
    Query(max_length=LONGEST_ID, description="The last id of the page before: only older ones are returned."),
]


def link_next(request: Request, response: Response, *, ids: Sequence[str], limit: int) -> None:
    """Add the address of the next page to *response*, where this page is full."""
    link_to(request, response, before=ids[-1] if len(ids) >= limit else None)


def link_to(request: Request, response: Response, *, before: str | None) -> None:
    """Add the address of the page behind *before* to *response*; None where there is none."""
    if before is None:
        return
    query: dict[str, Any] = {"before": before}
    address = request.url.include_query_params(**query)
    relative = f"{address.path}?{address.query}"
    response.headers["Link"] = f'<{relative}>; rel="next"'
