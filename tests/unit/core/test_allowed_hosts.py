"""Promises about the URLs that a request may have us call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.allowed_hosts import LONGEST_URL, host_patterns, is_allowed_url
from smart_api_integrations.errors import ConfigurationError

SNS = host_patterns(["sns.<aws-region>.amazonaws.com", "sns.<aws-region>.amazonaws.com.cn"])
CONFIRM = "/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-east-1:1:t&Token=2336412f37"


@pytest.mark.parametrize(
    "url",
    [
        f"https://sns.us-east-1.amazonaws.com{CONFIRM}",
        f"https://sns.us-gov-west-1.amazonaws.com{CONFIRM}",
        f"https://sns.cn-north-1.amazonaws.com.cn{CONFIRM}",
        "https://SNS.eu-central-1.AMAZONAWS.com/",
        "https://sns.eu-central-1.amazonaws.com",
        "https://sns.eu-central-1.amazonaws.com?a=b",
    ],
)
def test_an_https_url_of_a_listed_host_is_allowed(url):
    assert is_allowed_url(url, SNS)


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.us-east-1.amazonaws.com/",
        "https://sns.us-east-1.amazonaws.com.evil.example/",
        "https://sns.us-east-1.amazonaws.com@evil.example/",
        "https://sns.us-east-1.amazonaws.com\\@evil.example/",
        "https://evil.example/#sns.us-east-1.amazonaws.com",
        "https://evil.example#@sns.us-east-1.amazonaws.com/",
        "https://sns.us-east-1.amazonaws.com:8443/",
        "https://sns.us-east-1.amazonaws.com:443/",
        "https://sns.us-east-1.amazonaws.com./",
        "https://sns.s3-us-west-2.amazonaws.com/",
        "https://sns.s3.amazonaws.com/",
        "https://xsns.us-east-1.amazonaws.com/",
        "https://sns.us-east-1.amazonaws.com /",
        "https://sns.us-east-1.amazonaws.com/\r\nHost: evil.example",
        "https://sns.us-east-1.amazonaws.com/\n",
        "https://sns.us‑east-1.amazonaws.com/",
        "https://ｓns.us-east-1.amazonaws.com/",
        "https:/sns.us-east-1.amazonaws.com/",
        "//sns.us-east-1.amazonaws.com/",
        "file:///etc/passwd",
        "https://127.0.0.1/",
        "https://[::1]/",
        "",
        f"https://sns.us-east-1.amazonaws.com/{'a' * LONGEST_URL}",
    ],
)
def test_whatever_is_not_plainly_one_of_them_is_refused(url):
    assert not is_allowed_url(url, SNS)


def test_a_star_stands_for_what_is_below_a_domain_and_never_for_the_domain_or_its_lookalikes():
    patterns = host_patterns(["*.example.com"])

    assert is_allowed_url("https://a.example.com/", patterns)
    assert is_allowed_url("https://a.b.example.com/", patterns)
    assert not is_allowed_url("https://example.com/", patterns)
    assert not is_allowed_url("https://evilexample.com/", patterns)
    assert not is_allowed_url("https://a.example.com.evil.net/", patterns)


@pytest.mark.parametrize(
    "host",
    ["", "*", "*.", "localhost", "sns.*.amazonaws.com", "a.example.com:443", "https://a.b", "A.b", "a..b"],
)
def test_what_is_no_host_cannot_be_listed(host):
    with pytest.raises(ConfigurationError, match="allow_hosts"):
        host_patterns([host])


@given(st.text(max_size=40), st.text(max_size=20))
def test_no_text_around_a_listed_host_leads_elsewhere(before, after):
    """Whatever is put around it, the host that is connected to is the listed one or the URL is refused."""
    url = f"https://{before}hooks.example.com{after}"

    if is_allowed_url(url, host_patterns(["hooks.example.com"])):
        assert before == ""
        assert after[:1] in {"", "/", "?"}
