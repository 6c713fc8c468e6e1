"""Promises about samples of providers that send several events in one request."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from smart_api_integrations.core.batches import BatchRules
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import ConfigurationError, InvalidInput, SignatureMismatch
from smart_api_integrations.providers.batch_samples import as_batch, events_in, sign_each
from smart_api_integrations.providers.catalogue import load_catalogue
from smart_api_integrations.providers.samples import signed_request

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECRET = "sample-secret-0123456789"
WHOLE = """
webhooks:
  default:
    verification: {scheme: hmac, secret: {env: MINE_SECRET}, signature: {from: "{header:X-Sig}"}}
    batch: {items: "json:"}
    extract: {event_type: "{item:event}", action: "{item:how?}", event_id: "{item:id}"}
samples:
  - {event: open, payload: [{event: open, id: old, to: "a@example.com"}, {event: click, id: other}]}
  - {event: bounce, payload: {event: bounce, id: old, at: "{unix}"}}
"""
EACH = """
webhooks:
  default:
    verification:
      scheme: hmac
      secret: {env: MINE_SECRET}
      signature: {from: "{item:data.sig}", encoding: base64}
      signed: "{item:ref}:{item:code}"
    batch: {items: "json:list", each: Item, verify: each}
    extract: {event_type: "{item:code}", event_id: "{item:ref}"}
samples:
  - event: PAID
    payload: {live: "no", list: [{Item: {code: PAID, ref: "{delivery_id}"}}, {Item: {code: PAID, ref: b}}]}
"""


@pytest.fixture
def source(tmp_path):
    def load(text: str):
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "webhook.yaml").write_text(text)
        return load_catalogue(providers_dir=tmp_path, environ={"MINE_SECRET": SECRET}).source("mine")

    return load


def sent(source, event: str, payload=None):
    request = signed_request(source, event, now=NOW, delivery_id="d-1", payload=payload)
    return request, source.webhook.judge_all(request, now=NOW)


def test_a_sample_may_be_the_whole_request(source):
    _, judged = sent(source(WHOLE), "open")

    assert [(each.event_type, each.event_id) for each in judged] == [("open", "d-1"), ("click", "other")]


@pytest.mark.parametrize("event", ["bounce", "dropped", "deferred.soft"])
def test_a_sample_of_one_event_is_sent_as_a_list_of_one(source, event):
    _, (judged,) = sent(source(WHOLE), event)

    kind = judged.event_type if judged.action is None else f"{judged.event_type}.{judged.action}"
    assert (kind, judged.event_id) == (event, "d-1")


def test_a_payload_of_ones_own_is_taken_either_way(source):
    mine = source(WHOLE)

    assert sent(mine, "open", {"id": "x"})[1][0].event_id == "x"
    assert [each.event_id for each in sent(mine, "open", [{"id": "x"}, {"id": "y"}])[1]] == ["x", "y"]


def test_every_event_is_signed_by_itself(source):
    mine = source(EACH)

    request, judged = sent(mine, "PAID")

    payload = json.loads(request.body)
    assert payload["live"] == "no"
    assert [each.event_id for each in judged] == ["d-1", "b"]
    payload["list"][1]["Item"]["code"] = "LOST"
    with pytest.raises(SignatureMismatch):
        mine.webhook.judge_all(changed(request, payload), now=NOW)
    with pytest.raises(SignatureMismatch):
        mine.webhook.verify(changed(request, payload), now=NOW)


def changed(request, payload):
    return RawRequest(headers=request.headers, body=json.dumps(payload).encode())


@pytest.mark.parametrize("body", [b"a=1", b"[]", b'{"list":[]}', b'{"list":[{"Item":1}]}'])
def test_a_request_without_events_cannot_be_signed_one_by_one(source, body):
    webhook = source(EACH).webhook

    with pytest.raises(InvalidInput, match="no JSON list of events"):
        sign_each(
            RawRequest(headers=Headers(), body=body),
            BatchRules(items="list", each="Item"),
            webhook.scheme,
            now=NOW,
            secrets=webhook.secrets,
            message_id="d-1",
        )


@pytest.mark.parametrize(
    ("rules", "whole"),
    [
        (BatchRules(), [{"a": 1}]),
        (BatchRules(items="x.y"), {"x": {"y": [{"a": 1}]}}),
        (BatchRules(items="e.*.c", each="v.w"), {"e": [{"c": [{"v": {"w": {"a": 1}}}]}]}),
    ],
)
def test_one_event_is_wrapped_where_the_list_is(rules, whole):
    assert as_batch({"a": 1}, rules) == whole
    assert as_batch(whole, rules) is whole
    assert events_in(whole, rules) == [{"a": 1}]


def test_a_batch_says_where_its_list_is(source):
    with pytest.raises(ConfigurationError, match="say where the list of events is"):
        source(WHOLE.replace('{items: "json:"}', "{max: 2}"))


@pytest.mark.parametrize(
    "wrong", ["items: events", 'items: "json:", max: 0', 'items: "json:", verify: every']
)
def test_a_batch_that_cannot_be_is_refused_when_it_is_read(source, wrong):
    with pytest.raises(ConfigurationError, match="batch"):
        source(WHOLE.replace('items: "json:"', wrong))
