"""What may be shown of secrets: enough to tell two apart, never enough to use one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.masking import (
    MASK,
    is_sensitive,
    masked_header,
    masked_query,
    masked_secret,
    masked_url,
    parameters,
)


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "proxy-authorization",
        "Cookie",
        "Set-Cookie",
        "X-Hub-Signature-256",
        "X-Shopify-Hmac-Sha256",
        "X-Api-Key",
        "apikey",
        "X-Gitlab-Token",
        "X-Client-Secret",
        "webhook-signature",
    ],
)
def test_headers_that_carry_credentials_are_known_by_name(name):
    assert is_sensitive(name)


@pytest.mark.parametrize("name", ["Content-Type", "User-Agent", "X-GitHub-Event", "webhook-id", "Host"])
def test_other_headers_are_shown_whole(name):
    assert not is_sensitive(name)
    assert masked_header(name, "application/json; charset=utf-8") == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("sha256=757107ea0eb2509fc211221cce984b8a37570b6d", "sha256=757107…0b6d"),
        ("v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=", "v1,K5oZfz…pI4="),
        ("Bearer short", f"Bearer {MASK}"),
        ("short", MASK),
        ("", MASK),
    ],
)
def test_a_sensitive_value_shows_its_label_and_its_ends(value, shown):
    assert masked_header("X-Signature", value) == shown


@given(st.text(min_size=1, max_size=80))
def test_no_sensitive_value_is_ever_shown_whole(value):
    assert masked_header("Authorization", value) != value or value == MASK


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_…LaSw"),
        ("whsec_short", f"whsec_{MASK}"),
        ("hunter2", MASK),
        ("a secret of more than twenty characters", "…ters"),
    ],
)
def test_a_secret_is_named_by_its_end(secret, shown):
    assert masked_secret(secret) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com/hooks/orders", "https://example.com/hooks/orders"),
        ("https://example.com:8443/v2/order-events", "https://example.com:8443/v2/order-events"),
        ("https://user:pass@example.com/", "https://example.com/"),
        ("https://example.com/in?token=abc&x=", f"https://example.com/in?token={MASK}&x={MASK}"),
        ("https://example.com/in?justatoken", f"https://example.com/in?justatoken={MASK}"),
        (
            "https://discord.com/api/webhooks/118712345678901234/" + "a1B2" * 16,
            f"https://discord.com/api/webhooks/1187…/{MASK}",
        ),
        ("https://webhook.site/0b9a6a3e-51a2-4b0d-9d7e-1d1f6c6f2f10", f"https://webhook.site/{MASK}"),
        ("http://[::1]:9000/hook", "http://[::1]:9000/hook"),
        ("https://example.com:port/", MASK),
        ("https://[broken/", MASK),
    ],
)
def test_a_url_shows_where_it_leads_and_none_of_its_keys(url, shown):
    assert masked_url(url) == shown


def test_long_words_that_are_no_keys_are_shown():
    url = "https://example.com/customer-subscription-events"

    assert masked_url(url) == url


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ""),
        ("a=1&b=%20x", "a=1&b=%20x"),
        ("code=aBcD&topic=orders", f"code={MASK}&topic=orders"),
        ("access_token=t&API-Key=k&sig=s", f"access_token={MASK}&API-Key={MASK}&sig={MASK}"),
        ("hub.verify_token=t&hub.mode=subscribe", f"hub.verify_token={MASK}&hub.mode=subscribe"),
        ("c%6Fde=x&code=y", f"c%6Fde={MASK}&code={MASK}"),
        ("code=a=b", f"code={MASK}"),
        ("code=&code", "code=&code"),
        ("zipcode=8000&monkey=1", "zipcode=8000&monkey=1"),
    ],
)
def test_a_query_hides_what_well_known_parameters_carry(query, shown):
    assert masked_query(query) == shown


def test_a_query_hides_what_its_webhook_reads_a_token_from():
    assert masked_query("k=secret&%6b=secret&l=1", secret={"k"}) == f"k={MASK}&%6b={MASK}&l=1"


@given(st.text(), st.lists(st.tuples(st.text("abc%="), st.text(" +%é", max_size=5))))
def test_a_query_is_parted_without_a_change(text, pairs):
    query = "&".join([text, *(f"{name}={value}" for name, value in pairs)])

    assert "&".join(each.label + each.value for each in parameters(query)) == query


@given(st.text("0123456789", min_size=1))
def test_a_secret_parameter_never_shows_its_value(value):
    assert masked_query(f"token={value}") == f"token={MASK}"
