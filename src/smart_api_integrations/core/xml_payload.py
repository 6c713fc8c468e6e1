"""An XML body as the mappings, lists and texts that handlers get. Floor 1.

Rules:

1. No document type is read: no entity is ever declared, expanded or fetched (billion laughs, XXE).
2. Depth and number of elements are bounded; the body's size is bounded before it comes here.
3. An element is a mapping of its children, its attributes as ``@name`` and its text as ``#text``; one that
   has nothing but text is that text, and one that is repeated is a list. Names are as they are written,
   with their prefixes.
"""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

from smart_api_integrations.errors import MalformedRequest

DEEPEST = 100
MOST_ELEMENTS = 50_000

Element = dict[str, Any]


def parse_xml(body: bytes) -> Any:
    """Parse an XML body.

    Raises:
        MalformedRequest: It is not well-formed, declares a document type, or is nested too deep.

    >>> parse_xml(b"<order id='7'><line>a</line><line>b</line><note/></order>")
    {'order': {'@id': '7', 'line': ['a', 'b'], 'note': ''}}
    """
    tree = _Tree()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartElementHandler = tree.begin
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(body, True)  # noqa: FBT003 - expat's signature: this is the last piece
    except (expat.ExpatError, ValueError, LookupError) as error:  # also of encodings that Python lacks
        message = "The body is not well-formed XML."
        raise MalformedRequest(message) from error
    return tree.root


class _Tree:
    """What was read so far: the open elements, outermost first."""

    def __init__(self) -> None:
        self.root: Element = {}
        self._open: list[tuple[Element, list[str]]] = [(self.root, [])]
        self._count = 0

    def begin(self, _: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) > DEEPEST or self._count > MOST_ELEMENTS:
            message = f"The body's XML is deeper than {DEEPEST} or has more than {MOST_ELEMENTS} elements."
            raise MalformedRequest(message)
        self._open.append(({f"@{key}": value for key, value in attributes.items()}, []))

    def text(self, piece: str) -> None:
        self._open[-1][1].append(piece)

    def end(self, name: str) -> None:
        element, pieces = self._open.pop()
        _add(self._open[-1][0], name, _value(element, "".join(pieces)))


def _value(element: Element, text: str) -> Any:
    if not element:
        return text
    if text.strip():
        element["#text"] = text.strip()
    return element


def _add(parent: Element, name: str, value: Any) -> None:
    known = parent.get(name)
    if known is None:
        parent[name] = value
    elif isinstance(known, list):
        known.append(value)
    else:
        parent[name] = [known, value]


def _refuse_doctype(*_: Any) -> None:
    message = "The body's XML declares a document type; none is read."
    raise MalformedRequest(message)
