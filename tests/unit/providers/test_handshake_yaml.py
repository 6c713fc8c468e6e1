"""Promises about ``handshakes:`` and ``response:``: every kind works as written, faults are told."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest

from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import (
    ConfigurationError,
    HandshakeRefused,
    MethodNotAllowed,
    SignatureMismatch,
    SignatureMissing,
)
from smart_api_integrations.providers.catalogue import load_catalogue
from smart_api_integrations.providers.webhook_yaml import read_provider_file

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "sample-secret-0123456789"
VERIFICATION = """
    verification:
      {scheme: hmac, algorithm: sha256, secret: {env: HOOK_SECRET}, signature: {from: "{header:X-Sig}"}}
"""
ZOOM = """
      - when: {"{json:event}": endpoint.url_validation}
        verify: true
        compute: {digest: {hmac: sha256, of: "{json:payload.plainToken}", encoding: hex}}
        respond: {json: {plainToken: "{json:payload.plainToken}", encryptedToken: "{digest}"}}
"""
META = """
      - when:
          method: GET
          "{query:hub.mode}": subscribe
          "{query:hub.verify_token}": {env: META_VERIFY_TOKEN}
        respond: {content_type: text/plain, body: "{query:hub.challenge}"}
"""
TWITTER = """
      - when: {method: GET, "{query:crc_token}": present}
        compute: {d: {hmac: sha256, of: "{query:crc_token}", encoding: base64, prefix: sha256=}}
        respond: {json: {response_token: "{d}"}}
"""
GRAPH = """
      - when: {method: POST, "{query:validationToken}": present}
        verify: false
        respond: {content_type: text/plain, body: "{query:validationToken}"}
"""
DROPBOX = """
      - {when: {method: GET, "{query:challenge}": present}, respond: {body: "{query:challenge}"}}
"""
OKTA = """
      - {when: {method: GET}, respond: {json: {verification: "{header:X-Okta-Verification-Challenge}"}}}
"""
CLOUDEVENTS = """
      - when: {method: OPTIONS, "{header:WebHook-Request-Origin}": {env_list: CLOUDEVENTS_ALLOWED_ORIGINS}}
        respond:
          headers:
            WebHook-Allowed-Origin: "{header:WebHook-Request-Origin}"
            WebHook-Allowed-Rate: "{header:WebHook-Request-Rate}"
"""
DISCORD = """
      - {when: {"{json:type}": 0}, respond: {status: 204}}
      - {when: {"{json:type}": "1"}, respond: {json: {type: 1}}}
"""
MANDRILL = """
      - {when: {method: HEAD}, respond: {status: 200}}
"""
SNS = """
      - when: {"{json:Type}": SubscriptionConfirmation, "{json:TopicArn}": {env: AWS_SNS_TOPIC_ARN}}
        fetch: {url: "{json:SubscribeURL}", allow_hosts: ["sns.<aws-region>.amazonaws.com"]}
"""
NOTION = """
      - {when: {"{json:verification_token}": present}, verify: false, capture: NOTION_WEBHOOK_SECRET}
"""
MONDAY = """
      - {when: {"{json:challenge}": present}, verify: false, respond: {json: {challenge: "{json:challenge}"}}}
