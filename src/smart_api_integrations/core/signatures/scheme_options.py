"""From a ``verification:`` block to its scheme, and to what it needs. Floor 1.

The blocks' shape and words are checked before (``providers.verification_yaml``); here stand the defaults,
and what one word demands of another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from smart_api_integrations.core.conditions import ALWAYS, Condition, compile_condition
from smart_api_integrations.core.signatures.asymmetric_scheme import AsymmetricMathematics
from smart_api_integrations.core.signatures.composite_scheme import AllOfScheme, AnyOfScheme, Way
from smart_api_integrations.core.signatures.described_scheme import DescribedScheme, Mathematics
from smart_api_integrations.core.signatures.fetched_keys import FORMS, FetchedKeyScheme
from smart_api_integrations.core.signatures.hmac_scheme import HmacMathematics
from smart_api_integrations.core.signatures.jwt_scheme import KEY_ALGORITHMS, SECRET_ALGORITHMS, JwtScheme
from smart_api_integrations.core.signatures.key_options import key_address
from smart_api_integrations.core.signatures.needs import Needs, named_variables
from smart_api_integrations.core.signatures.none_scheme import NoneScheme
from smart_api_integrations.core.signatures.scheme import Scheme
from smart_api_integrations.core.signatures.secrets import SecretForm
from smart_api_integrations.core.signatures.signature_field import PartsList, SignatureField, TimestampField
from smart_api_integrations.core.signatures.signed_text import AlgorithmChoice, SignedText
from smart_api_integrations.core.signatures.token_scheme import TokenScheme
from smart_api_integrations.core.signatures.verifier_scheme import GENERIC_SIGNATURE, VerifierScheme
from smart_api_integrations.core.templates import Template, compile_template
from smart_api_integrations.errors import ConfigurationError

DEFAULT_TOLERANCE = 300
"""Seconds; what Stripe, Slack and Standard Webhooks document."""

DEFAULT_LEEWAY = 60
"""Seconds by which a token's clock and ours may differ."""

Options = Mapping[str, Any]
SAMPLE_KEY_ID = "sample"
_KEYLESS = ("none", "custom")
_BY_KEY_PAIR = ("asymmetric", "jwt")


def compile_verification(options: Options, *, part: str = "") -> Scheme:
    """Make the scheme that a ``verification:`` block describes.

    *part* marks the secrets that are the scheme's, where it is one way of several.

    Raises:
        ConfigurationError: A template in it is wrong, or two of its words contradict each other.
    """
    for word, make in _COMPOSITES.items():
        if options.get(word):
            return make(_ways(word, options[word], part))
    scheme = SCHEMES[options["scheme"]](options)
    address = None if options["scheme"] not in _BY_KEY_PAIR else key_address(options.get("key") or {})
    if address is None:
        return scheme
    if part or not isinstance(scheme, (DescribedScheme, JwtScheme)):
        message = "verification.key: a key that is fetched stands alone, not in any_of or all_of."
        raise ConfigurationError(message)
    algorithms = _algorithms(options)
    if not algorithms:
        message = "verification.algorithms must name the algorithm where the key is fetched."
        raise ConfigurationError(message)
    if address.post and isinstance(scheme, JwtScheme):  # a key is asked for by its name, so a token has one
        scheme = replace(scheme, signs_as=SAMPLE_KEY_ID)
    return FetchedKeyScheme(scheme=scheme, address=replace(address, algorithms=algorithms))


def verification_needs(options: Options, *, part: str = "") -> Needs:
    """Return what the block needs from the environment.

    Raises:
        ConfigurationError: A scheme that needs a secret names none.
    """
    for word in _COMPOSITES:
        if options.get(word):
            ways = tuple(
                verification_needs(each, part=_part(part, place)) for place, each in enumerate(options[word])
            )
            return Needs(ways=ways, any_of=word == "any_of")
    variables = tuple(dict.fromkeys(name for name, needed in named_variables(options) if needed))
    return Needs(form=_secret_form(options, part), variables=variables)


def hmac_scheme(options: Options) -> DescribedScheme:
    """Make the HMAC scheme that *options* describe.

    Raises:
        ConfigurationError: A template in it is wrong, or the signed time is nowhere.
    """
    return _described(options, HmacMathematics(), default="sha256")


def asymmetric_scheme(options: Options) -> DescribedScheme:
    """Make the public-key scheme that *options* describe.

    Raises:
        ConfigurationError: It names no algorithm, a template is wrong, or the signed time is nowhere.
    """
    return _described(options, AsymmetricMathematics(), default=None)


