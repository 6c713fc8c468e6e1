"""The policy that every page keeps."""

from smart_api_integrations.core.page_policy import HEADERS, content_security_policy


def directives(policy):
    return dict(part.strip().split(" ", 1) for part in policy.split(";"))


def test_nothing_loads_that_is_not_named():
    found = directives(HEADERS["Content-Security-Policy"])

    assert found["default-src"] == "'none'"
    assert found["script-src"] == found["style-src"] == found["form-action"] == "'self'"
    assert found["frame-ancestors"] == found["base-uri"] == "'none'"
    assert not any("unsafe" in value for value in found.values())


def test_a_nonce_is_for_styles_alone():
    found = directives(content_security_policy(style_nonce="abc"))

    assert found.pop("style-src") == "'self' 'nonce-abc'"
    assert not any("abc" in value for value in found.values())


def test_our_own_forms_name_their_origin():
    assert HEADERS["Referrer-Policy"] == "same-origin"
