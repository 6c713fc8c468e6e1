"""The icons, and the sprite of those that a page uses. Floor 8.

They are drawn in ``icons.svg``, on a grid of 16, in strokes; colour and width come from the style sheet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files

from markupsafe import Markup

_SYMBOL = re.compile(r'<symbol id="i-([a-z-]+)".*?</symbol>')


def read_symbols() -> Mapping[str, str]:
    """Return every icon's symbol by its name."""
    drawn = (files(__package__) / "icons.svg").read_text("utf-8")
    return {match[1]: match[0] for match in _SYMBOL.finditer(drawn)}


class Icons:
    """Draws the icons of one page, and remembers which it drew."""

    def __init__(self, symbols: Mapping[str, str]) -> None:
        """Begin with none of *symbols* drawn."""
        self._symbols = symbols
        self._drawn: set[str] = set()

    def draw(self, name: str, style: str = "") -> Markup:
        """Return the icon *name*, with the classes *style* beside its own.

        Raises:
            KeyError: There is no such icon.
        """
        if name not in self._symbols:
            raise KeyError(name)
        self._drawn.add(name)
        template = Markup('<svg class="icon {}" aria-hidden="true"><use href="#i-{}"/></svg>')
        return template.format(style, name)

    def sprite(self) -> Markup:
        """Return the symbols that the icons drawn so far refer to; it stands last on a page."""
        symbols = "".join(self._symbols[name] for name in sorted(self._drawn))
        return Markup(f'<svg class="sprite" aria-hidden="true">{symbols}</svg>')  # noqa: S704 - our own drawings
