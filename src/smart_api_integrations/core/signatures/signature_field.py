"""Where a request carries its signatures and its signed time, read and written. Floor 1.

Rules:

1. Absent or blank is missing; never "nothing to check".
2. A list (``t=1,v1=ab,v1=cd``) is split once at each border; a part that is not of the form is not a
   signature. At most ``MOST_PARTS`` parts and ``MOST_CANDIDATES`` signatures are looked at.
3. A signature is decoded to the digest's own bytes before it is compared, and must be the one way of
   writing them (but hex may be upper case): what does not decode matches nothing.
4. The signed time is the text that was received; its window is judged by the caller's clock.
"""

from __future__ import annotations

import binascii
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.templates import Template
from smart_api_integrations.core.timestamps import format_timestamp, parse_timestamp
from smart_api_integrations.errors import (
    MalformedRequest,
    SignatureMalformed,
    SignatureMissing,
    TimestampInFuture,
    TimestampMalformed,
    TimestampMissing,
    TimestampTooOld,
    VerificationFailed,
)

MOST_PARTS = 64
MOST_CANDIDATES = 16
LONGEST_SIGNATURE = 1024
"""Bytes of a signature whose algorithm has no one size: RSA of 8,192 bits."""
_BLANKS = b" \t"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsList:
    """How several signatures share one header: ``t=1,v1=ab`` or ``v1,ab v1,cd``."""

    separator: str
    pair: str
    key: str

    def values_of(self, texts: Sequence[bytes], key: str) -> list[bytes]:
        """Return what stands under *key* in all of *texts*.

        Raises:
            SignatureMalformed: One has more parts than anybody sends.
        """
        wanted = key.encode()
        return [value for text in texts for name, value in self.split(text) if name == wanted]

    def split(self, value: bytes) -> list[tuple[bytes, bytes]]:
        """Return the parts that are pairs.

        Raises:
            SignatureMalformed: There are more parts than anybody sends.
        """
        parts = value.split(self.separator.encode(), MOST_PARTS)
        if len(parts) > MOST_PARTS:
            message = f"The signature has more than {MOST_PARTS} parts."
            raise SignatureMalformed(message)
        pairs = (part.strip(_BLANKS).partition(self.pair.encode()) for part in parts)
        return [(key, text) for key, pair, text in pairs if pair]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureField:
    """Where a request's signatures are, and how they are written.

    Attributes:
        sources: Where they may be; all that are present count, and of a numbered header every number.
        parts: How several share one header, or None.
        prefix: What stands before each: ``sha256=``.
        prefix_optional: Whether it may be left out.
        encoding: ``hex``, ``base64``, ``base64url`` or ``auto``, which tells them by their length.
    """

    sources: tuple[Template, ...]
    parts: PartsList | None = None
    prefix: str = ""
    prefix_optional: bool = False
    encoding: str = "hex"

    def read_values(self, view: RequestView) -> list[bytes]:
        """Return the raw texts of the sources that are present.

        Raises:
            SignatureMissing: There is none, or it is blank.
            SignatureMalformed: One is there twice.
        """
        values: list[bytes] = []
        for source in self.sources:
            if source.is_numbered:
                values += [value for value in read_values(source, view) if value and value.strip(_BLANKS)]
                continue
            value = read_or_refuse(source, view, SignatureMalformed)
            if value and value.strip(_BLANKS):
                values.append(value)
        if not values:
            message = f"The request carries no signature: looked at {', '.join(map(str, self.sources))}."
            raise SignatureMissing(message)
        return values

    def candidates(self, values: list[bytes], *, digest_size: int | None) -> list[bytes]:
        """Return the digests that *values* claim, of *digest_size* bytes or, where it is None, of any.

        Raises:
            SignatureMalformed: None is in the documented form, or there are too many parts.
        """
        if self.parts is not None:
            values = self.parts.values_of(values, self.parts.key)
            if not values:
                message = f"The signature's list has no part {self.parts.key!r}."
                raise SignatureMalformed(message)
        texts = [text for value in values if (text := self._without_prefix(value)) is not None]
        if not texts:
            message = f"The signature does not begin with {self.prefix!r}."
            raise SignatureMalformed(message)
        decode = DECODERS[self.encoding]
        decoded = (decode(text, digest_size) for text in texts[:MOST_CANDIDATES])
        return [digest for digest in decoded if digest is not None]

    def write(self, digest: bytes, *, timestamp_part: tuple[str, str] | None = None) -> str:
        """Return the text that carries *digest*, as the provider would write it."""
        encoding = "hex" if self.encoding == "auto" else self.encoding
        text = self.prefix + ENCODERS[encoding](digest).decode()
        if self.parts is not None:
            named = [*([timestamp_part] if timestamp_part else []), (self.parts.key, text)]
            text = self.parts.separator.join(f"{key}{self.parts.pair}{value}" for key, value in named)
        return text

    def _without_prefix(self, value: bytes) -> bytes | None:
        value = value.strip(_BLANKS)
        prefix = self.prefix.encode()
        if not value.startswith(prefix) and not self.prefix_optional:
            return None
        return value.removeprefix(prefix).strip(_BLANKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestampField:
    """Where a request's signed time is, and how old it may be.

    Attributes:
        source: Where it is, unless it is a part of the signature's list.
        part: The key of that part.
        unit: A key of ``timestamps.UNITS``.
        tolerance: How old it may be; zero means this very second.
        future: How far ahead it may be, for clocks that differ.
    """

    source: Template | None = None
    part: str | None = None
    unit: str = "s"
    tolerance: timedelta = timedelta(seconds=300)
    future: timedelta = timedelta(seconds=300)

    def read(
        self, view: RequestView, signature: SignatureField, values: list[bytes]
    ) -> tuple[bytes, datetime]:
        """Return the time as text and as a moment.

        Raises:
            TimestampMissing: It is absent or blank.
            TimestampMalformed: It is there twice, or not in the documented form.
        """
        text = self._text(view, signature, values)
        if not text:
            message = f"The request carries no signed time: looked at {self.source or self.part}."
            raise TimestampMissing(message)
        moment = parse_timestamp(text, self.unit)
        if moment is None:
            message = f"The request's signed time is not of the unit {self.unit!r}."
            raise TimestampMalformed(message)
        return text, moment

    def judge(self, moment: datetime, *, now: datetime) -> None:
        """Return if *moment* lies in the window.

        Raises:
            TimestampTooOld: It is older than ``tolerance``.
            TimestampInFuture: It is further ahead than ``future``.
        """
        age = now - moment
        if age > self.tolerance:
            found, allowed = age // _SECOND, self.tolerance // _SECOND
            message = f"The request was signed {found} s ago; {allowed} s are allowed."
            raise TimestampTooOld(message)
        if -age > self.future:
            found, allowed = -age // _SECOND, self.future // _SECOND
            message = f"The request was signed {found} s ahead of our clock; {allowed} s are allowed."
            raise TimestampInFuture(message)

    def write(self, now: datetime) -> str:
        """Return *now* as the provider writes it."""
        return format_timestamp(now, self.unit)

    def _text(self, view: RequestView, signature: SignatureField, values: list[bytes]) -> bytes | None:
        if self.source is not None:
            return read_or_refuse(self.source, view, TimestampMalformed)
        if self.part is None or signature.parts is None:
            return None
        found = signature.parts.values_of(values, self.part)
        if len(found) > 1:
            message = f"The signature's list has the part {self.part!r} more than once."
            raise TimestampMalformed(message)
        return found[0] if found else None


_SECOND = timedelta(seconds=1)


def read_or_refuse(template: Template, view: RequestView, refusal: type[VerificationFailed]) -> bytes | None:
    """Render *template* while a request is not yet believed: what cannot be read does not verify.

    Raises:
        VerificationFailed: As *refusal*, where something is there twice or cannot be parsed.
    """
    try:
        return template.render(view)
    except MalformedRequest as error:
        raise refusal(str(error)) from error


def read_values(source: Template, view: RequestView) -> Sequence[bytes | None]:
    """Return every value that *source* reads while a request is not yet believed.

    Raises:
        SignatureMalformed: Something is there twice or cannot be parsed.
    """
    try:
        return source.values(view)
    except MalformedRequest as error:
        raise SignatureMalformed(str(error)) from error


def _hex(text: bytes, digest_size: int | None) -> bytes | None:
    if digest_size is None:
        digest_size = min(len(text) // 2, LONGEST_SIGNATURE)
    try:
        return binascii.unhexlify(text) if len(text) == 2 * digest_size else None
    except binascii.Error:
        return None


def _base64(text: bytes, digest_size: int | None) -> bytes | None:
    if len(text) > 4 * (digest_size or LONGEST_SIGNATURE):
        return None
    try:
        digest = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return None
    # the last letter's unused bits may be anything: only the canonical one is the signature
    return digest if b64encode(digest) == text else None


def _base64url(text: bytes, digest_size: int | None) -> bytes | None:
    if b"+" in text or b"/" in text:
        return None
    text = text.rstrip(b"=").translate(_FROM_URL_ALPHABET)
    return _base64(text + b"=" * (-len(text) % 4), digest_size)


def _auto(text: bytes, digest_size: int | None) -> bytes | None:
    if digest_size is None or len(text) == 2 * digest_size:
        digest = _hex(text, digest_size)
        if digest is not None or digest_size is not None:
            return digest
    return _base64(text, digest_size) or _base64url(text, digest_size)


_FROM_URL_ALPHABET = bytes.maketrans(b"-_", b"+/")
_TO_URL_ALPHABET = bytes.maketrans(b"+/", b"-_")

DECODERS: Mapping[str, Callable[[bytes, int | None], bytes | None]] = {
    "hex": _hex,
    "base64": _base64,
    "base64url": _base64url,
    "auto": _auto,
}
ENCODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "hex": binascii.hexlify,
    "base64": b64encode,
    "base64url": lambda digest: b64encode(digest).translate(_TO_URL_ALPHABET).rstrip(b"="),
}
