"""Foreign text made fit to be looked at: what is hidden, or moves other text, is shown. Floor 8.

Escaping for HTML is the template's; this is about characters that HTML lets through: controls, and those
that turn the reading direction (https://www.unicode.org/reports/tr36/, "Trojan Source").
"""

from __future__ import annotations

import re

_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_HIDDEN_BUT_LAYOUT = re.compile(_HIDDEN.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))


def visible(text: str, *, lines: bool = False) -> str:
    r"""Return *text* with hidden characters shown; line breaks and tabs are kept with *lines*.

    >>> visible("a\x00b\u202ec\n")
    'a␀b\\u202ec␊'
    >>> visible("a\tb\n", lines=True) == "a\tb\n"
    True
    """
    if lines:
        return _HIDDEN_BUT_LAYOUT.sub(_shown, text.replace("\r\n", "\n"))
    return _HIDDEN.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    return f"\\u{code:04x}"


def shortened(text: str, length: int) -> str:
    """Return *text* in at most *length* characters, with an ellipsis where some are missing."""
    return text if len(text) <= length else text[: length - 1] + "…"
