"""Settings: where they come from, and that every fault is told at once."""

from __future__ import annotations

import pytest

from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.settings import read_settings


def test_what_is_given_beats_the_environment_beats_the_file_beats_the_default():
    toml = 'port = 1\nhost = "a"\nhandlers = ["from.file"]'
    environ = {"WEBHOOKS_PORT": "2", "WEBHOOKS_HOST": "b", "HOME": "/"}
    settings = read_settings(given={"port": 3, "host": None}, environ=environ, toml=toml)
    assert (settings.port, settings.host, settings.handlers) == (3, "b", ("from.file",))
    assert settings.database_url == "sqlite:///webhooks.db"


def test_lists_are_comma_separated():
    settings = read_settings(
        environ={"WEBHOOKS_HANDLERS": "a.b, c", "WEBHOOKS_ALLOWED_NETWORKS": "10.0.0.0/8,fd00::/8"}
    )
    assert settings.handlers == ("a.b", "c")
    assert [str(network) for network in settings.allowed_networks] == ["10.0.0.0/8", "fd00::/8"]


def test_every_fault_is_told_at_once_with_the_nearest_known_name():
    environ = {"WEBHOOKS_PORT": "many", "WEBHOOKS_DATABSE_URL": "x", "WEBHOOKS_ROLES": "gateway,cook"}
    with pytest.raises(ConfigurationError) as raised:
        read_settings(environ=environ, toml="hots = 1")
    message = str(raised.value)
    for part in ("port:", "WEBHOOKS_DATABSE_URL", "did you mean WEBHOOKS_DATABASE_URL?", "roles.1:", "hots"):
        assert part in message


def test_a_fault_never_repeats_a_value():
    with pytest.raises(ConfigurationError) as raised:
        read_settings(given={"api_keys": [["whk_swordfish"]]})
    assert "swordfish" not in str(raised.value)


def test_secrets_are_not_shown():
    assert "swordfish" not in repr(read_settings(environ={"WEBHOOKS_API_KEYS": "swordfish"}))


def test_a_secret_of_a_provider_of_that_name_is_no_setting():
    environ = {"WEBHOOKS_WEBHOOK_SECRET": "x", "WEBHOOKS_TEST_POSTGRES_URL": "y"}
    assert read_settings(environ=environ) == read_settings()


def test_broken_toml_is_told():
    with pytest.raises(ConfigurationError, match=r"webhooks\.toml is not valid TOML"):
        read_settings(toml="port =")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("example.com", False)],  # noqa: S104
)
def test_loopback_is_known(host, loopback):
    assert read_settings(given={"host": host}).is_loopback is loopback


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("body_timeout_seconds", "inf"),
        ("body_timeout_seconds", "nan"),
        ("body_timeout_seconds", "1e-9"),
        ("handler_timeout_seconds", "inf"),
        ("handler_timeout_seconds", "1e-9"),
        ("lease_seconds", "nan"),
        ("lease_seconds", "1e-9"),
        ("dedupe_days", "inf"),
        ("dedupe_days", "1e-9"),
        ("shutdown_seconds", "inf"),
        ("shutdown_seconds", "nan"),
        ("handler_threads", "1000000"),
        ("worker_concurrency", "99999999999"),
        ("endpoint_concurrency", "99999999999"),
        ("max_body_bytes", "99999999999999"),
        ("public_url", "javascript:alert(1)"),
        ("public_url", "https://"),
        ("public_url", "hooks.example.com"),
        ("public_url", "https://user:password@hooks.example.com"),
        ("public_url", "https://hooks.example.com?a=b"),
        ("public_url", "https://hooks.example.com/\r\nx: y"),
        ("public_url", "https://hooks.example.com:port"),
        ("public_url", "https://[::1"),
        ("allowed_networks", "10.0.0.1/8"),
        ("allowed_networks", "hunter2"),
        ("trusted_proxies", "hunter2"),
    ],
)
def test_a_value_that_could_only_be_a_mistake_is_refused_and_not_repeated(name, value):
    with pytest.raises(ConfigurationError, match=name) as caught:
        read_settings(environ={f"WEBHOOKS_{name.upper()}": value})

    assert value not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com", "http://127.0.0.1:8000/in/", "https://[::1]:8443"]
)
def test_an_address_that_providers_can_reach_is_taken(url):
    assert read_settings(environ={"WEBHOOKS_PUBLIC_URL": url}).public_url == url