"""
ENVIRON = {
    "HOOK_SECRET": SECRET,
    "META_VERIFY_TOKEN": "s3cret",
    "CLOUDEVENTS_ALLOWED_ORIGINS": "events.example.com",
    "AWS_SNS_TOPIC_ARN": "arn:aws:sns:us-east-1:1:t",
}


def catalogue(folder: Path, handshakes: str, environ=None, more: str = ""):
    (folder / "myapi").mkdir()
    text = f"webhooks:\n  default:{VERIFICATION}{more}    handshakes:{handshakes}"
    (folder / "myapi" / "webhook.yaml").write_text(text)
    return load_catalogue(providers_dir=folder, environ=ENVIRON if environ is None else environ)


def sent(
    body: bytes = b"", *, method: str = "POST", query: str = "", headers=(), signed: bool = False
) -> RawRequest:
    pairs = list(headers)
    if signed:
        pairs.append(("X-Sig", hmac.digest(SECRET.encode(), body, "sha256").hex()))
    return RawRequest(method=method, query=query, headers=Headers(pairs), body=body)


def greeted(webhook, request: RawRequest):
    webhook.check_head(method=request.method, remote_address=None)
    return webhook.greet(request) or webhook.judge(request, now=NOW).greeting


def get(query: str = "", method: str = "GET", **more) -> RawRequest:
    return sent(method=method, query=query, **more)


ANSWERED = {
    "echoed field, Slack": (
        '\n      - {when: {"{json:type}": url_verification}, respond: {body: "{json:challenge}"}}\n',
        sent(b'{"type":"url_verification","challenge":"abc"}', signed=True),
        (200, b"abc", "text/plain; charset=utf-8"),
    ),
    "echoed field, monday": (
        MONDAY,
        sent(b'{"challenge":"abc"}'),
        (200, b'{"challenge":"abc"}', "application/json"),
    ),
    "echoed query, Meta": (
        META,
        get("hub.mode=subscribe&hub.verify_token=s3cret&hub.challenge=1158201444"),
        (200, b"1158201444", "text/plain; charset=utf-8"),
    ),
    "echoed query, Microsoft Graph": (
        GRAPH,
        sent(query="validationToken=Validation%3A+Testing"),
        (200, b"Validation: Testing", "text/plain; charset=utf-8"),
    ),
    "echoed query, Dropbox": (DROPBOX, get("challenge=abc"), (200, b"abc", "text/plain; charset=utf-8")),
    "echoed header, Okta": (
        OKTA,
        get(headers=[("X-Okta-Verification-Challenge", "abc")]),
        (200, b'{"verification":"abc"}', "application/json"),
    ),
    "signed token, Zoom": (
        ZOOM,
        sent(b'{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8"}}', signed=True),
        (
            200,
            json.dumps(
                {
                    "plainToken": "qgg8",
                    "encryptedToken": hmac.digest(SECRET.encode(), b"qgg8", "sha256").hex(),
                },
                separators=(",", ":"),
            ).encode(),
            "application/json",
        ),
    ),
    "signed token, Twitter": (
        TWITTER,
        get("crc_token=abc"),
        (
            200,
            b'{"response_token":"sha256=' + b64encode(hmac.digest(SECRET.encode(), b"abc", "sha256")) + b'"}',
            "application/json",
        ),
    ),
    "ping and pong, Discord": (
        DISCORD,
        sent(b'{"type":1,"token":"x"}', signed=True),
        (200, b'{"type":1}', "application/json"),
    ),
    "nothing, Discord": (DISCORD, sent(b'{"type":0}', signed=True), (204, b"", "text/plain; charset=utf-8")),
    "probe, Mandrill": (MANDRILL, get(method="HEAD"), (200, b"", "text/plain; charset=utf-8")),
}


@pytest.mark.parametrize(("handshakes", "request_", "answer"), ANSWERED.values(), ids=ANSWERED)
def test_a_handshake_is_answered_as_it_is_written(tmp_path, handshakes, request_, answer):
    webhook = catalogue(tmp_path, handshakes).webhooks["myapi", "default"]

    reply = greeted(webhook, request_).reply

    assert (reply.status, reply.body, reply.content_type) == answer


@pytest.mark.parametrize(
    ("handshakes", "body"),
    [(ZOOM, b'{"event":"endpoint.url_validation","payload":{"plainToken":"a"}}'), (DISCORD, b'{"type":1}')],
)
def test_a_posted_handshake_is_not_answered_unsigned(tmp_path, handshakes, body):
    webhook = catalogue(tmp_path, handshakes).webhooks["myapi", "default"]

    with pytest.raises(SignatureMissing):
        greeted(webhook, sent(body))


@pytest.mark.parametrize(
    "query",
    [
        "hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1",
        "hub.mode=subscribe&hub.verify_token=&hub.challenge=1",
        "hub.mode=subscribe&hub.challenge=1",
        "hub.mode=unsubscribe&hub.verify_token=s3cret&hub.challenge=1",
        "hub.mode=subscribe&hub.verify_token=s3cret&hub.verify_token=s3cret&hub.challenge=1",
        "",
    ],
)
def test_a_get_that_meets_no_handshake_is_refused(tmp_path, query):
    webhook = catalogue(tmp_path, META).webhooks["myapi", "default"]

    with pytest.raises((HandshakeRefused, SignatureMissing)):
        greeted(webhook, get(query))


def test_a_signed_get_that_is_no_handshake_is_no_event_either(tmp_path):
    webhook = catalogue(tmp_path, META).webhooks["myapi", "default"]

    with pytest.raises(HandshakeRefused):
        greeted(webhook, get(signed=True))


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_a_method_without_a_handshake_is_not_taken(tmp_path, method):
    webhook = catalogue(tmp_path, ZOOM).webhooks["myapi", "default"]

    with pytest.raises(MethodNotAllowed):
        webhook.check_head(method=method, remote_address=None)


def test_an_origin_on_the_list_is_granted_and_no_other(tmp_path):
    webhook = catalogue(tmp_path, CLOUDEVENTS).webhooks["myapi", "default"]

    granted = greeted(
        webhook, get(method="OPTIONS", headers=[("WebHook-Request-Origin", "events.example.com")])
    )

    assert granted.reply.headers == (("WebHook-Allowed-Origin", "events.example.com"),)
    with pytest.raises(SignatureMissing):
        greeted(webhook, get(method="OPTIONS", headers=[("WebHook-Request-Origin", "evil.example.com")]))


def test_the_requested_rate_is_granted_with_it(tmp_path):
    webhook = catalogue(tmp_path, CLOUDEVENTS).webhooks["myapi", "default"]
    asked = [("WebHook-Request-Origin", "events.example.com"), ("WebHook-Request-Rate", "120")]

    granted = greeted(webhook, get(method="OPTIONS", headers=asked))

    assert ("WebHook-Allowed-Rate", "120") in granted.reply.headers


def test_a_subscription_is_confirmed_for_the_configured_topic_only(tmp_path):
    webhook = catalogue(tmp_path, SNS).webhooks["myapi", "default"]
    url = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription"

    def confirmation(topic: str) -> bytes:
        return json.dumps(
            {"Type": "SubscriptionConfirmation", "TopicArn": topic, "SubscribeURL": url}
        ).encode()

    assert greeted(webhook, sent(confirmation(ENVIRON["AWS_SNS_TOPIC_ARN"]), signed=True)).fetch == url
    assert greeted(webhook, sent(confirmation("arn:aws:sns:us-east-1:2:other"), signed=True)) is None


def test_a_token_to_be_shown_is_captured_for_its_variable(tmp_path):
    webhook = catalogue(tmp_path, NOTION).webhooks["myapi", "default"]

    greeting = greeted(webhook, sent(b'{"verification_token":"secret_tKR"}'))

    assert greeting.captured == ("NOTION_WEBHOOK_SECRET", "secret_tKR")


def test_an_event_beside_handshakes_is_an_event(tmp_path):
    webhook = catalogue(tmp_path, ZOOM + META).webhooks["myapi", "default"]

    judged = webhook.judge(sent(b'{"type":"meeting.started","id":"1"}', signed=True), now=NOW)

    assert (judged.greeting, judged.event_type) == (None, "meeting.started")


def test_a_handshake_that_is_to_be_stored_is_both(tmp_path):
    text = '\n      - {when: {"{json:type}": ping}, store: true, respond: {body: pong}}\n'
    webhook = catalogue(tmp_path, text).webhooks["myapi", "default"]

    judged = webhook.judge(sent(b'{"type":"ping","id":"1"}', signed=True), now=NOW)

    assert judged.event_type == "ping"
    assert judged.greeting is not None
    assert (judged.greeting.is_event, judged.greeting.reply.body) == (True, b"pong")


def test_a_variable_that_a_handshake_waits_for_is_warned_of(tmp_path):
    environ = {"HOOK_SECRET": SECRET}

    warnings = catalogue(tmp_path, META, environ).warnings

    assert any("myapi/default" in each and "META_VERIFY_TOKEN" in each for each in warnings)


def test_a_users_empty_list_takes_the_presets_handshakes_away(tmp_path):
    (tmp_path / "slack").mkdir()
    (tmp_path / "slack" / "webhook.yaml").write_text("webhooks: {default: {handshakes: []}}")

    found = load_catalogue(providers_dir=tmp_path, environ={"SLACK_SIGNING_SECRET": SECRET})

    assert found.webhooks["slack", "default"].handshakes == ()


def test_a_response_is_what_accepted_events_are_answered(tmp_path):
    more = '    response: {content_type: application/xml, body: "<Response/>"}\n'

    webhook = catalogue(tmp_path, " []\n", more=more).webhooks["myapi", "default"]

    assert webhook.response is not None
    assert (webhook.response.body, webhook.response.content_type) == (b"<Response/>", "application/xml")


def block(text: str) -> str:
    return f"webhooks: {{default: {{handshakes: [{text}]}}}}"


def response(text: str) -> str:
    return f"webhooks: {{default: {{response: {text}}}}}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (block("{}"), ["handshakes.0.when", "required"]),
        (block("{when: {method: PUT}}"), ["handshakes.0", "'PUT'", "OPTIONS"]),
        (block("{when: {type: ping}}"), ["handshakes.0", "'type'", "a template like"]),
        (block("{when: {'{jsn:type}': ping}}"), ["handshakes.0", "did you mean 'json'"]),
        (block("{when: {}, verify: false}"), ["handshakes.0", "every request"]),
        (block("{when: {'{json:a}': {env_lst: A}}}"), ["handshakes.0", "did you mean 'env_list'"]),
        (
            block("{when: {'{json:a}': {env: A, env_list: B}}}"),
            ["handshakes.0", "either `env` or `env_list`"],
        ),
        (block("{when: {'{json:a}': b}, respnd: {}}"), ["handshakes.0.respnd", "did you mean 'respond'"]),
        (block("{when: {'{json:a}': b}, respond: {status: 404}}"), ["respond.status", "299"]),
        (block("{when: {'{json:a}': b}, respond: {status: 204, body: x}}"), ["respond", "no body"]),
        (
            block("{when: {'{json:a}': b}, respond: {body: x, json: {}}}"),
            ["respond", "either `body` or `json`"],
        ),
        (block("{when: {'{json:a}': b}, respond: {body: '{digest}'}}"), ["handshakes.0", "digest"]),
        (
            block("{when: {'{json:a}': b}, respond: {body: '{json:a}', content_type: text/html}}"),
            ["text/plain"],
        ),
        (block("{when: {'{json:a}': b}, respond: {headers: {'A b': c}}}"), ["respond.headers"]),
        (
            block("{when: {'{json:a}': b}, compute: {d: {hmac: md5, of: '{body}'}}}"),
            ["compute.d.hmac", "sha256"],
        ),
        (block("{when: {'{json:a}': b}, compute: {d: {hmac: sha256}}}"), ["compute.d.of", "required"]),
        (block("{when: {'{json:a}': b}, capture: TOKEN}"), ["handshakes.0", "capture", "present"]),
        (block("{when: {'{json:a}': b}, store: true, verify: false}"), ["handshakes.0", "store"]),
        (block("{when: {'{json:a}': b}, fetch: {url: '{json:u}', allow_hosts: []}}"), ["fetch.allow_hosts"]),
        (
            block("{when: {'{json:a}': b}, fetch: {url: '{json:u}', allow_hosts: ['*']}}"),
            ["allow_hosts", "'*'"],
        ),
        (
            block(
                "{when: {'{json:a}': b}, verify: false, fetch: {url: '{json:u}', allow_hosts: [a.example]}}"
            ),
            ["fetch", "verified"],
        ),
        (response("{status: 301}"), ["response.status"]),
        (response("{boddy: x}"), ["response.boddy", "did you mean 'body'"]),
    ],
)
def test_a_fault_is_named(tmp_path, text, words):
    path = tmp_path / "webhook.yaml"
    path.write_text(text)

    with pytest.raises(ConfigurationError) as caught:
        read_provider_file(path)

    assert str(path) in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_a_response_that_reads_from_the_request_is_refused_with_its_place(tmp_path):
    with pytest.raises(ConfigurationError, match=r"webhook\.yaml.*same for every event"):
        catalogue(tmp_path, " []\n", more='    response: {body: "{json:id}"}\n')


CHALLENGED = """
      - when: {method: GET, "{query:t}": present}
        compute: {digest: {hmac: sha256, of: "{query:t}"}}
        respond: {body: "{digest}"}
