"""Promises about what is signed where a request may be of several kinds: Twilio's forms and JSON."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from smart_api_integrations.core.request_view import FORM_TYPE, RequestView
from smart_api_integrations.core.signatures import Secret
from smart_api_integrations.core.signatures.scheme_options import hmac_scheme
from smart_api_integrations.core.signatures.signed_text import url_variants
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import SignatureMalformed, SignatureMismatch

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = Secret(name="S", text="s" * 16, key=b"s" * 16)
URL = "https://hooks.example.com/webhooks/twilio"
TWILIO = hmac_scheme(
    {
        "algorithm": "sha1",
        "signature": {"from": "{header:S}", "encoding": "base64"},
        "signed": [
            {
                "when": {"content_type": "application/json"},
                "template": "{url}",
                "require": {"{query:bodySHA256}": "{body_sha256}"},
            },
            {"when": {"content_type": FORM_TYPE}, "template": "{url}{sorted_form}"},
        ],
        "url_variants": ["with_port", "without_port"],
    }
)
CHOSEN = hmac_scheme(
    {
        "algorithm": {
            "from": "{header:A}",
            "list": {"separator": ",", "pair": "=", "key": "algorithm"},
            "allow": {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"},
            "default": "sha1",
        },
        "signature": {"from": "{header:S}"},
    }
)


def sign(text: str, algorithm: str = "sha1") -> str:
    return base64.b64encode(hmac.digest(SECRET.key, text.encode(), algorithm)).decode()


def verify(scheme, headers, *, body=b"{}", query="", url: str | None = URL):
    public_url = None if url is None else url + (f"?{query}" if query else "")
    request = RawRequest(headers=Headers(headers), body=body, query=query, public_url=public_url)
    return scheme.verify(RequestView(request), now=NOW, secrets=(SECRET,))


def json_request(hashed: bytes, body: bytes):
    query = "bodySHA256=" + hashlib.sha256(hashed).hexdigest()
    headers = {"Content-Type": "application/json", "S": sign(f"{URL}?{query}")}
    return verify(TWILIO, headers, body=body, query=query)


def test_a_form_signs_its_fields_and_json_its_hash():
    form = {"Content-Type": FORM_TYPE, "S": sign(URL + "A2B1")}

    assert verify(TWILIO, form, body=b"B=1&A=2")
    assert json_request(b"{}", b"{}")


def test_json_that_is_not_what_its_hash_says_is_a_mismatch():
    with pytest.raises(SignatureMismatch):
        json_request(b"{}", b'{"a":1}')


def test_json_without_its_hash_is_a_mismatch_although_the_url_is_signed():
    with pytest.raises(SignatureMismatch):
        verify(TWILIO, {"Content-Type": "application/json", "S": sign(URL)})


def test_a_request_of_no_kind_that_is_signed_is_malformed():
    with pytest.raises(SignatureMalformed, match="no kind"):
        verify(TWILIO, {"Content-Type": "text/plain", "S": sign(URL)}, body=b"x")


def test_without_a_configured_url_nothing_verifies():
    with pytest.raises(SignatureMalformed, match="url"):
        verify(TWILIO, {"Content-Type": FORM_TYPE, "S": sign(URL)}, body=b"a=1", url=None)


@pytest.mark.parametrize("written", [URL, URL.replace(".com/", ".com:443/")])
@pytest.mark.parametrize("configured", [URL, URL.replace(".com/", ".com:443/")])
def test_a_port_may_be_written_or_left_out(written, configured):
    headers = {"Content-Type": FORM_TYPE, "S": sign(written + "a1")}

    assert verify(TWILIO, headers, body=b"a=1", url=configured)


def test_a_host_or_forwarded_header_does_not_become_the_url():
    headers = {"Content-Type": FORM_TYPE, "S": sign("https://evil.example/a1"), "Host": "evil.example"}

    with pytest.raises(SignatureMismatch):
        verify(TWILIO, {**headers, "X-Forwarded-Host": "evil.example"}, body=b"a=1")


@pytest.mark.parametrize(
    ("name", "url", "variant"),
    [
        ("with_port", "http://a.example/x", "http://a.example:80/x"),
        ("with_port", "https://a.example:8443/x", None),
        ("without_port", "https://a.example:8443/x", "https://a.example/x"),
        ("without_port", "https://[::1]/x", None),
        ("without_query", "https://a.example/x?y=1", "https://a.example/x"),
        (
            "unescaped",
            "https://a.example/?q=" + quote("a:b/c?d@e!", safe=""),
            "https://a.example/?q=a:b/c?d@e!",
        ),
        ("unescaped", "https://a.example/?q=%20%26%25", None),
    ],
)
def test_variants(name, url, variant):
    assert list(url_variants(url, (name,))) == [url, *([variant] if variant else [])]


def test_no_url_has_no_variants():
    assert list(url_variants(None, ("with_port",))) == [None]


@pytest.mark.parametrize(
    ("named", "algorithm"), [("HMAC_SHA256", "sha256"), ("HMAC_SHA1", "sha1"), (None, "sha1")]
)
def test_a_request_may_name_an_algorithm_that_is_allowed(named, algorithm):
    headers = {"S": hmac.digest(SECRET.key, b"{}", algorithm).hex()}
    if named:
        headers["A"] = f"key=1,algorithm={named}"

    assert verify(CHOSEN, headers).proof.algorithm == algorithm


@pytest.mark.parametrize(
    "named", ["algorithm=NONE", "algorithm=", "algorithm=HMAC_SHA1,algorithm=HMAC_SHA256", "algorithm=sha1"]
)
def test_any_other_is_malformed(named):
    with pytest.raises(SignatureMalformed):
        verify(CHOSEN, {"S": hmac.digest(SECRET.key, b"{}", "sha1").hex(), "A": named})
