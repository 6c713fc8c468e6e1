"""What the commands about sending say where something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smart_api_integrations import Webhooks


@pytest.fixture
def database(tmp_path: Path, cli, monkeypatch) -> str:
    """Make a journal with one endpoint; return its id."""
    url = f"sqlite:///{tmp_path}/webhooks.db"
    monkeypatch.setenv("WEBHOOKS_DATABASE_URL", url)
    with Webhooks(database_url=url) as webhooks:
        register = webhooks.platform.endpoints.register
        return webhooks.call(register("https://example.com/hook", ["order.*"], filter="data.n == 1")).id


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("endpoints", "rotate", "ep_nobody"), 3, "ep_nobody"),
        (("endpoints", "rotate", "{id}", "--grace-hours", "200"), 2, "grace"),
        (("endpoints", "rotate", "{id}", "--secret-file", "nothing.txt"), None, "nothing.txt"),
        (("event-types", "show", "nobody"), 3, "nobody"),
        (("event-types", "put", "order.*"), 2, "pattern"),
        (("event-types", "put", "a", "--schema", "broken.json"), 2, "not JSON"),
        (("event-types", "put", "a", "--schema", "wrong.json"), 2, "schema"),
        (("forward-rules", "add", "--filter", "payload."), 2, "filter"),
        (("forward-rules", "add", "--endpoint", "ep_nobody"), 2, "endpoint_id"),
        (("forward-rules", "delete", "fwd_nobody"), 3, "fwd_nobody"),
        (("preview", "--filter", "data."), 2, "filter"),
        (("preview", "--endpoint", "ep_nobody"), 3, "webhook"),
        (("preview", "--message", "msg_nobody"), 3, "message"),
        (("preview", "--data", "broken.json"), 2, "not JSON"),
    ],
)
def test_a_fault_is_one_line_and_an_exit_code(
    cli, database: str, tmp_path: Path, words: tuple[str, ...], code: int | None, told: str
) -> None:
    (tmp_path / "broken.json").write_text("{", "utf-8")
    (tmp_path / "wrong.json").write_text('{"type": "nothing"}', "utf-8")

    ended = cli(*(word.format(id=database) for word in words))

    assert told in ended.err
    assert ended.out == ""
    assert ended.code == code if code is not None else ended.code != 0


def test_an_endpoints_own_filter_is_tried(cli, database: str, tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text('{"n": 1}', "utf-8")
    tried = ("preview", "--endpoint", database, "--json", "--data", "order.json")

    wanted = cli(*tried).json
    instead = cli(*tried, "--filter", "data.n == 2").json

    assert (wanted["wanted"], wanted["body"]["data"]) == (True, {"n": 1})
    assert instead == {"wanted": False, "body": None, "size": 0, "fault": None}


def test_a_key_pair_and_a_secret_of_ones_own_can_be_rotated_in(cli, database: str, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("a secret of my own, and long\n", "utf-8")

    pair = cli("endpoints", "rotate", database, "--key-pair", "--json").json
    own = cli("endpoints", "rotate", database, "--secret-file", "secret.txt", "--grace-hours", "0")

    assert pair["secret"].startswith("whsk_")
    assert pair["public_key"].startswith("whpk_")
    assert own.out == "a secret of my own, and long\n"
    assert json.loads(cli("endpoints", "show", database).out)["old_secrets"] == []
