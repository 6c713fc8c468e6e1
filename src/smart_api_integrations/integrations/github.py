"""GitHub's payloads as events of ours. Floor 8.

A payload of GitHub's has hundreds of fields that change without notice; receivers get the few that say
what happened, under names that stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.integrations.trigger import EventTrigger

Payload = Mapping[str, Any]

_METADATA = {"source": "github"}
_BRANCH = "refs/heads/"


class GitHubWebhookAdapter:
    """Sends ``github.push``, ``github.pull_request.<action>`` and ``github.issue.<action>``.

    It takes payloads, not requests: receive them through ``/webhooks/github``, which verifies them.
    """

    def __init__(self, manager: EventTrigger) -> None:
        """Send through *manager*."""
        self._manager = manager

    def handle_push(self, payload: Payload) -> str:
        """Send ``github.push`` and return the message's id.

        Raises:
            InvalidInput: The payload is no JSON object.
        """
        payload = _checked(payload)
        ref = str(payload.get("ref") or "")
        commits = [_commit(each) for each in payload.get("commits") or () if isinstance(each, Mapping)]
        data = _common(payload) | {
            "ref": ref,
            "branch": ref.removeprefix(_BRANCH) if ref.startswith(_BRANCH) else None,
            "pusher": _inside(payload, "pusher", "name"),
            "commits": commits,
            "commit_count": len(commits),
        }
        return self._manager.trigger_event("github.push", data, _METADATA)

    def handle_pull_request(self, payload: Payload) -> str:
        """Send ``github.pull_request.opened``, or whatever the action is; return the message's id.

        Raises:
            InvalidInput: The payload is no JSON object.
        """
        payload = _checked(payload)
        data = _item(payload, "pull_request") | {
            "merged": _inside(payload, "pull_request", "merged"),
            "head": _inside(payload, "pull_request", "head", "ref"),
            "base": _inside(payload, "pull_request", "base", "ref"),
        }
        return self._manager.trigger_event(_named("github.pull_request", payload), data, _METADATA)

    def handle_issue(self, payload: Payload) -> str:
        """Send ``github.issue.opened``, or whatever the action is; return the message's id.

        Raises:
            InvalidInput: The payload is no JSON object.
        """
        payload = _checked(payload)
        labels = _inside(payload, "issue", "labels") or ()
        data = _item(payload, "issue") | {"labels": [_inside(label, "name") for label in labels]}
        return self._manager.trigger_event(_named("github.issue", payload), data, _METADATA)


def _checked(payload: Any) -> Payload:
    if not isinstance(payload, Mapping):
        raise InvalidInput.at(
            field="payload", found=f"a {type(payload).__name__}", expected="GitHub's JSON object, parsed"
        )
    return payload


def _named(event: str, payload: Payload) -> str:
    action = payload.get("action")
    return f"{event}.{action}" if action else event


def _common(payload: Payload) -> dict[str, Any]:
    return {
        "repository": _inside(payload, "repository", "full_name"),
        "sender": _inside(payload, "sender", "login"),
    }


def _item(payload: Payload, name: str) -> dict[str, Any]:
    """Return what pull requests and issues have in common."""
    return _common(payload) | {
        "action": payload.get("action"),
        "number": _inside(payload, name, "number"),
        "title": _inside(payload, name, "title"),
        "state": _inside(payload, name, "state"),
        "author": _inside(payload, name, "user", "login"),
        "url": _inside(payload, name, "html_url"),
    }


def _commit(commit: Payload) -> dict[str, Any]:
    return {
        "id": commit.get("id"),
        "message": commit.get("message"),
        "author": _inside(commit, "author", "name"),
        "url": commit.get("url"),
    }


def _inside(value: Any, *names: str) -> Any:
    """Return what stands at a path, or None where the path ends early."""
    for name in names:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value
