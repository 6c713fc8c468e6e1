"""Bodies and headers as a page shows them: formatted, raw, as hex. Floor 8.

A body is a stranger's text. It becomes markup in one place only, ``_painted``, out of parts that are
escaped one by one; everything else is handed to the template as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl

from markupsafe import Markup, escape

from smart_api_integrations.core.masking import masked_header
from smart_api_integrations.dashboard.views.measures import size
from smart_api_integrations.dashboard.views.visible import visible

LONGEST_INLINE = 256 * 1024
LONGEST_EXCERPT = 64 * 1024
LONGEST_HEX = 4 * 1024
MOST_TOKENS = 50_000
DEEPEST_INDENT = 24

_TOKEN = re.compile(
    r'[ \t\r\n]*(?:(?P<string>"(?:[^"\\\x00-\x1f]|\\.)*")|(?P<number>-?\d[\d.eE+-]*)|'
    r"(?P<word>true|false|null)|(?P<mark>[][{}:,]))"
)
_BLANK = re.compile(r"[ \t\r\n]*")
_CLASSES = {"string": "js", "number": "jn", "word": "jn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One way to see a body.

    Attributes:
        mode: ``pretty``, ``raw`` or ``hex``.
        content: What stands in the block; markup only where it was built of escaped parts.
        note: What is missing and where the rest is; empty where nothing is.
    """

    mode: str
    content: str
    note: str = ""


def body_view(body: bytes, *, content_type: str, mode: str) -> Body:
    """Return *body* in *mode*; ``pretty`` falls back to raw, and says why, where it cannot be formatted."""
    if mode == "hex":
        return _hex(body)
    if mode == "raw":
        return _raw(body)
    if len(body) > LONGEST_INLINE:
        note = f"{size(len(body))} are too much to format here. The first {size(LONGEST_EXCERPT)} are shown."
        return Body(mode="pretty", content=_excerpt(body), note=note)
    pretty = _formatted(body, content_type)
    if pretty is None:
        note = "The body is neither JSON nor a form: it is shown as it came." if body else ""
        return Body(mode="pretty", content=_excerpt(body), note=note)
    return Body(mode="pretty", content=pretty)


def text_view(text: str) -> str:
    """Return an answer's body formatted where it is JSON, else made visible."""
    pretty = _formatted(text.encode("utf-8", "surrogatepass"), "") if len(text) <= LONGEST_INLINE else None
    return visible(text, lines=True) if pretty is None else pretty


def headers_view(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return headers with lower-case names, sensitive values cut, hidden characters shown."""
    return tuple((visible(name.lower()), visible(masked_header(name, value))) for name, value in pairs)


def _raw(body: bytes) -> Body:
    note = f"The first {size(LONGEST_EXCERPT)} of {size(len(body))}." if len(body) > LONGEST_EXCERPT else ""
    return Body(mode="raw", content=_excerpt(body), note=note)


def _excerpt(body: bytes) -> str:
    return visible(body[:LONGEST_EXCERPT].decode("utf-8", "backslashreplace"), lines=True)


def _hex(body: bytes) -> Body:
    lines = [
        _hex_line(start, body[start : start + 16]) for start in range(0, min(len(body), LONGEST_HEX), 16)
    ]
    note = f"The first {size(LONGEST_HEX)} of {size(len(body))}." if len(body) > LONGEST_HEX else ""
    return Body(mode="hex", content="\n".join(lines), note=note)


def _hex_line(start: int, row: bytes) -> str:
    left, right = row[:8].hex(" "), row[8:].hex(" ")
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
    return f"{start:08x}  {left:<23}  {right:<23}  {text}"


def _formatted(body: bytes, content_type: str) -> Markup | None:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        return _form(text)
    tokens = _tokens(text)
    return None if tokens is None else Markup("").join(_painted(tokens))


def _form(text: str) -> Markup | None:
    try:
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        return None
    line = Markup('<span class="jk">{}</span> <span class="js">{}</span>')
    return Markup("\n").join(line.format(visible(name), visible(value)) for name, value in fields)


def _tokens(text: str) -> list[tuple[str, str]] | None:
    """Part JSON into tokens, every number and string as it was written; None where it is not JSON."""
    tokens: list[tuple[str, str]] = []
    position = 0
    while match := _TOKEN.match(text, position):
        tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
        position = match.end()
        if len(tokens) > MOST_TOKENS:
            return None
    blank = _BLANK.match(text, position)
    return tokens if tokens and blank and blank.end() == len(text) and _is_balanced(tokens) else None


def _is_balanced(tokens: list[tuple[str, str]]) -> bool:
    open_marks: list[str] = []
    pairs = {"}": "{", "]": "["}
    for _, text in tokens:
        if text in ("{", "["):
            open_marks.append(text)
        elif text in pairs and (not open_marks or open_marks.pop() != pairs[text]):
            return False
    return not open_marks


def _painted(tokens: list[tuple[str, str]]) -> Iterator[Markup]:
    """Yield the parts of formatted JSON: indented, coloured, each foreign text escaped."""
    depth = 0
    for index, (kind, text) in enumerate(tokens):
        following = tokens[index + 1][1] if index + 1 < len(tokens) else ""
        if kind != "mark":
            yield _word(kind, text, is_key=following == ":")
        elif text in ("{", "["):
            depth += 1
            yield escape(text)
            if following not in ("}", "]"):
                yield _line(depth)
        elif text in ("}", "]"):
            depth -= 1
            if tokens[index - 1][1] not in ("{", "["):
                yield _line(depth)
            yield escape(text)
        else:
            yield Markup(": ") if text == ":" else Markup(",") + _line(depth)


def _word(kind: str, text: str, *, is_key: bool) -> Markup:
    name = "jk" if is_key else _CLASSES[kind]
    return Markup('<span class="{}">{}</span>').format(name, visible(text))


def _line(depth: int) -> Markup:
    return Markup("\n") + "  " * min(depth, DEEPEST_INDENT)
