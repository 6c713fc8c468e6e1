"""An answer that cannot be sent is its handler's failure: the provider's repeat runs it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.application.storeless import storeless_gateway
from smart_api_integrations.core.journal import AttemptStatus
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.core.webhook_schema import WebhookEvent, WebhookResponse
from smart_api_integrations.providers.catalogue import load_catalogue
from smart_api_integrations.receive.gateway import Gateway
from smart_api_integrations.settings import Settings
from tests.github_requests import SECRET, incoming
from tests.journal_scenes import open_platform


def circle() -> dict[str, Any]:
    ring: dict[str, Any] = {}
    ring["ring"] = ring
    return ring


UNSENDABLE: dict[str, Callable[[], Any]] = {
    "a header with a line end": lambda: WebhookResponse(headers={"X-Ref": "a\r\nSet-Cookie: b"}),
    "no status": lambda: WebhookResponse(status_code=700),
    "data that is no JSON": lambda: {"keys": {(1, 2): 3}},
    "data in a circle": circle,
}


class Runs:
    """A handler that answers with what cannot be sent, and from its second run on with what can."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make
        self.count = 0

    def __call__(self, event: WebhookEvent) -> Any:
        self.count += 1
        return self.make() if self.count == 1 else {"run": self.count}


@pytest.fixture(autouse=True)
def _no_handlers() -> None:
    get_webhook_registry().clear()


@pytest.fixture
async def platform(tmp_path):
    folder = tmp_path / "none" / "github"
    folder.mkdir(parents=True)
    (folder / "webhook.yaml").write_text("webhooks: {default: {mode: inline}}")
    async with open_platform(tmp_path) as opened:
        yield opened


@pytest.fixture(params=["store", "no store"])
def gateway(request, platform: Platform) -> Gateway:
    if request.param == "store":
        return platform.gateway
    catalogue = load_catalogue(providers_dir=None, environ={"GITHUB_WEBHOOK_SECRET": SECRET})
    return storeless_gateway(Settings(), catalogue)


@pytest.mark.parametrize("how", UNSENDABLE)
async def test_the_providers_repeat_runs_the_handler_again(gateway: Gateway, how: str):
    runs, other = Runs(UNSENDABLE[how]), Runs(lambda: None)
    processor = get_webhook_registry().create_processor("github")
    processor.add("push", other, name="other")
    processor.add("push", runs, name="answers")

    first = await gateway.accept(incoming(), "github")
    second = await gateway.accept(incoming(), "github")
    third = await gateway.accept(incoming(), "github")

    assert [each.status for each in (first, second, third)] == [500, 200, 200]
    assert b'"run": 2' in second.body
    assert runs.count == 2
    assert other.count == 1  # what completed is not run again


async def test_it_is_recorded_as_a_failure_that_says_what_is_wrong(platform: Platform):
    answers = Runs(UNSENDABLE["a header with a line end"])
    get_webhook_registry().create_processor("github").add("push", answers, name="answers")

    await platform.gateway.accept(incoming(), "github")

    (kept,) = await platform.journal.events.summaries()
    trace = await platform.journal.events.trace(kept.id)
    assert trace is not None
    (handling,) = trace.handlings
    (attempt,) = trace.attempts
    assert handling.state is State.FAILED
    assert (attempt.status, attempt.error_code) == (AttemptStatus.FAILED, "unsendable_answer")
    said = "the value of its header X-Ref is not text of printable Latin-1 characters."
    assert attempt.error_message == f"Its answer cannot be sent: {said}"


async def test_what_it_would_have_published_is_not_published(platform: Platform):
    def answers(event: WebhookEvent) -> Any:
        return WebhookResponse(status_code=700, data={"events": [{"type": "order.paid", "data": {}}]})

    get_webhook_registry().create_processor("github").add("push", answers, name="answers")

    await platform.gateway.accept(incoming(), "github")

    assert await platform.journal.messages.messages() == []


async def test_an_unsendable_answer_of_a_middleware_leaves_the_handlers_to_the_repeat(gateway: Gateway):
    stops, runs = Runs(UNSENDABLE["no status"]), Runs(lambda: None)
    processor = get_webhook_registry().create_processor("github")
    processor.use(lambda event: stops(event) if stops.count == 0 else None)
    processor.add("push", runs, name="answers")

    first = await gateway.accept(incoming(), "github")
    second = await gateway.accept(incoming(), "github")

    assert [first.status, second.status] == [500, 200]
    assert runs.count == 1
