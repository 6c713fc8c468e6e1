"""Routing: which handlers run on an event, and under which names."""

from __future__ import annotations

import functools
from datetime import timedelta

import pytest

from smart_api_integrations.core.webhook import WebhookProcessor
from smart_api_integrations.core.webhook_schema import WebhookEvent
from smart_api_integrations.errors import ConfigurationError


@pytest.fixture
def processor() -> WebhookProcessor:
    return WebhookProcessor("github")


def names(processor: WebhookProcessor, event_type: str | None, action: str | None = None) -> list[str]:
    return [handler.name.rpartition(".")[2] for handler in processor.route(event_type, action)]


def register(processor: WebhookProcessor, pattern: str, name: str, **options: object) -> None:
    processor.add(pattern, lambda event: event, name=f"shop.{name}", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("event_type", "action", "expected"),
    [
        ("pull_request", "opened", ["opened", "every_action", "everything"]),
        ("pull_request", "closed", ["every_action", "everything"]),
        ("push", None, ["everything"]),
        (None, None, ["everything"]),
    ],
)
def test_every_handler_that_matches_runs_in_the_order_of_registration(
    processor, event_type, action, expected
):
    register(processor, "pull_request.opened", "opened")
    register(processor, "pull_request", "every_action")
    register(processor, "*", "everything")
    assert names(processor, event_type, action) == expected


def test_of_a_class_only_the_most_specific_method_runs(processor):
    register(processor, "pull_request", "on_pull_request", group="Handler")
    register(processor, "pull_request_opened", "on_pull_request_opened", group="Handler")
    assert names(processor, "pull_request", "opened") == ["on_pull_request_opened"]
    assert names(processor, "pull_request", "closed") == ["on_pull_request"]


def test_a_method_matches_types_whose_other_characters_became_underscores(processor):
    register(processor, "payment_intent_succeeded", "on_payment", group="Handler")
    register(processor, "orders_create", "on_order", group="Handler")
    assert names(processor, "payment_intent.succeeded") == ["on_payment"]
    assert names(processor, "orders/create") == ["on_order"]
    assert names(processor, "order") == []


def test_registering_a_function_again_replaces_it(processor):
    def handle(event):
        return event

    processor.on("push")(handle)
    processor.on("push", retries=0)(handle)
    (handler,) = processor.route("push")
    assert handler.schedule.attempts == 1


def test_a_function_registered_for_two_types_runs_once_on_each(processor):
    @processor.on("push", "create")
    def handle(event):
        return event

    assert len(processor.route("push")) == len(processor.route("create")) == 1
    assert list(processor.handlers) == ["push", "create"]


def test_a_handlers_name_says_webhook_module_and_function(processor):
    handler = processor.add("push", test_a_handlers_name_says_webhook_module_and_function)
    assert handler.name.startswith("github:default:")
    assert handler.name.endswith("test_a_handlers_name_says_webhook_module_and_function")
    assert processor.handler(handler.name) is handler
    assert processor.handler("github:default:gone") is None


def test_a_function_for_several_patterns_is_found_by_the_events_type(processor):
    def handle(event):
        return event

    first, second = (processor.add(pattern, handle) for pattern in ("push", "pull_request.opened"))

    assert first.name == second.name
    assert processor.handler(first.name, "push") is first
    assert processor.handler(first.name, "pull_request", "opened") is second
    assert processor.handler(first.name) is processor.handler(first.name, "gone") is first


def test_two_lambdas_for_one_pattern_are_two_handlers_with_names_of_their_own(processor):
    processor.on("push")(lambda event: "first")
    processor.on("push")(lambda event: "second")

    first, second = processor.route("push")
    assert second.name == f"{first.name}#2"
    assert [processor.handler(each.name).function(None) for each in (first, second)] == ["first", "second"]


def test_two_functions_of_one_name_in_one_module_are_two_handlers(processor):
    @processor.on("push")
    def _(event):
        return "first"

    @processor.on("push")
    def _(event):
        return "second"

    assert [handler.function(None) for handler in processor.route("push")] == ["first", "second"]


