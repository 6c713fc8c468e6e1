"""The documentation as the tests read it: pages, their fenced snippets, and what a comment says of one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
REFERENCE = ROOT / "docs" / "reference"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

_SNIPPET = re.compile(
    r"(?:<!-- not run: (?P<reason>[^>]*?) -->\s*)?^```(?P<language>\w+)[^\n]*\n(?P<text>.*?)^```\s*?$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """One fenced block.

    Attributes:
        reason: Why it cannot be run, from a comment ``<!-- not run: … -->`` right above it, or None.
        line: The number of its first line in the page, so that a traceback points at the page.
    """

    language: str
    text: str
    reason: str | None
    line: int


def snippets(text: str) -> Iterator[Snippet]:
    """Yield the fenced blocks of a page in order."""
    for match in _SNIPPET.finditer(text):
        yield Snippet(
            language=match["language"],
            text=match["text"],
            reason=match["reason"],
            line=text.count("\n", 0, match.start("text")) + 1,
        )


def runnable(page: Path) -> str:
    """Return the Python of *page* as one program whose lines stand where they stand in the page."""
    program: list[str] = []
    for snippet in snippets(page.read_text("utf-8")):
        if snippet.language == "python" and snippet.reason is None:
            program += [""] * (snippet.line - 1 - len(program))
            program += snippet.text.splitlines()
    return "\n".join(program)


def name(page: Path) -> str:
    """Return the page's path from the root."""
    return page.relative_to(ROOT).as_posix()
