"""Replaying: one piece of work, one event, one message, or a job over a filter. Floor 7."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from smart_api_integrations.core.journal import Trace, Work
from smart_api_integrations.core.lifecycle import ROADS, Kind
from smart_api_integrations.core.replay import (
    LONGEST_NOTE,
    Mode,
    Preview,
    Replay,
    ReplayFilter,
    ReplayOutcomes,
    ReplayPage,
    checked_replay_rate,
)
from smart_api_integrations.errors import InvalidInput, NotFound
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.work.replay import Assign, preview, to_do


class Replays:
    """What people ask of replays; the runner of jobs is ``work.replay``."""

    def __init__(
        self,
        journal: Journal,
        assign: Assign,
        *,
        handlers: Callable[[], Sequence[str]],
        new_id: Callable[[str], str],
        wake: Callable[[], None],
    ) -> None:
        """Work on *journal*.

        Args:
            journal: The store.
            assign: Says which handlings an event would get today.
            handlers: Names the handlers that this process knows.
            new_id: Makes an id from its prefix.
            wake: Called when there is a job to run, or work to do.
        """
        self._handlers = handlers
        self._journal = journal
        self._assign = assign
        self._new_id = new_id
        self._wake = wake

    async def preview(self, asked: ReplayFilter) -> Preview:
        """Count what a job over *asked* would do; nothing is changed.

        Raises:
            InvalidInput: The filter cannot be used.
            NotFound: There is no such endpoint.
        """
        return await preview(self._journal.replays, await self._checked(asked), self._assign)

    async def start(
        self, asked: ReplayFilter, *, rate: float | None = None, note: str = "", by: str = ""
    ) -> Replay:
        """Make a job over *asked*, which begins at once, and return it with what a preview counts.

        Args:
            asked: What to do again. Nothing younger than now is in it.
            rate: How much is made due in a second; 50 where it is not given.
            note: Why.
            by: Who asks.

        Raises:
            InvalidInput: The filter, the rate or the note cannot be used.
            NotFound: There is no such endpoint.
        """
        if len(note) > LONGEST_NOTE:
            message = f"The note is longer than {LONGEST_NOTE} characters."
            raise InvalidInput(message)
        rate = checked_replay_rate(rate)
        now = self._journal.now()
        asked = await self._checked(replace(asked, until=min(asked.until or now, now)))
        counted = await preview(self._journal.replays, asked, self._assign)
        job = Replay(
            id=self._new_id("rpl_"),
            filter=asked,
            rate=rate,
            note=note,
            by=by,
            total=counted.count,
            is_exact=counted.is_exact,
            created_at=now,
            updated_at=now,
        )
        await self._journal.replays.start(job)
        self._wake()
        return job

    async def get(self, replay_id: str) -> tuple[Replay, ReplayOutcomes]:
        """Return one job, and what became of the work that it made due.

        Raises:
            NotFound: The id is unknown.
        """
        job = await self._journal.replays.replay(replay_id)
        if job is None:
            message = f"There is no replay {replay_id}"
            raise NotFound(message)
        return job, await self._journal.replays.outcomes(job)

    async def jobs(self, *, limit: int = 50, before: str | None = None) -> Sequence[Replay]:
        """Return a page of jobs, newest first."""
        return await self._journal.replays.replays(limit=limit, before=before)

    async def pause(self, replay_id: str) -> Replay:
        """Make nothing more due until ``resume``; raises as the store does."""
        return await self._journal.replays.pause(replay_id)

    async def resume(self, replay_id: str) -> Replay:
        """Let a paused job go on where it was; raises as the store does."""
        job = await self._journal.replays.resume(replay_id)
        self._wake()
        return job

    async def cancel(self, replay_id: str) -> Replay:
        """End a job where it is; raises as the store does."""
        return await self._journal.replays.cancel(replay_id)

    async def work(self, work_id: str) -> Work:
        """Make one finished or dead piece of work due again.

        Raises:
            NotFound: The id is unknown.
            InvalidInput: It waits or runs already.
        """
        work = await self._journal.work.replay(work_id)
        self._wake()
        return work

    async def event(self, event_id: str, *, handler: str | None = None) -> Sequence[Work]:
        """Run the handlers of a received event again, or one of them; those that it had none of, too.

        Raises:
            NotFound: The event or the handler is unknown.
            InvalidInput: Every one waits or runs already.
        """
        trace = await self._journal.events.trace(event_id)
        if trace is None or trace.event is None:
            message = f"There is no event {event_id}"
            raise NotFound(message)
        done = await self._again([part for part in trace.handlings if handler in (None, part.target)])
        done += list(await self._missing_of(trace, handler))
        if done:
            return done
        if not any(handler in (None, part.target) for part in trace.handlings):
            message = f"No handler runs on {event_id}" + (f" under the name {handler}" if handler else "")
            raise NotFound(message)
        message = f"Every handling of {event_id} waits or runs already"
        raise InvalidInput(message)

    async def message(self, message_id: str, *, endpoint_id: str | None = None) -> Sequence[Work]:
        """Send a message again to each of its endpoints, or to one of them.

        Raises:
            NotFound: The message is unknown, or never went to that endpoint.
            InvalidInput: Every delivery waits or runs already.
        """
        trace = await self._journal.messages.trace(message_id)
        if trace is None:
            message = f"There is no message {message_id}"
            raise NotFound(message)
        parts = [
            part
            for part in trace.deliveries
            if part.subject_id == message_id and endpoint_id in (None, part.target)
        ]
        if not parts:
            message = f"{message_id} has no delivery" + (f" to {endpoint_id}" if endpoint_id else "")
            raise NotFound(message)
        done = await self._again(parts)
        if not done:
            message = f"Every delivery of {message_id} waits or runs already"
            raise InvalidInput(message)
        return done

    async def anything(self, id: str) -> int:
        """Do again what *id* names: an event's handlings, a message's deliveries, or one piece of work.

        Raises:
            NotFound: The id is unknown.
            InvalidInput: All of it waits or runs already.
        """
        if id.startswith("evt_"):
            return len(await self.event(id))
        if id.startswith("msg_"):
            return len(await self.message(id))
        await self.work(id)
        return 1

    async def _again(self, parts: Sequence[Work]) -> list[Work]:
        done = []
        for part in parts:
            if part.state in ROADS[part.kind].ends:
                try:
                    done.append(await self.work(part.id))
                except InvalidInput:  # somebody else did so just now
                    continue
        return done

    async def _missing_of(self, trace: Trace, handler: str | None) -> Sequence[Work]:
        """Run an event's handlers that are younger than it is."""
        if trace.event is None:
            return ()
        known = frozenset(part.target for part in trace.handlings)
        page = ReplayPage(cursor="", is_last=True, events=[trace.event], known={trace.event.id: known})
        wanted = to_do(page, ReplayFilter(kind=Kind.HANDLING, target=handler), self._assign)
        return await self._journal.replays.make(wanted) if wanted else ()

    async def _checked(self, asked: ReplayFilter) -> ReplayFilter:
        asked.check()
        if asked.kind is Kind.DELIVERY:
            if asked.target is not None and await self._journal.endpoints.endpoint(asked.target) is None:
                message = f"There is no endpoint {asked.target}"
                raise NotFound(message)
        elif asked.mode is Mode.MISSING and not self._handlers():
            message = (
                "No handlers are loaded here, so what is missing is not known: name their modules in "
                "WEBHOOKS_HANDLERS, or ask the server that runs them."
            )
            raise InvalidInput(message)
        return asked
