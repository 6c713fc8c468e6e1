"""Whether a request is of a kind: ``{"{json:type}": url_verification, method: POST}``. Floor 1.

Rules:

1. Every line of a condition must hold. A line holds where what its left side reads equals one of its
   right sides; ``present`` and ``absent`` ask no more than that.
2. Where the left side has several values (``{json:value.*.clientState}``), all of them must equal.
3. What is compared may be a secret (``{env: NAME}``): the comparison takes the same time whatever
   differs, and nothing equals what is absent or empty.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smart_api_integrations.core.request_view import FORM_TYPE, RequestView
from smart_api_integrations.core.templates import Template, compile_template
from smart_api_integrations.errors import ConfigurationError

PRESENT = "present"
ABSENT = "absent"
_PLAIN_SUBJECTS = ("method", "content_type")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a condition.

    Attributes:
        subject: What is looked at; None for the content type without its parameters.
        expected: What it may equal.
        word: ``present`` or ``absent``, or None where it is compared.
    """

    subject: Template | None
    expected: tuple[Template, ...] = ()
    word: str | None = None

    def holds(self, view: RequestView) -> bool:
        """Tell whether the line is true of the request.

        Raises:
            MalformedRequest: What it reads is there twice or cannot be parsed.
        """
        found = (_content_type(view),) if self.subject is None else self.subject.values(view)
        if self.word is not None:
            there = bool(found) and all(found)
            return there is (self.word == PRESENT)
        wanted = [text for each in self.expected if (text := each.render(view))]
        return bool(found) and all(_is_one_of(value, wanted) for value in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Lines that must all hold; without lines it always does."""

    lines: tuple[Line, ...] = ()

    def holds(self, view: RequestView) -> bool:
        """Tell whether every line is true of the request.

        Raises:
            MalformedRequest: What one reads is there twice or cannot be parsed.
        """
        return all(line.holds(view) for line in self.lines)

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables without which a line can never hold."""
        return tuple(
            name for line in self.lines if len(line.expected) == 1 for name in line.expected[0].variables
        )


ALWAYS = Condition()
"""The condition without lines."""


def compile_condition(options: Mapping[str, Any]) -> Condition:
    """Compile a ``when:`` or ``require:`` block.

    Its keys are ``method``, ``content_type`` or templates; its values a text or template, ``present``,
    ``absent``, ``{env: NAME}``, or a list of these.

    >>> compile_condition({"method": "GET", "{query:challenge}": "present"}).lines[1].word
    'present'

    Raises:
        ConfigurationError: A template is wrong, or a key is neither.
    """
    return Condition(lines=tuple(_line(key, value) for key, value in options.items()))


def _line(key: str, value: Any) -> Line:
    if "{" not in key and key not in _PLAIN_SUBJECTS:
        message = (
            f"the condition looks at {key!r}: expected method, content_type or a template like {{json:type}}"
        )
        raise ConfigurationError(message)
    subject = None if key == "content_type" else compile_template("{method}" if key == "method" else key)
    if value in {PRESENT, ABSENT} if isinstance(value, str) else False:
        return Line(subject=subject, word=value)
    values = value if isinstance(value, list) else [value]
    return Line(subject=subject, expected=tuple(compile_template(_text(each)) for each in values))


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{env:{value['env']}}}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _content_type(view: RequestView) -> bytes | None:
    if view.is_form:
        return FORM_TYPE.encode()
    written = (view.header("Content-Type") or "").partition(";")[0].strip().lower()
    if written == FORM_TYPE:  # but it begins like JSON, and then it is JSON
        return b"application/json"
    return written.encode("utf-8", "replace") or None


def _is_one_of(value: bytes | None, wanted: Sequence[bytes]) -> bool:
    equal = [
        hmac.compare_digest(value or b"", text) for text in wanted
    ]  # all of them: the time tells nothing
    return bool(value) and any(equal)
