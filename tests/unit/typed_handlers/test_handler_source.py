"""A typed handler class is a file that imports, registers and is the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, get_type_hints

import pytest

from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.providers.catalogue import Catalogue, load_catalogue
from smart_api_integrations.typed_handlers import handler_source
from smart_api_integrations.webhooks import WebhookEvent, process_event


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(providers_dir=None, environ={})


@pytest.fixture(autouse=True)
def _no_handlers() -> Iterator[None]:
    get_webhook_registry().clear()
    yield
    get_webhook_registry().clear()


def run(text: str) -> SimpleNamespace:
    names: dict[str, Any] = {"__name__": "generated"}
    exec(compile(text, "generated.py", "exec"), names)  # noqa: S102 - that is the test
    return SimpleNamespace(**names)


def test_the_class_has_a_typed_method_for_each_event(catalogue):
    made = handler_source(catalogue.source("github"), ["push", "pull_request.opened"])

    module = run(made.text)

    hints = get_type_hints(module.GitHubHandler.on_pull_request_opened, vars(module))
    assert (made.class_name, made.untyped) == ("GitHubHandler", ())
    assert hints["event"] is module.PullRequestOpenedEvent
    assert get_type_hints(hints["event"], vars(module))["payload"] is module.PullRequestOpenedPayload
    assert {"pull_request", "repository", "action"} <= module.PullRequestOpenedPayload.__required_keys__


def test_an_instance_handles_events_and_a_subclass_says_how(catalogue):
    module = run(handler_source(catalogue.source("github"), ["push", "issues"]).text)

    class Mine(module.GitHubHandler):  # type: ignore[misc, name-defined] # made at run time
        def on_push(self, event):
            return self.success_response({"ref": event.payload["ref"]})

    Mine()

    pushed = WebhookEvent(provider="github", type="push", payload={"ref": "main"})
    assert process_event(pushed).json()["ref"] == "main"
    assert process_event(WebhookEvent(provider="github", type="issues")).success


def test_the_same_events_give_the_same_text(catalogue):
    texts = {handler_source(catalogue.source("stripe"), []).text for _ in range(2)}

    assert len(texts) == 1


def test_without_events_it_is_every_event_with_a_sample(catalogue):
    source = catalogue.source("github")
    text = handler_source(source, []).text

    assert [sample.event for sample in source.definition.samples if f"on_{sample.event}(" not in text] == []


def test_an_event_without_a_sample_has_a_payload_of_anything(catalogue):
    made = handler_source(catalogue.source("github"), ["push", "star"])

    assert made.untyped == ("star",)
    assert "payload: dict[str, Any]" in made.text
    assert hasattr(run(made.text), "StarEvent")


def test_a_schema_comes_before_the_samples_and_may_be_of_any_event(catalogue):
    schema = {"type": "object", "properties": {"stars": {"type": "integer"}}, "required": ["stars"]}

    made = handler_source(catalogue.source("github"), ["push"], schemas={"push": schema, "star": schema})

    module = run(made.text)
    assert made.untyped == ()
    assert "on_star(" in made.text
    for payload in (module.PushEvent.__annotations__["payload"], module.StarEvent.__annotations__["payload"]):
        assert getattr(module, payload).__required_keys__ == {"stars"}


def test_a_type_of_the_payload_does_not_hide_the_events_class(catalogue):
    inner = {"type": "object", "properties": {"a": {"type": "string"}}}
    schema = {"type": "object", "properties": {"push_event": inner}}

    module = run(handler_source(catalogue.source("github"), ["push"], schemas={"push": schema}).text)

    assert issubclass(module.PushEvent_, WebhookEvent)


@pytest.mark.parametrize(
    ("events", "complaint"),
    [
        (["pull.request", "pull_request"], "would both be on_pull_request"),
        (["a", "A"], "would both be A"),
        (["no blanks"], "cannot be one"),
        (['x"""\nimport os'], "cannot be one"),
        (["*"], "cannot be one"),
    ],
)
def test_events_that_cannot_be_methods_are_told(catalogue, events, complaint):
    with pytest.raises(InvalidInput, match=complaint):
        handler_source(catalogue.source("github"), events)


def test_every_packaged_provider_with_samples_gives_a_file_that_imports(catalogue):
    for source in catalogue.describe():
        if source.definition.samples:
            made = handler_source(source, [])
            assert issubclass(vars(run(made.text))[made.class_name].__mro__[1], object), source.key
