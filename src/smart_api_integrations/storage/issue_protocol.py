"""What the journal promises about issues. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from smart_api_integrations.core.issues import Issue, IssueKind, IssueState


class IssueStore(Protocol):
    """Failures gathered by their cause, counted as they are recorded; see ``core.issues``."""

    async def issues(self, *, limit: int = 100, kind: IssueKind | None = None) -> Sequence[Issue]:
        """Return the issues that were seen last, newest first, each with where its members stand.

        Issues are forgotten 30 days after they were last seen. Members are counted up to ``COUNT_LIMIT``.
        """

    async def issue(self, issue_id: str) -> Issue | None:
        """Return one issue, or None."""

    async def mark(self, issue_id: str, state: IssueState, *, lasting: timedelta | None = None) -> Issue:
        """Say that an issue is resolved, muted for so long (*lasting*), or open again; return it.

        A failure after it was resolved opens it again.

        Raises:
            NotFound: The id is unknown.
            InvalidInput: *lasting* is given for another state than muted, or missing there.
        """
