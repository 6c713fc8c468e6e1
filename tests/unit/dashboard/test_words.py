"""Every state has its word, tone and icon; names are what people call things."""

from datetime import UTC, datetime

import pytest

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.dashboard.icons import Icons, read_symbols
from smart_api_integrations.dashboard.views import words


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_drawn_with_a_word_and_an_icon(state):
    badge = words.STATES[state]

    assert badge.word
    assert badge.icon in read_symbols()


@pytest.mark.parametrize(
    ("provider", "name", "title", "mark"),
    [
        ("github", "default", "GitHub", "GH"),
        ("stripe", "default", "Stripe", "St"),
        ("github", "deploys", "GitHub / deploys", "GH"),
        ("standard_webhooks", "default", "Standard Webhooks", "SW"),
        ("-", "-", "Unknown address", "?"),
    ],
)
def test_a_source_has_a_name_and_a_monogram(provider, name, title, mark):
    source = words.source(provider, name)

    assert (source.title, source.mark) == (title, mark)


def test_a_handler_is_called_by_its_function():
    assert words.handler("github:default:shop.hooks.on_push") == "shop.hooks.on_push"
    assert words.handler("on_push") == "on_push"


def test_an_endpoint_is_called_by_its_masked_address():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    endpoint = Endpoint(
        id="ep_1",
        url="https://u:p@example.com/in?k=v",
        events=("*",),
        secret="s",
        created_at=now,
        updated_at=now,
    )

    assert words.address(endpoint) == "example.com/in?k=••••"
    assert words.address(None) == "an endpoint that was deleted"


def test_an_event_is_called_by_type_and_action():
    assert words.event_name("pull_request", "opened") == "pull_request.opened"
    assert words.event_name("push") == "push"
    assert words.event_name(None) == "no type"


def test_a_page_carries_the_symbols_it_uses_and_no_others():
    icons = Icons(read_symbols())

    drawn = icons.draw("ok", "i-ok")

    assert 'class="icon i-ok"' in drawn
    assert icons.sprite().count("<symbol") == 1


def test_an_icon_that_is_not_there_is_a_fault():
    with pytest.raises(KeyError):
        Icons(read_symbols()).draw("nothing")