"""


@pytest.mark.parametrize(
    "of",
    ["{body}", "{sha256:body}", "v0:{json:t}", "{query:a}{query:b}", "{query:a|body}", "[{query:a}]", "t"],
)
@pytest.mark.parametrize("verify", ["true", "false"])
def test_what_could_be_signed_as_an_event_is_no_token_to_sign_for_an_answer(tmp_path, of, verify):
    entry = (
        f"\n      - {{when: {{'{{json:a}}': b}}, verify: {verify}, "
        f"compute: {{d: {{hmac: sha256, of: '{of}'}}}}}}\n"
    )

    with pytest.raises(ConfigurationError, match="Name the token alone"):
        catalogue(tmp_path, entry)


def test_nobody_is_given_the_signature_of_a_body_by_asking_for_it(tmp_path):
    webhook = catalogue(tmp_path, CHALLENGED).webhooks["myapi", "default"]

    with pytest.raises(HandshakeRefused, match="no token"):
        webhook.greet(get("t=%7B%22a%22%3A1%7D"))


def test_a_token_that_was_signed_for_an_answer_is_no_event(tmp_path):
    webhook = catalogue(tmp_path, CHALLENGED).webhooks["myapi", "default"]
    greeting = webhook.greet(get("t=12345"))
    assert greeting is not None
    forged = sent(b"12345", headers=[("X-Sig", greeting.reply.body.decode())])

    with pytest.raises(SignatureMismatch):
        webhook.judge(forged, now=NOW)
    assert webhook.judge(sent(b'{"a":1}', signed=True), now=NOW)