def test_the_same_lines_that_register_again_replace_what_they_registered(processor):
    def create_app(answer):
        @processor.on("push", "create")
        def handle(event):
            return answer

        processor.on("push")(lambda event: f"{answer}!")

    create_app("old")
    before = names(processor, "push")
    create_app("new")

    assert names(processor, "push") == before
    assert [handler.function(None) for handler in processor.route("push")] == ["new", "new!"]


def test_what_a_factory_made_for_different_patterns_is_told_apart(processor):
    def made(word):
        return lambda event: word

    for pattern in ("push", "*"):
        processor.on(pattern)(made(pattern))

    assert [handler.function(None) for handler in processor.route("push")] == ["push", "*"]


def test_decorated_functions_partials_and_objects_are_told_apart(processor):
    def decorated(function):
        @functools.wraps(function)
        def inner(event):
            return function(event)

        return inner

    class Greeter:
        def __init__(self, word):
            self.word = word

        def __call__(self, event):
            return self.word

    def say(word, event):
        return word

    processor.on("push")(decorated(lambda event: "a"))
    processor.on("push")(decorated(lambda event: "b"))
    for word in ("c", "d"):
        processor.on("push")(functools.partial(say, word))
    for word in ("e", "f"):
        processor.on("push")(Greeter(word))

    assert "".join(handler.function(None) for handler in processor.route("push")) == "abcdef"
    assert len(set(names(processor, "push"))) == 6
    assert names(processor, "push")[2:4] == ["say", "say#2"]


def test_names_are_the_same_after_every_start():
    def start():
        processor = WebhookProcessor("github")
        for _ in range(2):
            processor.on("push")(lambda event: event)
            processor.on("push")(lambda event: [event])
        return names(processor, "push")

    assert start() == start()


def test_a_name_that_is_given_is_what_the_work_is_kept_under(processor):
    processor.on("push", name="greet")(lambda event: "a")
    processor.on("push", name="count")(lambda event: "b")
    processor.on("push", name="greet")(lambda event: "c")

    assert {each.name: each.function(None) for each in processor.route("push")} == {
        "github:default:count": "b",
        "github:default:greet": "c",
    }


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"retries": -1}, "retries=-1 must be 0 or more"),
        ({"timeout": 0}, "timeout=0 must be more than 0"),
        ({"timeout": timedelta()}, "must be more than 0"),
        ({"concurrency": 0}, "concurrency=0 must be 1 or more"),
        ({"ordering_key": ""}, "ordering_key='' names nothing"),
        ({"ordering_key": "{json:}"}, "names nothing"),
        ({"name": ""}, "must be text"),
        ({"name": "a#2"}, "without a '#'"),
        ({"retries": -1, "timeout": -2}, "retries=-1 .*timeout=-2"),
    ],
)
def test_an_option_that_cannot_be_used_is_told_at_registration(processor, options, complaint):
    with pytest.raises(ConfigurationError, match=complaint) as told:
        processor.on("push", **options)(lambda event: event)

    assert "'push'" in str(told.value)
    assert processor.route("push") == ()


@pytest.mark.parametrize(
    ("key", "expected"),
    [("customer.id", "c1"), (lambda event: event.payload["n"], "7"), (None, None), ("customer.gone", None)],
)
def test_a_handler_says_what_its_events_are_ordered_by(processor, key, expected):
    handler = processor.add("push", lambda event: event, ordering_key=key)

    assert handler.order_of(WebhookEvent(payload={"customer": {"id": "c1"}, "n": 7})) == expected


@pytest.mark.parametrize(("retries", "waits"), [(0, []), (1, [5]), (5, [5, 30, 300, 300, 300])])
def test_retries_repeat_the_last_wait(processor, retries, waits):
    handler = processor.add("push", lambda event: event, retries=retries)
    assert [wait.total_seconds() for wait in handler.schedule.waits] == waits


@pytest.mark.parametrize("timeout", [2, 2.0, timedelta(seconds=2)])
def test_a_timeout_is_seconds_or_a_timedelta(processor, timeout):
    assert processor.add("push", lambda event: event, timeout=timeout).timeout == timedelta(seconds=2)
