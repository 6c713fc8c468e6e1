"""One request as templates read it: every part parsed on first use, and only once. Floor 1.

Rules:

1. A name that must have one value and has several (header, query or form field) is refused, never
   joined and never picked from: which of them the sender meant, nobody can tell.
2. A header whose name is written with underscores is not the header with dashes. Servers disagree on
   it, so an intermediary may have let a forged ``X_Signature`` pass (CVE-2015-0219).
3. Nothing is read from ``Host`` or ``X-Forwarded-*``: ``url`` is the configured one or absent.
4. A body is JSON, unless its content type says otherwise and it does not begin like JSON: the content type
   is not signed, so it must not turn what was captured as one thing into another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any
from urllib.parse import parse_qsl

from smart_api_integrations.core.webhook_schema import RawRequest, parse_json
from smart_api_integrations.core.xml_payload import parse_xml
from smart_api_integrations.errors import DuplicateKeys, MalformedRequest

FORM_TYPE = "application/x-www-form-urlencoded"
_XML_TYPES = frozenset({"application/xml", "text/xml"})
_JSON_TYPES = frozenset({"", "application/json", "text/json"})
_LONGEST_NUMBER = 3
_MOST_FIELDS = 1000  # as Django's DATA_UPLOAD_MAX_NUMBER_FIELDS
_JSON_BEGINS = frozenset((b"{", b"["))
_UNREAD: Any = object()
NO_VARIABLES: Mapping[str, str] = {}

Fields = Mapping[str, list[str]]


class RequestView:
    """The parts of one request; also the time and the id that its signature scheme found.

    Not thread-safe: one view serves one judgement.

    Attributes:
        request: The request itself.
        body: Its exact bytes.
        url: The configured public URL with the received query string; a scheme tries its variants.
        variables: What ``{env:NAME}`` reads: the variables that the webhook's file names.
        timestamp: The signed time as received, set by the scheme; None until then.
        id: The message id as received, set by the scheme; None until then.
        item_body: The exact bytes of the event that is looked at; of a request that was not split, its body.
        item: The one of several events that is looked at (``of_item``); otherwise the whole JSON.
    """

    __slots__ = ("_exact_item", "_form", "_form_json_field", "_item", "_json", "_numbers", "_parse_json",
                 "_query", "body", "id", "item_body", "request", "timestamp", "url", "variables")  # fmt: skip

    def __init__(
        self,
        request: RawRequest,
        *,
        parse_json: Callable[[bytes], Any] = parse_json,
        form_json_field: str | None = None,
        variables: Mapping[str, str] = NO_VARIABLES,
    ) -> None:
        """View *request*.

        Args:
            request: What came off the socket.
            parse_json: Parses a body; raises ``MalformedRequest`` for what is not JSON.
            form_json_field: The form field that holds the JSON, where the body is a form.
            variables: What ``{env:NAME}`` reads.
        """
        self.request = request
        self.body = self.item_body = request.body
        self.url = request.public_url
        self.variables = variables
        self._item: Any = _UNREAD
        self._exact_item: Callable[[], Any] | None = None
        self.timestamp: bytes | None = None
        self.id: bytes | None = None
        self._parse_json = parse_json
        self._form_json_field = form_json_field
        self._json: Any = _UNREAD
        self._numbers: Any = _UNREAD
        self._form: Fields | None = _UNREAD
        self._query: Fields | None = None

    def header(self, name: str) -> str | None:
        """Return a header's one value, or None where it is absent.

        Raises:
            MalformedRequest: It is there more than once.
        """
        values = self.request.headers.get_all(name)
        if not values:
            return None
        return values[0] if len(values) == 1 else _refuse_repeated("header", name)

    def numbered_headers(self, pattern: str) -> list[str]:
        """Return the values of ``X-Signature-1``, ``-2`` and so on, by their numbers, for ``X-Signature-*``.

        Raises:
            MalformedRequest: One of them is there more than once.
        """
        before, _, after = pattern.lower().partition("*")
        found = []
        for name in self.request.headers:
            middle = name.lower().removeprefix(before).removesuffix(after)
            is_number = middle.isascii() and middle.isdigit() and len(middle) <= _LONGEST_NUMBER
            if is_number and name.lower() == f"{before}{middle}{after}":
                found.append((int(middle), self.header(name) or ""))
        return [value for _, value in sorted(found)]

    def query_value(self, name: str) -> str | None:
        """Return a query parameter's one value, or None where it is absent.

        Raises:
            MalformedRequest: It is there more than once, or the query string cannot be read.
        """
        if self._query is None:
            self._query = _fields(self.request.query.encode("utf-8", "surrogatepass"), "query string")
        return _one(self._query, name, "query parameter")

    def form_value(self, name: str) -> str | None:
        """Return a form field's one value, or None where it is absent or the body is no form.

        Raises:
            MalformedRequest: It is there more than once, or the form cannot be read.
        """
        return None if self.form is None else _one(self.form, name, "form field")

    @property
    def form(self) -> Fields | None:
        """The form's fields, or None where the body is no form."""
        if self._form is _UNREAD:
            self._form = _fields(self.body, "form") if self.is_form else None
        return self._form

    @property
    def json(self) -> Any:
        """The parsed JSON, from the body or from the form field that holds it; None where there is none.

        An XML body is here too, as the mappings that handlers get (``core.xml_payload``).

        Raises:
            MalformedRequest: It is not valid JSON, or not well-formed XML.
        """
        if self._json is _UNREAD:
            source = self.json_source
            if source is None:
                self._json = parse_xml(self.body) if self._is_xml() else None
            else:
                self._json = self._parse_json(source)
        return self._json

    @property
    def json_numbers_as_text(self) -> Any:
        """The same JSON with every number as the text it was sent as: ``1E2`` stays ``1E2``."""
        if self._numbers is _UNREAD:
            source = self.json_source or (json.dumps(self.json).encode() if self._is_xml() else b"null")
            try:
                self._numbers = json.loads(source.decode(), parse_float=str, parse_int=str)
            except (ValueError, RecursionError) as error:
                message = "The body's JSON cannot be read."
                raise MalformedRequest(message) from error
        return self._numbers

    def of_item(self, body: bytes, exact: Callable[[], Any]) -> RequestView:
        """Return a view of the same request that looks at one event of several.

        *body* is that event's own JSON; *exact* returns it with its numbers as text.

        Raises:
            MalformedRequest: *body* cannot be parsed.
        """
        view = copy(self)
        view.look_at(self._parse_json(body), exact)
        view.item_body = body
        return view

    def look_at(self, item: Any, exact: Callable[[], Any]) -> None:
        """Look at *item* from now on; *exact* returns it with its numbers as text."""
        self._item = item
        self._exact_item = exact

    @property
    def item(self) -> Any:
        """The event that is looked at: a request that was not split is itself the one."""
        return self.json if self._item is _UNREAD else self._item

    @property
    def item_numbers_as_text(self) -> Any:
        """The item with every number as the text it was sent as."""
        return self.json_numbers_as_text if self._exact_item is None else self._exact_item()

    def parse_text(self, text: bytes) -> Any:
        """Return what *text*, a part of the request, holds: JSON where it is that, else text or bytes.

        Raises:
            DuplicateKeys: It is JSON of which an object says one key twice.
        """
        if text[:64].lstrip()[:1] in _JSON_BEGINS:
            try:
                return self._parse_json(text)
            except DuplicateKeys:
                raise
            except MalformedRequest:
                pass  # a text that only begins like JSON
        return _text_or_bytes(text)

    @property
    def payload(self) -> Any:
        """What handlers get: the JSON, the XML, or the form's fields (a repeated one as a list).

        Of several events in one request, the one that is looked at.

        What is none of these is its text, or its bytes where it is not UTF-8.

        Raises:
            MalformedRequest: The body is not what its content type says, or what it begins like.
        """
        if self._item is not _UNREAD:
            return self._item
        form = self.form
        if self.json_source is not None or self._is_xml():
            return self.json
        if form is None:
            return _text_or_bytes(self.body)
        return {name: values[0] if len(values) == 1 else values for name, values in form.items()}

    @property
    def is_form(self) -> bool:
        """Whether the body is a form; what begins like JSON never is."""
        return not self._begins_like_json() and self._content_type() == FORM_TYPE

    def _is_xml(self) -> bool:
        kind = self._content_type()
        is_said = kind in _XML_TYPES or kind.endswith("+xml")
        return is_said and not self._begins_like_json()

    def _is_json(self) -> bool:
        kind = self._content_type()
        return self._begins_like_json() or kind in _JSON_TYPES or kind.endswith("+json")

    def _begins_like_json(self) -> bool:
        return self.body[:1] in _JSON_BEGINS or self.body[:64].lstrip()[:1] in _JSON_BEGINS

    def _content_type(self) -> str:
        return (self.header("Content-Type") or "").partition(";")[0].strip().lower()

    @property
    def json_source(self) -> bytes | None:
        """The bytes of the JSON: the body, or the form field that holds it; None where there is none."""
        if self.form is None:
            return self.body if self._is_json() else None
        if self._form_json_field is None:
            return None
        text = self.form_value(self._form_json_field)
        return None if text is None else text.encode("utf-8", "surrogatepass")


def _text_or_bytes(body: bytes) -> str | bytes:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body


def _fields(text: bytes, where: str) -> Fields:
    try:
        pairs = parse_qsl(
            text.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError as error:
        message = f"The {where} is not valid UTF-8 or has more than {_MOST_FIELDS} fields."
        raise MalformedRequest(message) from error
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def _one(fields: Fields, name: str, what: str) -> str | None:
    values = fields.get(name)
    if values is None:
        return None
    return values[0] if len(values) == 1 else _refuse_repeated(what, name)


def _refuse_repeated(what: str, name: str) -> str:
    message = f"The {what} {name} is there more than once; it must have one value."
    raise MalformedRequest(message)
