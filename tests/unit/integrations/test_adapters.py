"""Promises about what turns payloads and rows into events."""

import datetime as dt
import decimal
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.integrations import DatabaseWebhookIntegration, GitHubWebhookAdapter


class Kept:
    """Stands where a manager stands; keeps what it is given."""

    def __init__(self):
        self.events = []

    def trigger_event(self, event, data, metadata=None):
        self.events.append((event, data, metadata))
        return f"msg_{len(self.events)}"


@pytest.fixture
def kept():
    return Kept()


class TestGitHub:
    def test_a_push_as_the_guide_has_it(self, kept):
        message_id = GitHubWebhookAdapter(kept).handle_push(
            {
                "repository": {"full_name": "user/repo"},
                "pusher": {"name": "developer"},
                "commits": [...],
                "ref": "refs/heads/main",
            }
        )

        ((event, data, metadata),) = kept.events
        assert (message_id, event, metadata) == ("msg_1", "github.push", {"source": "github"})
        assert (data["repository"], data["pusher"]) == ("user/repo", "developer")
        assert (data["ref"], data["branch"]) == ("refs/heads/main", "main")

    def test_a_push_tells_its_commits(self, kept):
        commit = {
            "id": "abc",
            "message": "Fix",
            "author": {"name": "Ada"},
            "url": "https://x/abc",
            "tree_id": "t",
        }

        GitHubWebhookAdapter(kept).handle_push({"ref": "refs/tags/v1", "commits": [commit]})

        data = kept.events[0][1]
        assert data["commits"] == [{"id": "abc", "message": "Fix", "author": "Ada", "url": "https://x/abc"}]
        assert (data["commit_count"], data["branch"]) == (1, None)

    def test_a_pull_request_carries_its_action_in_its_type(self, kept):
        payload = {
            "action": "closed",
            "repository": {"full_name": "user/repo"},
            "sender": {"login": "ada"},
            "pull_request": {
                "number": 7,
                "title": "Faster",
                "state": "closed",
                "merged": True,
                "html_url": "https://github.com/user/repo/pull/7",
                "user": {"login": "grace"},
                "head": {"ref": "fast"},
                "base": {"ref": "main"},
            },
        }

        GitHubWebhookAdapter(kept).handle_pull_request(payload)

        event, data, _ = kept.events[0]
        assert event == "github.pull_request.closed"
        assert data == {
            "repository": "user/repo",
            "sender": "ada",
            "action": "closed",
            "number": 7,
            "title": "Faster",
            "state": "closed",
            "author": "grace",
            "url": "https://github.com/user/repo/pull/7",
            "merged": True,
            "head": "fast",
            "base": "main",
        }

    def test_an_issue_carries_its_action_and_labels(self, kept):
        GitHubWebhookAdapter(kept).handle_issue(
            {"action": "labeled", "issue": {"number": 3, "labels": [{"name": "bug"}, {"name": "ui"}]}}
        )

        event, data, _ = kept.events[0]
        assert event == "github.issue.labeled"
        assert (data["number"], data["labels"], data["author"]) == (3, ["bug", "ui"], None)

    @pytest.mark.parametrize("name", ["handle_push", "handle_pull_request", "handle_issue"])
    def test_what_is_missing_is_told_as_nothing(self, kept, name):
        getattr(GitHubWebhookAdapter(kept), name)({})

        assert kept.events[0][1]["repository"] is None

    @pytest.mark.parametrize("payload", [None, "{}", b"{}", [1]])
    def test_what_is_no_object_is_refused(self, kept, payload):
        with pytest.raises(InvalidInput, match="payload"):
            GitHubWebhookAdapter(kept).handle_push(payload)
        assert kept.events == []


class TestDatabase:
    def test_a_created_row_as_the_guide_has_it(self, kept):
        DatabaseWebhookIntegration(kept).on_record_created(
            "users", 123, {"name": "John", "email": "john@example.com"}
        )

        assert kept.events == [
            (
                "data.created",
                {"table": "users", "record_id": 123, "data": {"name": "John", "email": "john@example.com"}},
                {"source": "database"},
            )
        ]

    def test_an_updated_row_tells_what_differs(self, kept):
        old, new = {"name": "John", "age": 30, "gone": 1}, {"name": "John", "age": 31, "new": None}

        DatabaseWebhookIntegration(kept).on_record_updated("users", 123, old, new)

        event, data, _ = kept.events[0]
        assert event == "data.updated"
        assert (data["old_data"], data["new_data"]) == (old, new)
        assert data["changes"] == {
            "age": {"old": 30, "new": 31},
            "gone": {"old": 1, "new": None},
            "new": {"old": None, "new": None},
        }

    def test_a_deleted_row_may_bring_its_last_values(self, kept):
        hooks = DatabaseWebhookIntegration(kept)

        hooks.on_record_deleted("users", 123)
        hooks.on_record_deleted("users", 124, {"name": "Eve"})

        assert [data for _, data, _ in kept.events] == [
            {"table": "users", "record_id": 123},
            {"table": "users", "record_id": 124, "data": {"name": "Eve"}},
        ]

    def test_what_json_cannot_hold_is_sent_as_text(self, kept):
        key = uuid.UUID(int=7)
        row = {"price": decimal.Decimal("9.90"), "on": dt.date(2026, 1, 2)}

        DatabaseWebhookIntegration(kept).on_record_created("items", key, row)

        data = kept.events[0][1]
        assert (data["record_id"], data["data"]) == (str(key), {"price": "9.90", "on": "2026-01-02"})

    @given(
        old=st.dictionaries(st.text(max_size=3), st.integers() | st.none(), max_size=5),
        new=st.dictionaries(st.text(max_size=3), st.integers() | st.none(), max_size=5),
    )
    def test_the_changes_lead_from_the_old_row_to_the_new(self, old, new):
        kept = Kept()
        DatabaseWebhookIntegration(kept).on_record_updated("t", 1, old, new)

        changes = kept.events[0][1]["changes"]
        led = {**old, **{name: change["new"] for name, change in changes.items()}}
        assert {name: value for name, value in led.items() if name in new} == new
        assert bool(changes) == (old != new)
