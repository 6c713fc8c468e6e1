"""``listen`` prints and forwards each event once, from where it was left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smart_api_integrations import Webhooks
from smart_api_integrations.cli.listen import Place, _forwardable
from smart_api_integrations.testing.signed_webhooks import SignedWebhooks


@pytest.fixture
def arrive(tmp_path, cli, monkeypatch):
    """Return a function by which an event of each given type arrives."""
    url = f"sqlite:///{tmp_path}/webhooks.db"
    monkeypatch.setenv("WEBHOOKS_DATABASE_URL", url)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def arrive(*types):
        make = SignedWebhooks()
        with Webhooks(database_url=url) as webhooks:
            for event in types:
                hook = make.github(event)
                taken = webhooks.platform.gateway.accept_whole(
                    hook.request, "github", "default", received=tuple(hook.headers.items())
                )
                assert webhooks.call(taken).status == 200

    return arrive


def types(ended):
    assert ended.code == 0, ended.err
    return [event["event_type"] for event in ended.objects]


class TestPrint:
    def test_what_came_before_the_first_time_is_past(self, cli, arrive):
        arrive("push")

        assert types(cli("listen", "--once", "--json")) == []

    def test_what_arrives_while_it_is_away_comes_first_and_once(self, cli, arrive):
        arrive("push")
        cli("listen", "--once")
        arrive("issues.opened", "release.published")

        assert types(cli("listen", "--once", "--json")) == ["issues", "release"]
        assert types(cli("listen", "--once", "--json")) == []

    def test_it_can_begin_with_the_oldest(self, cli, arrive):
        arrive("push", "ping")
        cli("listen", "--once")

        assert types(cli("listen", "--once", "--json", "--from-start")) == ["push", "ping"]

    def test_each_question_has_a_place_of_its_own(self, cli, arrive):
        arrive("push")
        cli("listen", "--once")
        cli("listen", "--once", "--event-type", "push")
        arrive("push", "ping")

        assert types(cli("listen", "--once", "--json", "--event-type", "push")) == ["push"]
        assert types(cli("listen", "--once", "--json")) == ["push", "ping"]

    def test_the_place_may_be_kept_in_a_file(self, cli, arrive, tmp_path):
        arrive("push")
        cli("listen", "--once", "--state", "place.json")

        assert len(json.loads((tmp_path / "place.json").read_text())["seen"]) == 1

    def test_more_than_a_page_is_printed_in_order(self, cli, arrive):
        arrive("ping")
        cli("listen", "--once")
        arrive(*["push"] * 230, "release.published")

        printed = types(cli("listen", "--once", "--json"))

        assert printed == ["push"] * 230 + ["release"]

    def test_people_get_a_line(self, cli, arrive):
        arrive("pull_request.opened")
        (line,) = cli("listen", "--once", "--from-start").lines

        assert line.split()[1:3] == ["github", "pull_request.opened"]


class TestForward:
    def test_requests_are_forwarded_byte_for_byte(self, cli, arrive, tmp_path, monkeypatch):
        sent = []

        async def keep(_transport, request, url):
            sent.append((url, request))
            return type("Answer", (), {"status": 202})()

        monkeypatch.setattr("smart_api_integrations.cli.listen.send_one", keep)
        arrive("push")
        ended = cli("listen", "--once", "--from-start", "--json", "--forward-to", "http://127.0.0.1:9/hook")

        ((url, request),) = sent
        (tmp_path / "body").write_bytes(request.body)
        (tmp_path / "headers").write_text(
            "".join(f"{name}: {value}\n" for name, value in request.headers.items())
        )
        assert url == "http://127.0.0.1:9/hook"
        assert ended.objects[0]["forwarded"] == 202
        assert cli("verify", "github", "--body", "body", "--headers", "headers").code == 0

    def test_headers_of_the_connection_stay_behind(self):
        received = (("Host", "a"), ("Content-Length", "3"), ("X-Signature", "s"), ("Connection", "close"))

        assert _forwardable(received) == (("X-Signature", "s"),)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"other": 1}'])
def test_a_place_that_cannot_be_read_is_a_new_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "place.json").write_text(text)

    assert Place.kept_in(tmp_path / "place.json").seen is None
