import json

import pytest

from smart_api_integrations.dashboard.views.playground import sent, tried

MESSAGE = {
    "id": "msg_1",
    "event": "order.created",
    "data": {"total": 12, "lines": [{"sku": "a"}]},
    "metadata": None,
}


def test_what_was_accepted_leads_to_its_event():
    found = sent(200, json.dumps({"success": True, "id": "evt_1", "duplicate": False}).encode())

    assert (found.tone, found.path, found.code) == ("ok", "/events/evt_1", "200")
    assert found.title == "Accepted: it verified and was kept"


def test_what_was_kept_before_is_told_apart():
    found = sent(200, json.dumps({"id": "evt_1", "duplicate": True}).encode())

    assert found.title == "Accepted: it was kept before"


@pytest.mark.parametrize("body", [b"", b"OK", b"[1]", b"\xff", b'{"id": 7}'])
def test_an_answer_that_names_no_event_leads_nowhere(body):
    assert sent(204, body).path == ""


def test_what_was_refused_leads_to_the_reasons():
    found = sent(401, b'{"error": "no"}')

    assert (found.tone, found.path, found.link) == ("reject", "/rejections", "See why")


@pytest.mark.parametrize(
    ("source", "tone", "said"),
    [
        ("data.total > 10", "ok", "it is true"),
        ("data.total > 100", "idle", "it is not true"),
        ("data.nothing.at_all", "idle", "it is not true"),
        ("{'sku': data.lines[0].sku}", "run", "as a transformation"),
        ("data.(", "bad", "cannot be used"),
        ("payload.total", "bad", "cannot be used"),
    ],
)
def test_an_expression_says_what_it_would_do(source, tone, said):
    found = tried(source, MESSAGE)

    assert found.tone == tone
    assert said in found.holds


def test_a_value_is_shown_as_json():
    assert "sku" in tried("{'sku': data.lines[0].sku}", MESSAGE).value
    assert tried("data.(", MESSAGE).fault
