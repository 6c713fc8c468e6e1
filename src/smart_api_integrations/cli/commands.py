"""The table of commands, and loading one when it is called. Floor 10.

The table is all that ``webhooks --help`` needs, so it loads nothing; a command's module is imported when the
command is named. A command stands in the module of its name, as a function of that name or, where it has
commands of its own, as a Typer called ``program``.
"""

from __future__ import annotations

from typing import NamedTuple

SUMMARY = "Receive, keep, handle and send webhooks."


class Entry(NamedTuple):
    """One line of the help; not a dataclass, because importing those takes longer than the whole help.

    Attributes:
        group: The heading that it stands under.
        summary: What the command does, in a few words.
    """

    group: str
    summary: str


BEGIN, RECEIVE, TRY, LOOK, RUN = "Begin", "Receive", "Try", "Look and mend", "Run"

COMMANDS: dict[str, Entry] = {
    "init": Entry(group=BEGIN, summary="Write a starting point: settings and a first handler"),
    "dev": Entry(group=BEGIN, summary="Serve for development: every event a line"),
    "demo": Entry(group=BEGIN, summary="Show a lively dashboard on a temporary database"),
    "completion": Entry(group=RUN, summary="Print what a shell needs to complete commands"),
    "doctor": Entry(group=RUN, summary="Look at a deployment, and say what to mend"),
    "check": Entry(group=BEGIN, summary="Check settings, senders, secrets and handlers"),
    "db": Entry(group=RUN, summary="Upgrade, back up and purge the database; seal anew"),
    "serve": Entry(group=RUN, summary="Run the server: ways in, worker, API and dashboard"),
    "keys": Entry(group=RUN, summary="Make, list, rotate and revoke API keys"),
    "add-webhook": Entry(group=RECEIVE, summary="Write providers/<name>/webhook.yaml for a sender"),
    "generate-webhook-handler": Entry(group=RECEIVE, summary="Write a typed handler class for events"),
    "list-handlers": Entry(group=RECEIVE, summary="Show which handlers run on which events"),
    "providers": Entry(group=RECEIVE, summary="List and show senders, check a webhook.yaml"),
    "captured-keys": Entry(group=RECEIVE, summary="Let a handshake bring a webhook's secret"),
    "test-webhook": Entry(group=TRY, summary="Send a signed sample event, or run it right here"),
    "trigger": Entry(group=TRY, summary="The same as test-webhook"),
    "sign": Entry(group=TRY, summary="Sign a body as the sender would: headers or a curl"),
    "verify": Entry(group=TRY, summary="Say whether a request verifies, and if not, why"),
    "preview": Entry(group=TRY, summary="Try a filter or a transformation on a message"),
    "listen": Entry(group=LOOK, summary="Print or forward what arrives, and what it missed"),
    "events": Entry(group=LOOK, summary="List, show, export and replay what came in"),
    "deliveries": Entry(group=LOOK, summary="List, show, export and resend what was sent"),
    "dead-letters": Entry(group=LOOK, summary="List, export and replay what failed for good"),
    "replays": Entry(group=LOOK, summary="Do finished or dead work again, over a filter"),
    "event-types": Entry(group=LOOK, summary="List and change your own event types"),
    "forward-rules": Entry(group=LOOK, summary="Rules that send received events on"),
    "endpoints": Entry(group=LOOK, summary="List, show and export where messages go"),
    "alerts": Entry(group=LOOK, summary="List what was alarming, try who is told of it"),
}

EXAMPLES = (
    "webhooks dev --handlers shop.webhooks",
    "webhooks trigger github push",
    "webhooks verify stripe --body body.json --headers headers.txt",
)


def module_of(name: str) -> str:
    """Return the module that holds the command *name*.

    >>> module_of("list-handlers")
    'smart_api_integrations.cli.list_handlers'
    """
    return f"{__package__}.{name.replace('-', '_')}"


def overview(program: str = "webhooks") -> str:
    """Return the program's help: every command by group, and examples."""
    width = max(map(len, COMMANDS)) + 2
    lines = [f"Usage: {program} COMMAND [OPTIONS]", "", f"  {SUMMARY}"]
    for group in (BEGIN, RECEIVE, TRY, LOOK, RUN):
        members = [(name, entry.summary) for name, entry in COMMANDS.items() if entry.group == group]
        if members:
            lines += ["", f"{group}:", *(f"  {name:<{width}}{summary}" for name, summary in members)]
    lines += ["", "Examples:", *(f"  {line}" for line in EXAMPLES)]
    lines += ["", f"{program} COMMAND --help says more; --version tells which this is."]
    return "\n".join(lines)
