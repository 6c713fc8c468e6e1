"""The rules of expressions: faults early, what is missing is None, cost bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.expressions import MOST_STEPS, Expression
from smart_api_integrations.errors import ExpressionError

DATA = {
    "payload": {
        "id": 2**70,
        "amount": 2599,
        "price": "12.50",
        "customer": None,
        "items": [{"id": 1, "tags": ["a", "b"]}, {"id": 2, "tags": []}],
        "odd-name": {"x": 1},
        "at": "2026-01-02T03:04:05Z",
    },
    "event": {"type": "order", "action": "paid"},
}


def expression(source):
    return Expression(source, variables=("payload", "event"))


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("payload.amount", 2599),
        ("payload.id", 2**70),
        ('payload["odd-name"].x', 1),
        ("payload.items[1].id", 2),
        ("payload.items[9].id", None),
        ("payload.customer.id", None),
        ("payload.nothing.at.all", None),
        ("double(payload.amount) / 100.0", 25.99),
        ("major_units(payload.amount, 'eur')", 25.99),
        ("number(payload.price)", 12.5),
        ("double(payload.missing) / 100.0", None),
        ("size(payload.customer)", None),
        ("payload.items.map(i, i.id)", [1, 2]),
        ("payload.items.map(i, i.tags.map(t, t + '!'))", [["a!", "b!"], []]),
        ("payload.items.size()", 2),
        ("event.type + '.' + event.action", "order.paid"),
        ("has(payload.customer) && payload.customer == null", True),
        ("has(payload.nothing)", False),
        ("{'type': event.type, 'n': [1, 2]}", {"type": "order", "n": [1, 2]}),
        ("either(payload.nothing, 'none')", None),
        ("timestamp(payload.at)", "2026-01-02T03:04:05Z"),
        ("duration('90s')", 90.0),
        ("b'hi'", "aGk="),
        ("'payload.nothing'", "payload.nothing"),
        ("'nobody.knows(' + event.type", "nobody.knows(order"),
        ("'odd-name' in payload", True),
        ("payload", DATA["payload"]),
    ],
)
def test_expression_comes_to(source, result):
    assert expression(source).evaluate(DATA) == result


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("", "there is nothing"),
        ("payload.", "column 9"),
        ("payload.a ==\n  == 2", "line 2, column 3"),
        ("paylod.id == 1", "the variable 'paylod' is unknown; known: event, payload"),
        ("siez(payload.items)", "the function 'siez' is unknown"),
        ("'" + "a" * 5000 + "'", "at most 4096 characters"),
        ("(" * 3000 + "1" + ")" * 3000, "at most 4096"),
    ],
)
def test_fault_is_told_when_it_is_compiled(source, told):
    with pytest.raises(ExpressionError, match=told.replace("(", r"\(")):
        expression(source)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("payload.amount + 1.5", "not defined for"),
        ("1 / (payload.amount - 2599)", "division by zero"),
        ("int(payload.price)", "cannot be computed"),
    ],
)
def test_what_does_not_fit_is_an_error_and_no_traceback_of_another_library(source, told):
    with pytest.raises(ExpressionError, match=told):
        expression(source).evaluate(DATA)


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ("payload.amount > 1000", True),
        ("payload.amount < 1000", False),
        ("payload.nothing > 1", False),
        ("payload.nothing != 'x'", False),
        ("payload.items.exists(i, i.id == 2)", True),
        ("event.type.startsWith('or') && !has(payload.nothing)", True),
    ],
)
def test_condition_holds_only_over_what_is_there(source, holds):
    assert expression(source).holds(DATA) is holds


def test_condition_that_is_none_is_an_error():
    with pytest.raises(ExpressionError, match="must be true or false, not of type int"):
        expression("payload.amount").holds(DATA)


@pytest.mark.parametrize(
    ("source", "items"),
    [
        ("payload.l.map(x, x)", MOST_STEPS + 1),
        ("(payload.l + payload.l).map(x, x)", MOST_STEPS // 2 + 1),
        ("payload.l.map(x, payload.l.map(y, x * y))", 40),
        ("payload.l.all(x, payload.l.all(y, payload.l.all(z, z > 0)))", 11),
        ("payload.l . filter (x, true)", MOST_STEPS + 1),
    ],
)
def test_walk_that_would_take_long_is_not_begun(source, items):
    with pytest.raises(ExpressionError, match="would walk through"):
        expression(source).evaluate({"payload": {"l": list(range(items))}, "event": {}})


def test_walk_is_measured_by_what_it_names_and_not_by_the_rest():
    data = {"payload": {"l": [1, 2], "huge": list(range(50_000))}, "event": {}}

    assert expression("payload.l.map(x, x + 1)").evaluate(data) == [2, 3]


def test_words_in_a_text_are_no_walk():
    data = {"payload": {"l": list(range(5000))}, "event": {}}

    assert expression("'.map(' + string(size(payload.l))").evaluate(data) == ".map(5000"


@given(st.text(max_size=60))
def test_any_text_is_compiled_or_refused(source):
    try:
        compiled = expression(source)
    except ExpressionError:
        return
    assert compiled.source == source


def test_expressions_of_one_source_are_equal():
    assert expression("payload.id") == expression("payload.id") != expression("payload.amount")
    assert len({expression("payload.id"), expression("payload.id")}) == 1
    assert repr(expression("payload.id")) == "Expression('payload.id')"
