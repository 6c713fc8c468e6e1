"""What is signed, and by which algorithm, where a request may be of several kinds. Floor 1.

Rules:

1. The first entry of ``signed`` whose ``when`` holds is the one; where none does, the request is not
   signed in a documented form. What an entry demands (``require``) must hold whatever the signature says.
2. A request may name its algorithm, but only one that the configuration allows for that name.
3. ``url_variants`` are other ways in which a sender may have written the same configured URL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from smart_api_integrations.core.conditions import ALWAYS, Condition
from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures.signature_field import PartsList, read_or_refuse
from smart_api_integrations.core.templates import Template
from smart_api_integrations.errors import MalformedRequest, SignatureMalformed, SignatureMismatch


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedText:
    """One text that may be signed.

    Attributes:
        template: The text.
        when: Which requests sign it; every one where it is empty.
        require: What must hold beside the signature: that a hash in the query is the body's.
    """

    template: Template
    when: Condition = ALWAYS
    require: Condition = ALWAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgorithmChoice:
    """Where a request says by which algorithm it is signed.

    Attributes:
        source: Where the word is.
        parts: How to find it in a list of several, or None.
        allowed: The words, each with the algorithm that it stands for.
        default: The algorithm where the request says nothing; None to refuse it.
    """

    source: Template
    parts: PartsList | None
    allowed: Mapping[str, str]
    default: str | None

    def read(self, view: RequestView) -> str:
        """Return the algorithm.

        Raises:
            SignatureMalformed: The request names none that is allowed.
        """
        text = read_or_refuse(self.source, view, SignatureMalformed)
        words = [text] if text else []
        if self.parts is not None:
            words = self.parts.values_of(words, self.parts.key)
        if not words and self.default is not None:
            return self.default
        algorithm = self.allowed.get(words[0].decode("utf-8", "replace")) if len(words) == 1 else None
        if algorithm is None:
            message = f"The request names no algorithm of {', '.join(self.allowed)}: looked at {self.source}."
            raise SignatureMalformed(message)
        return algorithm


def choose(texts: tuple[SignedText, ...], view: RequestView) -> SignedText:
    """Return the text that a request of this kind signs.

    Raises:
        SignatureMalformed: It is of no kind that the provider documents, or cannot be read.
    """
    for text in texts:
        if holds(text.when, view):
            return text
    message = "The request is of no kind that the provider signs."
    raise SignatureMalformed(message)


def demand(condition: Condition, view: RequestView) -> None:
    """Return where the request has what the configuration requires beside its signature.

    Raises:
        SignatureMismatch: It has not.
        SignatureMalformed: It cannot be read.
    """
    for line in condition.lines:
        if not holds(Condition(lines=(line,)), view):
            message = f"The request is not as the webhook requires: {line.subject} is another."
            raise SignatureMismatch(message)


def holds(condition: Condition, view: RequestView) -> bool:
    """Tell whether *condition* holds for a request that is not yet believed.

    Raises:
        SignatureMalformed: What it reads is there twice or cannot be parsed.
    """
    try:
        return condition.holds(view)
    except MalformedRequest as error:
        raise SignatureMalformed(str(error)) from error


def url_variants(url: str | None, names: tuple[str, ...]) -> Iterator[str | None]:
    """Yield the configured URL, then its other spellings that differ from it."""
    yield url
    known = {url}
    for name in names if url is not None else ():
        variant = URL_VARIANTS[name](url or "")
        if variant not in known:
            known.add(variant)
            yield variant


def _with_port(url: str) -> str:
    parts = urlsplit(url)
    if parts.port is not None:
        return url
    port = {"https": 443, "http": 80}.get(parts.scheme)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc}:{port}"))


def _without_port(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=re.sub(r":[0-9]+$", "", parts.netloc)))


def _without_query(url: str) -> str:
    return url.partition("?")[0]


def _unescaped(url: str) -> str:
    return _HUBSPOT_ESCAPES.sub(lambda match: chr(int(match[1], 16)), url)


# https://developers.hubspot.com/docs/api/webhooks/validating-requests lists these and no others
_HUBSPOT_ESCAPES = re.compile(r"%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)

URL_VARIANTS: Mapping[str, Callable[[str], str]] = {
    "with_port": _with_port,
    "without_port": _without_port,
    "without_query": _without_query,
    "unescaped": _unescaped,
}