def token_scheme(options: Options) -> TokenScheme:
    """Make the scheme that compares a token.

    Raises:
        ConfigurationError: A template in it is wrong.
    """
    named = options.get("from") or "{header:Authorization}"
    return TokenScheme(
        sources=tuple(compile_template(text) for text in ([named] if isinstance(named, str) else named)),
        prefix=options.get("prefix", ""),
        prefix_optional=options.get("prefix_optional", False),
        basic=options.get("basic", False),
        require=_condition(options.get("require")),
    )


def jwt_scheme(options: Options) -> JwtScheme:
    """Make the scheme that reads a token.

    Raises:
        ConfigurationError: A template in it is wrong, or its algorithms are unknown or of two kinds.
    """
    max_age = options.get("max_age")
    return JwtScheme(
        source=compile_template(options.get("from", "{header:Authorization}")),
        prefix=options.get("prefix", "Bearer "),
        prefix_optional=options.get("prefix_optional", False),
        algorithms=_token_algorithms(options),
        issuer=_several(options.get("issuer")),
        audience=_several(options.get("audience")),
        claims={
            name: value if isinstance(value, bool) else _several(value)[0]
            for name, value in options.get("claims", {}).items()
        },
        leeway=timedelta(seconds=options.get("leeway", DEFAULT_LEEWAY)),
        max_age=None if max_age is None else timedelta(seconds=max_age),
        require=_condition(options.get("require")),
    )


def none_scheme(options: Options) -> NoneScheme:  # noqa: ARG001 - every entry of SCHEMES is called alike
    """Make the scheme that believes everything."""
    return NoneScheme()


def verifier_scheme(options: Options) -> VerifierScheme:
    """Make the scheme that waits for a verifier.

    Raises:
        ConfigurationError: A template in it is wrong.
    """
    return VerifierScheme(signature=signature_sources(options.get("signature", {}))[0])


SCHEMES: Mapping[str, Callable[[Options], Scheme]] = {
    "hmac": hmac_scheme,
    "token": token_scheme,
    "asymmetric": asymmetric_scheme,
    "jwt": jwt_scheme,
    "none": none_scheme,
    "custom": verifier_scheme,
}
_COMPOSITES: Mapping[str, Callable[[tuple[Way, ...]], Scheme]] = {
    "any_of": lambda ways: AnyOfScheme(ways=ways),
    "all_of": lambda ways: AllOfScheme(ways=ways),
}


def signature_sources(options: Options) -> tuple[Template, ...]:
    """Return where the ``signature:`` block says that signatures are; the generic headers by default.

    Raises:
        ConfigurationError: A template in it is wrong.
    """
    named = options.get("from") or [GENERIC_SIGNATURE.source]
    return tuple(compile_template(text) for text in ([named] if isinstance(named, str) else named))


def _part(part: str, place: int) -> str:
    return f"{part}.{place}" if part else str(place)


def _ways(word: str, blocks: list[Options], part: str) -> tuple[Way, ...]:
    if any(block.get("scheme") == "none" for block in blocks):
        message = f"verification.{word} holds scheme none: then nothing would be verified; take it out."
        raise ConfigurationError(message)
    return tuple(
        Way(
            part=_part(part, place),
            scheme=compile_verification(block, part=_part(part, place)),
            keyed=block.get("scheme") not in _KEYLESS,
        )
        for place, block in enumerate(blocks)
    )


def _secret_form(options: Options, part: str) -> SecretForm | None:
    scheme = options["scheme"]
    if scheme == "none":
        return None
    is_key = scheme == "asymmetric" or (scheme == "jwt" and bool(options.get("key")))
    block = options.get("key" if is_key else "secret", {})
    names = block.get("env")
    if not names:
        if scheme == "custom" or (is_key and FORMS.keys() & block.keys()):
            return None
        message = (
            "it names no key: add `key: {env: NAME}` with the variable that holds it."
            if is_key
            else "it names no secret: add `signing_secret_env: NAME` with the variable that holds it."
        )
        raise ConfigurationError(message)
    return SecretForm(
        names=(names,) if isinstance(names, str) else tuple(names),
        prefix=block.get("prefix", ""),
        encoding=block.get("encoding", "pem" if is_key else "utf8"),
        algorithms=_algorithms(options) if is_key else (),
        takes_pem=scheme == "jwt" and not options.get("algorithms"),
        part=part,
    )


