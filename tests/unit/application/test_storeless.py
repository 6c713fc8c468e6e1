"""An application without a store fetches the keys that providers publish, as one with a store does."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from jwt.algorithms import RSAAlgorithm

from smart_api_integrations.application import storeless
from smart_api_integrations.application.storeless import storeless_gateway
from smart_api_integrations.core.outbound_request import Answer
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.errors import DeliveryError
from smart_api_integrations.providers.catalogue import load_catalogue, load_definitions
from smart_api_integrations.providers.made_secrets import key_pair, made_signer, make_secrets, new_pair
from smart_api_integrations.providers.samples import known_events, signed_request
from smart_api_integrations.settings import Settings

PROVIDER = "google_pubsub"


@pytest.fixture
def source():
    definitions = [each for key, each in load_definitions(None).items() if key[0] == PROVIDER]
    environ = make_secrets(definitions, {}, secret="unused")
    return load_catalogue(providers_dir=None, environ=environ)


class Address:
    """The provider's address, with the public half of the key that signs here."""

    def __init__(self, catalogue) -> None:
        scheme = catalogue.source(PROVIDER).webhook.scheme
        algorithm = scheme.address.algorithms[0]
        public = load_der_public_key(key_pair(algorithm).public)
        assert isinstance(public, RSAPublicKey)
        self.keys = {"keys": [json.loads(RSAAlgorithm.to_jwk(public)) | {"kid": "1", "use": "sig"}]}
        self.asked: list[str] = []
        self.is_away = False

    async def send(self, request, *, timeout):  # noqa: ASYNC109
        self.asked.append(request.url)
        if self.is_away:
            raise DeliveryError("no answer", code="timeout")  # noqa: EM101, TRY003 - the network's words
        return Answer(status=200, headers={}, body=json.dumps(self.keys).encode())


@pytest.fixture
def address(source, monkeypatch) -> Address:
    get_webhook_registry().clear()
    made = Address(source)
    monkeypatch.setattr(storeless, "_LateClient", lambda _settings: made)
    return made


async def send(gateway, catalogue, number: int, *, secret: str | None = None):
    source = catalogue.source(PROVIDER)
    request = signed_request(
        source,
        known_events(source)[0],
        now=datetime.now(UTC),
        delivery_id=f"delivery-{number}",
        secret=secret or made_signer(source),
    )
    return await gateway.accept_whole(request, PROVIDER, received=tuple(request.headers.items()))


async def test_a_published_key_is_fetched_once_and_believed(source, address) -> None:
    gateway = storeless_gateway(Settings(), source)

    answers = [await send(gateway, source, number) for number in range(2)]
    forged = await send(gateway, source, 3, secret=new_pair("rsa-pkcs1-sha256").private)

    assert [answer.status for answer in answers] == [204, 204]  # what Pub/Sub wants
    assert len(address.asked) == 1
    assert forged.status == 401


async def test_a_key_that_cannot_be_fetched_is_503_and_asked_for_again(source, address) -> None:
    gateway = storeless_gateway(Settings(), source)
    address.is_away = True

    away = await send(gateway, source, 1)
    address.is_away = False
    back = await send(gateway, source, 1)

    assert (away.status, back.status) == (503, 204)
