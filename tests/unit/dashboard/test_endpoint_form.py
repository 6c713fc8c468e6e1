from datetime import UTC, datetime, timedelta

import pytest

from smart_api_integrations.core.credentials import Credentials
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.retry_schedule import RetrySchedule
from smart_api_integrations.dashboard.endpoint_form import EMPTY, fields_of, read_endpoint
from smart_api_integrations.errors import InvalidInput

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEPT = Endpoint(
    id="ep_1",
    url="https://example.com/hook",
    events=("order.*", "invoice.paid"),
    secret="whsec_x",
    auth=Credentials(kind="basic", username="mira", secret="pass"),
    filter="data.total > 3",
    retry_schedule=RetrySchedule(waits=(timedelta(seconds=5), timedelta(hours=2)), jitter=0.2),
    rate_limit=2.5,
    concurrency=4,
    headers={"X-Api-Key": "very-secret", "X-Team": "orders"},
    created_at=NOW,
    updated_at=NOW,
)


def form(**fields):
    return dict(EMPTY) | {"url": "https://example.com/hook", "events": "order.*, *"} | fields


def test_an_empty_field_is_as_if_it_had_not_been_said():
    assert read_endpoint(form()) == {
        "url": "https://example.com/hook",
        "events": ["order.*", "*"],
        "description": "",
        "filter": None,
        "transformation": None,
        "rate_limit": None,
        "concurrency": None,
        "headers": {},
        "auth": None,
    }


def test_every_field_is_read():
    values = read_endpoint(
        form(
            secret=" whsec_abc ",
            schedule="5s, 1min 2h 1d 7",
            timeout="10",
            rate_limit="2.5",
            concurrency="3",
            headers="X-Team: a: b\n\nX-Env:test",
            auth="bearer",
            credential="token",
        )
    )

    assert values["secret"] == "whsec_abc"
    assert values["retry_schedule"] == [5.0, 60.0, 7200.0, 86400.0, 7.0]
    assert (values["timeout"], values["rate_limit"], values["concurrency"]) == (10.0, 2.5, 3)
    assert values["headers"] == {"X-Team": "a: b", "X-Env": "test"}
    assert values["auth"] == {"type": "bearer", "token": "token"}


def test_a_user_and_a_password_are_read():
    values = read_endpoint(form(auth="basic", username="mira", credential="pass"))

    assert values["auth"] == {"type": "basic", "username": "mira", "password": "pass"}


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("schedule", "5s soon", "schedule: found 'soon'"),
        ("timeout", "long", "timeout: found 'long'"),
        ("concurrency", "1.5", "concurrency: found '1.5'"),
        ("rate_limit", "x", "rate_limit: found 'x'"),
        ("headers", "no colon", "headers: found 'no colon'"),
    ],
)
def test_what_cannot_be_read_is_named(field, text, said):
    with pytest.raises(InvalidInput, match=said):
        read_endpoint(form(**{field: text}))


def test_what_is_secret_is_masked_and_stays_as_it_was():
    fields = fields_of(KEPT)

    assert "very-secret" not in str(fields)
    assert "pass" not in fields.values()
    assert fields["schedule"] == "5s 2h"
    changes = read_endpoint(fields, KEPT)
    assert changes["headers"] == KEPT.headers
    assert "auth" not in changes
    assert "secret" not in changes
    assert "url" not in changes
    assert changes["retry_schedule"] == [5.0, 7200.0]


def test_what_is_emptied_is_taken_away():
    fields = fields_of(KEPT) | {"schedule": "", "filter": "", "rate_limit": "", "auth": "", "headers": ""}

    changes = read_endpoint(fields, KEPT)

    assert (changes["retry_schedule"], changes["filter"], changes["rate_limit"]) == (None, None, None)
    assert (changes["auth"], changes["headers"]) == (None, {})


def test_another_url_is_judged_again():
    assert read_endpoint(fields_of(KEPT) | {"url": "https://b.example"}, KEPT)["url"] == "https://b.example"
