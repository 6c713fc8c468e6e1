"""Whether a request is of a kind: ``{"{json:type}": url_verification, method: POST}``. Floor 1.

Rules:

1. Every line of a condition must hold. A line holds where what its left side reads equals one of its
   right sides; ``present`` and ``absent`` ask no more than that.
2. Where the left side has several values (``{json:value.*.clientState}``), all of them must equal.
3. What is compared may be a secret (``{env: NAME}``): the comparison takes the same time whatever
   differs, and nothing equals what is absent. What is empty equals only an empty text that is written so.
4. A line that a webhook cannot do without its variable reads it with the request. One that it can do without,
   as in ``handshakes:``, is given it by ``resolved``, its old value during a rotation too, and holds for
   nobody while it is not set.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from smart_api_integrations.core.request_view import FORM_TYPE, RequestView
from smart_api_integrations.core.templates import Template, compile_template
from smart_api_integrations.errors import ConfigurationError

PRESENT = "present"
ABSENT = "absent"
ANYBODY = b"*"
_PLAIN_SUBJECTS = ("method", "content_type")

ReadVariable = Callable[[str, bool], Iterable[bytes]]
"""Returns what a variable holds: of a secret every value that counts, of a list its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a condition.

    Attributes:
        subject: What is looked at; None for the content type without its parameters.
        expected: What it may equal.
        word: ``present`` or ``absent``, or None where it is compared.
        variable: Whose value it must equal, once it is resolved.
        is_list: Whether the variable holds several, with commas, where ``*`` stands for anything.
        values: What the variable holds.
    """

    subject: Template | None
    expected: tuple[Template, ...] = ()
    word: str | None = None
    variable: str | None = None
    is_list: bool = False
    values: tuple[bytes, ...] = field(default=(), repr=False)

    def resolved(self, read: ReadVariable) -> Line:
        """Return it with the value of its variable, as *read* tells it. What *read* raises comes through."""
        if self.variable is None:
            return self
        return replace(self, values=tuple(read(self.variable, self.is_list)))

    def holds(self, view: RequestView) -> bool:
        """Tell whether the line is true of the request.

        Raises:
            MalformedRequest: What it reads is there twice or cannot be parsed.
        """
        found = (_content_type(view),) if self.subject is None else self.subject.values(view)
        if self.word is not None:
            there = bool(found) and all(found)
            return there is (self.word == PRESENT)
        if self.is_list and ANYBODY in self.values:
            return bool(found) and all(found)
        return bool(found) and _are_all_of(found, [*self.values, *self._rendered(view)])

    def _rendered(self, view: RequestView) -> list[bytes]:
        texts = ((each, each.render(view)) for each in self.expected)
        return [text for each, text in texts if text or (text is not None and not each.source)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Lines that must all hold; without lines it always does."""

    lines: tuple[Line, ...] = ()

    def resolved(self, read: ReadVariable) -> Condition:
        """Return it with the values of the variables that it can do without, as *read* tells them."""
        return replace(self, lines=tuple(line.resolved(read) for line in self.lines))

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

    @property
    def unresolved(self) -> tuple[str, ...]:
        """The variables that were to be resolved and are not set."""
        return tuple(line.variable for line in self.lines if line.variable and not line.values)


ALWAYS = Condition()
"""The condition without lines."""


def compile_condition(options: Mapping[str, Any], *, resolves: bool = False) -> Condition:
    """Compile a ``when:`` or ``require:`` block.

    Its keys are ``method``, ``content_type`` or templates; its values a text or template, ``present``,
    ``absent``, ``{env: NAME}``, or a list of these. With *resolves* a variable is one that the webhook can do
    without until it is ``resolved``, and ``{env_list: NAME}`` is taken too.

    >>> compile_condition({"method": "GET", "{query:challenge}": "present"}).lines[1].word
    'present'

    Raises:
        ConfigurationError: A template is wrong, or a key is neither.
    """
    return Condition(lines=tuple(_line(key, value, resolves=resolves) for key, value in options.items()))


def _line(key: str, value: Any, *, resolves: bool) -> Line:
    if "{" not in key and key not in _PLAIN_SUBJECTS:
        message = (
            f"the condition looks at {key!r}: expected method, content_type or a template like {{json:type}}"
        )
        raise ConfigurationError(message)
    subject = None if key == "content_type" else compile_template("{method}" if key == "method" else key)
    if subject is not None and not subject.references:
        message = f"the condition looks at {key!r}, which reads nothing from the request"
        raise ConfigurationError(message)
    if value in {PRESENT, ABSENT} if isinstance(value, str) else False:
        return Line(subject=subject, word=value)
    if resolves and isinstance(value, Mapping):
        ((kind, variable),) = value.items()
        return Line(subject=subject, variable=variable, is_list=kind == "env_list")
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


def _are_all_of(found: Sequence[bytes | None], wanted: Sequence[bytes]) -> bool:
    """Tell whether each of *found* is one of *wanted*; all are compared, so that the time tells nothing."""
    equal = [
        [hmac.compare_digest(value, text) for text in wanted] if value is not None else [] for value in found
    ]
    return all(map(any, equal))