def _token_algorithms(options: Options) -> tuple[str, ...]:
    named = tuple(options.get("algorithms", ()))
    for name in named:
        if name not in SECRET_ALGORITHMS and name not in KEY_ALGORITHMS:
            known = ", ".join((*SECRET_ALGORITHMS, *KEY_ALGORITHMS))
            message = f"verification.algorithms: {name!r} is none of {known}."
            raise ConfigurationError(message)
    of_keys = [name in KEY_ALGORITHMS for name in named]
    if any(of_keys) and not all(of_keys):
        message = "verification.algorithms are of a shared secret and of key pairs: name one kind, not both."
        raise ConfigurationError(message)
    if any(of_keys) and not options.get("key"):
        message = f"verification.algorithms: {named[0]} takes a public key: add `key: {{env: NAME}}`."
        raise ConfigurationError(message)
    return named


def _several(options: Any) -> tuple[Template, ...]:
    """Return the templates of a text, a variable or a list of these."""
    values = options if isinstance(options, list) else [] if options is None else [options]
    return tuple(
        compile_template(f"{{env:{each['env']}}}" if isinstance(each, Mapping) else str(each))
        for each in values
    )


def _algorithms(options: Options) -> tuple[str, ...]:
    if options["scheme"] == "jwt":
        return tuple(KEY_ALGORITHMS[name] for name in _token_algorithms(options))
    named = options.get("algorithm", ())
    if isinstance(named, str):
        return (named,)
    return tuple(_allowed(named).values()) if named else ()


def _described(options: Options, mathematics: Mathematics, *, default: str | None) -> DescribedScheme:
    timestamp = options.get("timestamp") or {}
    if timestamp.get("part") and not options.get("signature", {}).get("list"):
        message = (
            "verification.timestamp.part is a part of signature.list, which is not there: describe the list."
        )
        raise ConfigurationError(message)
    named = options.get("algorithm", default)
    choice = None if named is None or isinstance(named, str) else _choice(named)
    algorithm = named if choice is None else choice.default or next(iter(choice.allowed.values()))
    _check_algorithms(mathematics, [algorithm, *(choice.allowed.values() if choice else ())])
    return DescribedScheme(
        mathematics=mathematics,
        algorithm=algorithm,
        choice=choice,
        signature=_signature_field(options.get("signature", {})),
        timestamp=_timestamp_field(timestamp) if timestamp else None,
        id=_template(options.get("id")),
        signed=_signed_texts(options.get("signed", "{body}")),
        url_variants=tuple(options.get("url_variants", ())),
        require=_condition(options.get("require")),
    )


def _check_algorithms(mathematics: Mathematics, named: list[Any]) -> None:
    for algorithm in named:
        if algorithm not in mathematics.sizes:
            known = ", ".join(mathematics.sizes)
            found = "none" if algorithm is None else repr(algorithm)
            message = (
                f"verification.algorithm: found {found}; of scheme {mathematics.name} there are {known}."
            )
            raise ConfigurationError(message)


def _choice(options: Options) -> AlgorithmChoice:
    parts = options.get("list")
    return AlgorithmChoice(
        source=compile_template(options["from"]),
        parts=None if parts is None else PartsList(**parts),
        allowed=_allowed(options),
        default=options.get("default"),
    )


def _allowed(options: Options) -> Mapping[str, str]:
    allow = options["allow"]
    return allow if isinstance(allow, Mapping) else {word: word for word in allow}


def _signed_texts(options: Any) -> tuple[SignedText, ...]:
    if isinstance(options, str):
        return (SignedText(template=compile_template(options)),)
    return tuple(
        SignedText(
            template=compile_template(each["template"]),
            when=_condition(each.get("when")),
            require=_condition(each.get("require")),
        )
        for each in options
    )


def _signature_field(options: Options) -> SignatureField:
    parts = options.get("list")
    return SignatureField(
        sources=signature_sources(options),
        parts=None if parts is None else PartsList(**parts),
        prefix=options.get("prefix", ""),
        prefix_optional=options.get("prefix_optional", False),
        encoding=options.get("encoding", "hex"),
    )


def _timestamp_field(options: Options) -> TimestampField:
    tolerance = options.get("tolerance", DEFAULT_TOLERANCE)
    if not options.get("from") and not options.get("part"):
        message = "verification.timestamp says neither 'from' nor 'part': name the header of the signed time."
        raise ConfigurationError(message)
    return TimestampField(
        source=_template(options.get("from")),
        part=options.get("part"),
        unit=options.get("unit", "s"),
        tolerance=timedelta(seconds=tolerance),
        future=timedelta(seconds=options.get("future", min(tolerance, DEFAULT_TOLERANCE))),
    )


def _condition(options: Options | None) -> Condition:
    return ALWAYS if options is None else compile_condition(options)


def _template(source: str | None) -> Template | None:
    return None if source is None else compile_template(source)
