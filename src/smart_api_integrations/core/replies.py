"""What is answered to a provider where its YAML words it: ``respond`` and ``response``. Floor 1.

Rules:

1. What a request brings in is text and stays text: it goes out as ``text/plain`` or as a string inside
   JSON, never as a page (research: a challenge that was echoed as HTML).
2. It is bounded: a reply that grows beyond ``LONGEST`` bytes, is not UTF-8, or would break a header
   line, is not sent.
3. A part that needs something that the request lacks makes a body or a JSON text impossible; a header
   is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.templates import Template, compile_template
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import ConfigurationError, MalformedRequest

LONGEST = 4096
PLAIN = "text/plain; charset=utf-8"
JSON = "application/json"
_HEADER_TEXT = re.compile(rb"[ -~]*")

Computed = Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, ready to be sent; ``body`` is empty where the status allows none."""

    status: int = 200
    body: bytes = field(default=b"", repr=False)
    content_type: str = PLAIN
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A template that may also name what was computed: ``{digest}``.

    Attributes:
        parts: Templates, and the names of computed values between them.
    """

    parts: tuple[Template | str, ...]

    @property
    def is_fixed(self) -> bool:
        """Whether it reads the same for every request."""
        return not any(isinstance(part, str) or part.references for part in self.parts)

    def render(self, view: RequestView, computed: Computed) -> bytes | None:
        """Render it in a single pass; None where something that it needs is absent.

        Raises:
            MalformedRequest: Something is there twice, cannot be read, or is too long.
        """
        rendered = b""
        for part in self.parts:
            piece = computed.get(part) if isinstance(part, str) else part.render(view)
            if piece is None:
                return None
            rendered += piece
            if len(rendered) > LONGEST:
                message = f"The answer would be longer than {LONGEST} bytes."
                raise MalformedRequest(message)
        return rendered


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyForm:
    """How a reply is made of a request.

    Attributes:
        status: 200 to 299.
        content_type: Of the body.
        headers: Further headers.
        body: The text; None where ``document`` or nothing is sent.
        document: JSON whose texts are wordings; None where there is none.
    """

    status: int = 200
    content_type: str = PLAIN
    headers: tuple[tuple[str, Wording], ...] = ()
    body: Wording | None = None
    document: Any = None

    def render(self, view: RequestView, computed: Computed) -> Reply:
        """Make the reply to the request of *view*.

        Raises:
            MalformedRequest: The request lacks something that is answered with, or it cannot be sent.
        """
        headers = ((name, wording.render(view, computed)) for name, wording in self.headers)
        return Reply(
            status=self.status,
            body=self._body(view, computed),
            content_type=self.content_type,
            headers=tuple((name, _header_text(value)) for name, value in headers if value is not None),
        )

    def fixed(self) -> Reply:
        """Return the reply that does not depend on a request.

        Raises:
            ConfigurationError: It does depend on one.
        """
        wordings = [wording for _, wording in self.headers] + ([self.body] if self.body else [])
        if not all(wording.is_fixed for wording in (*wordings, *_leaves(self.document))):
            message = "response: it is the same for every event, so it cannot read from the request."
            raise ConfigurationError(message)
        return self.render(_NO_REQUEST, {})

    def _body(self, view: RequestView, computed: Computed) -> bytes:
        if self.document is not None:
            return json.dumps(_filled(self.document, view, computed), separators=(",", ":")).encode()
        if self.body is None:
            return b""
        rendered = _needed(self.body.render(view, computed))
        _text(rendered)
        return rendered


def compile_reply(block: Mapping[str, Any], names: tuple[str, ...] = ()) -> ReplyForm:
    """Compile a checked ``respond`` or ``response`` block; *names* are what is computed for it.

    Raises:
        ConfigurationError: A template cannot be compiled, or a request's text would be sent as a page.
    """
    body = None if block.get("body") is None else compile_wording(block["body"], names)
    document = None if block.get("json") is None else _compiled(block["json"], names)
    usual = PLAIN if document is None else JSON
    content_type = block.get("content_type", usual)
    if body is not None and not body.is_fixed and content_type.partition(";")[0].strip() != "text/plain":
        message = (
            f"respond: a body that reads from the request is sent as text/plain, not as {content_type!r}; "
            "use `json` for JSON."
        )
        raise ConfigurationError(message)
    headers = tuple((name, compile_wording(text, names)) for name, text in block.get("headers", {}).items())
    return ReplyForm(
        status=block.get("status", 200),
        content_type=PLAIN if content_type == "text/plain" else content_type,
        headers=headers,
        body=body,
        document=document,
    )


def compile_wording(text: str, names: tuple[str, ...] = ()) -> Wording:
    """Compile *text*, in which ``{name}`` stands for a computed value.

    Raises:
        ConfigurationError: It is no template.
    """
    places = {f"{{{name}}}": name for name in names}
    pieces = re.split(f"({'|'.join(map(re.escape, places))})", text) if places else [text]
    return Wording(
        parts=tuple(places[piece] if piece in places else compile_template(piece) for piece in pieces)
    )


def _compiled(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {key: _compiled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_compiled(inner, names) for inner in value]
    return compile_wording(value, names) if isinstance(value, str) else value


def _leaves(value: Any) -> list[Wording]:
    if isinstance(value, Wording):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [leaf for each in inner for leaf in _leaves(each)]


def _filled(value: Any, view: RequestView, computed: Computed) -> Any:
    if isinstance(value, Wording):
        return _text(_needed(value.render(view, computed)))
    if isinstance(value, dict):
        return {key: _filled(inner, view, computed) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, view, computed) for inner in value]
    return value


def _needed(rendered: bytes | None) -> bytes:
    if rendered is None:
        message = "The request lacks what the handshake answers with."
        raise MalformedRequest(message)
    return rendered


def _text(rendered: bytes) -> str:
    try:
        return rendered.decode()
    except UnicodeDecodeError as error:
        message = "What the handshake answers with is not UTF-8."
        raise MalformedRequest(message) from error


def _header_text(rendered: bytes) -> str:
    if not _HEADER_TEXT.fullmatch(rendered):
        message = "What the handshake answers with cannot stand in a header."
        raise MalformedRequest(message)
    return rendered.decode()


_NO_REQUEST = RequestView(RawRequest(headers=Headers(), body=b""))
