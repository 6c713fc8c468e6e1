"""Every relative link in the documentation leads to a file, and every anchor to a heading."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)([^)\s#]*)(?:#([^)\s]+))?\)")
_HEADING = re.compile(r"^#+\s+(.*?)\s*$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """Return every page of the documentation."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def broken_links(page: Path) -> Iterator[str]:
    """Yield what leads nowhere."""
    for match in _LINK.finditer(_FENCE.sub("", page.read_text("utf-8"))):
        target = (page.parent / match[1]).resolve() if match[1] else page
        if not target.exists():
            yield f"{page.relative_to(ROOT)}: {match[0]}: no such file"
        elif match[2] and match[2] not in anchors(target):
            yield f"{page.relative_to(ROOT)}: {match[0]}: no such heading"


def anchors(page: Path) -> set[str]:
    """Return what the headings of *page* are linked by."""
    headings = _HEADING.findall(_FENCE.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def main() -> int:
    """Print the broken links; return 1 where there is one."""
    broken = [line for page in pages() for line in broken_links(page)]
    print("\n".join(broken) or f"{len(pages())} pages, no broken link")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
