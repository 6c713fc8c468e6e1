"""Which parts of a request's query are the secret itself. Floor 1."""

from __future__ import annotations

from smart_api_integrations.core.signatures.composite_scheme import AllOfScheme, AnyOfScheme
from smart_api_integrations.core.signatures.scheme import Scheme
from smart_api_integrations.core.signatures.token_scheme import TokenScheme


def secret_parameters(scheme: Scheme) -> frozenset[str]:
    """Return the names of the query's parameters that *scheme* reads a token from; they are never shown."""
    if isinstance(scheme, TokenScheme):
        references = (reference for source in scheme.sources for reference in source.references)
        return frozenset(reference.argument for reference in references if reference.kind == "query")
    if isinstance(scheme, (AnyOfScheme, AllOfScheme)):
        return frozenset().union(*(secret_parameters(way.scheme) for way in scheme.ways))
    return frozenset()
