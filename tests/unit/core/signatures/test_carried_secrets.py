"""Promises about which parameters of a query are the secret itself."""

from __future__ import annotations

import pytest

from smart_api_integrations.core.signatures import SCHEMES
from smart_api_integrations.core.signatures.carried_secrets import secret_parameters

IN_QUERY = {"scheme": "token", "from": ["{header:X-Token}", "{query:code}", "{query:access_token}"]}
IN_HEADER = {"scheme": "token", "from": "{header:X-Token}"}
SIGNED = {"scheme": "hmac", "signature": {"from": "{query:sig}"}}


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (IN_QUERY, {"code", "access_token"}),
        (IN_HEADER, set()),
        (SIGNED, set()),  # a signature proves a secret and is none
    ],
)
def test_what_a_token_is_read_from_is_named(options, names):
    scheme = SCHEMES[options["scheme"]](options)

    assert secret_parameters(scheme) == names
