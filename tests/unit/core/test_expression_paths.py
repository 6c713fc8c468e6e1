"""What of the data an expression names: never less than CEL would read."""

import pytest

from smart_api_integrations.core.expression_paths import blanked, named_paths, plain_path, pruned

VARIABLES = ("payload", "event")


@pytest.mark.parametrize(
    ("source", "steps"),
    [
        ("payload", ("payload",)),
        (" payload . a\n.b ", ("payload", "a", "b")),
        ("payload['a.b'][\"c\"][10]", ("payload", "a.b", "c", 10)),
        ("payload.a + 1", None),
        ("payload.a.size()", None),
        ("payload[event.x]", None),
        ("other.a", None),
        ("payloads", None),
        ("payload.a b", None),
    ],
)
def test_plain_path(source, steps):
    found = plain_path(source, VARIABLES)

    assert (None if found is None else found.steps) == steps


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("payload.a.b == 1", {("payload", "a", "b")}),
        ("payload.items.map(i, i.id)", {("payload", "items")}),
        ("payload[event.key].x", {("payload",), ("event", "key")}),
        ("'payload.a' + payload.b", {("payload", "b")}),
        (r"'it\'s payload.a' + r'\' + payload.b", {("payload", "b")}),
        ("size(payload)", {("payload",)}),
        ("x.payload.a", set()),
        ('"""payload.a "quoted" """ + event.b // payload.c', {("event", "b")}),
    ],
)
def test_named_paths(source, named):
    assert {path.steps for path in named_paths(blanked(source), VARIABLES)} == named


def test_pruned_keeps_what_is_named_whole_and_drops_the_rest():
    data = {"payload": {"a": {"b": 1, "c": 2}, "l": [1], "z": 3}, "event": {"t": 1}}

    kept = pruned(data, named_paths("payload.a.b + payload.l[0] + payload.none.x", VARIABLES))

    assert kept == {"payload": {"a": {"b": 1}, "l": [1]}}


def test_pruned_keeps_all_of_what_is_named_with_and_without_more_steps():
    data = {"payload": {"a": {"b": 1, "c": 2}}}

    assert pruned(data, named_paths("payload.a.b + payload.a", VARIABLES)) == data


def test_pruned_keeps_what_stops_a_path_short():
    assert pruned({"payload": {"a": None}}, named_paths("payload.a.b", VARIABLES)) == {"payload": {"a": None}}
