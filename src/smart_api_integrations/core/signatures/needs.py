"""What a webhook needs from the environment before it can verify anything. Floor 1.

``all_of`` needs what each of its ways needs; ``any_of`` is satisfied by one way, and the other ways then
verify nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from smart_api_integrations.core.signatures.secrets import Secret, SecretForm
from smart_api_integrations.core.templates import compile_template
from smart_api_integrations.errors import SecretMissing


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The secrets and variables of one way of verifying, or of several.

    Attributes:
        form: Its secrets; None where it needs none.
        variables: What its templates cannot do without.
        ways: The ways inside it.
        any_of: Whether one of them is enough.
    """

    form: SecretForm | None = None
    variables: tuple[str, ...] = ()
    ways: tuple[Needs, ...] = ()
    any_of: bool = False

    @property
    def forms(self) -> tuple[SecretForm, ...]:
        """The forms of every way, the first way's first."""
        own = () if self.form is None else (self.form,)
        return own + tuple(form for way in self.ways for form in way.forms)

    def missing(self, environ: Mapping[str, str]) -> str | None:
        """Return the first variable without which nothing can verify, or None where all is there.

        Raises:
            SecretMissing: A variable is set but blank.
        """
        if self.form is not None and not any(name in environ for name in self.form.names):
            return self.form.names[0]
        for name in self.variables:
            if not environ.get(name, "unset").strip():
                message = f"{name} is empty: set it, or unset it."
                raise SecretMissing(message)
            if name not in environ:
                return name
        return self._missing_in_ways(environ)

    def _missing_in_ways(self, environ: Mapping[str, str]) -> str | None:
        found = [way.missing(environ) for way in self.ways]
        if self.any_of and None in found:
            return None
        return next((name for name in found if name is not None), None)

    def read(self, environ: Mapping[str, str]) -> tuple[Secret, ...]:
        """Return every way's secrets; a way that lacks something has none.

        Raises:
            SecretMissing: A variable is set but blank, or still a placeholder.
            ConfigurationError: A secret is not in the encoding that the provider documents.
        """
        own = () if self.form is None else self.form.read(environ)
        ready = [way for way in self.ways if way.missing(environ) is None]
        return own + tuple(secret for way in ready for secret in way.read(environ))


def named_variables(block: Any) -> Iterator[tuple[str, bool]]:
    """Yield the variables that the templates in *block* read, and whether they are needed.

    A variable is written ``{env:NAME}`` in a text, or ``{env: NAME}`` where a value belongs. Where a secret
    is (``secret:``, ``key: {env: …}``) is not among them.
    """
    if isinstance(block, str):
        yield from _in_template(block)
    elif isinstance(block, list):
        for each in block:
            yield from named_variables(each)
    elif isinstance(block, Mapping):
        if set(block) == {"env"}:
            yield str(block["env"]), True
            return
        for key, value in block.items():
            if key == "key" and isinstance(value, Mapping):
                written = {word: each for word, each in value.items() if word not in {"env", "post"}}
                yield from named_variables([written, *value.get("post", {}).values()])
            elif key not in {"secret", "key", "any_of", "all_of"}:
                yield from named_variables(key)
                yield from named_variables(value)


def _in_template(text: str) -> Iterator[tuple[str, bool]]:
    if "{" not in text:
        return
    template = compile_template(text)
    for reference in template.references:
        if reference.kind == "env":
            yield reference.argument, reference.argument in template.variables
