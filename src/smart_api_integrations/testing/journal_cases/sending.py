"""Promises about messages and endpoints. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from smart_api_integrations.core.credentials import Credentials
from smart_api_integrations.core.endpoint import OldSecret
from smart_api_integrations.core.journal import AttemptStatistics, Published
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.errors import InvalidInput, NotFound
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import JournalCase, claim, handoff, promise

GRACE = timedelta(hours=24)


class MessageCases(JournalCase):
    """``MessageStore``."""

    @promise
    async def test_each_active_endpoint_that_matches_gets_a_delivery(self, journal: Journal) -> None:
        wanted = [
            self.endpoint(events=("order.created",)),
            self.endpoint(events=("user.*", "order.*"), retry_count=2),
            self.endpoint(events=("*",), retry_delay=timedelta(seconds=1)),
        ]
        unwanted = [
            self.endpoint(events=("order.paid", "orders.*")),
            self.endpoint(active=False),
            self.endpoint(tenant="another"),
        ]
        for endpoint in [*wanted, *unwanted]:
            await journal.endpoints.add(endpoint)
        message = self.message()

        published = await journal.messages.publish(message)

        trace = await journal.messages.trace(message.id)
        assert published == Published(message_id=message.id, deliveries=3)
        assert trace is not None
        assert (list(trace.messages), trace.event) == ([message], None)
        assert sorted(part.target for part in trace.deliveries) == sorted(each.id for each in wanted)
        assert {part.max_attempts for part in trace.deliveries} == {
            endpoint.schedule.attempts for endpoint in wanted
        }
        assert {(part.state, part.due_at) for part in trace.deliveries} == {(State.PENDING, self.clock())}

    @promise
    async def test_a_filter_decides_by_the_message_who_gets_it(self, journal: Journal) -> None:
        large = self.endpoint(filter="data.total > 100")
        faulty = self.endpoint(filter="data.total.startsWith('x')")
        every = self.endpoint()
        for endpoint in (large, faulty, every):
            await journal.endpoints.add(endpoint)
        bodies = {
            "small": b'{"data": {"total": 5}}',
            "big": b'{"data": {"total": 500}}',
        }
        messages = {name: self.message(body=body, ordering_key="k") for name, body in bodies.items()}

        for message in messages.values():
            await journal.messages.publish(message)

        targets: dict[str, set[str]] = {}
        for name, message in messages.items():
            trace = await journal.messages.trace(message.id)
            assert trace is not None
            targets[name] = {each.target for each in trace.deliveries}
        assert targets["small"] == {faulty.id, every.id}, "what cannot be computed is not lost"
        assert targets["big"] == {large.id, faulty.id, every.id}

    @promise
    async def test_a_message_for_one_endpoint_goes_to_that_one_alone(self, journal: Journal) -> None:
        chosen = self.endpoint(events=("nothing.of.that",))
        filtered = self.endpoint(filter="data.total > 100")
        off = self.endpoint(active=False)
        for endpoint in (chosen, filtered, off, self.endpoint()):
            await journal.endpoints.add(endpoint)
        body = b'{"data": {"total": 5}}'

        published = {
            endpoint_id: await journal.messages.publish(self.message(endpoint_id=endpoint_id, body=body))
            for endpoint_id in (chosen.id, filtered.id, off.id, "ep_unknown")
        }

        assert [each.deliveries for each in published.values()] == [1, 0, 0, 0]
        (claimed,) = await claim(journal)
        assert claimed.endpoint == chosen
        assert claimed.message is not None
        assert claimed.message.endpoint_id == chosen.id

    @promise
    async def test_a_message_that_nobody_wants_is_kept(self, journal: Journal) -> None:
        message = self.message(tenant="lonely")

        assert await journal.messages.publish(message) == Published(message_id=message.id, deliveries=0)
        assert await journal.messages.messages() == [message]

    @promise
    async def test_publishing_the_same_id_again_changes_nothing(self, journal: Journal) -> None:
        journals = (journal, await self.another())
        for _ in range(2):
            await journal.endpoints.add(self.endpoint())
        message = self.message()

        published = await asyncio.gather(
            *(journals[n % 2].messages.publish(message, handoff=handoff()) for n in range(20))
        )
        await journal.endpoints.add(self.endpoint())
        later = await journal.messages.publish(self.message(id=message.id, body=b"another"))

        assert {one.deliveries for one in [*published, later]} == {2}
        assert sorted(len(one.claims) for one in published) == [0] * 19 + [2]
        assert await journal.messages.messages() == [message]
        assert len(await journal.work.deliveries()) == 2

    @promise
    async def test_a_handoff_leases_all_but_refused_endpoints(self, journal: Journal) -> None:
        taken, refused = self.endpoint(), self.endpoint()
        for endpoint in (taken, refused):
            await journal.endpoints.add(endpoint)
        message = self.message()

        published = await journal.messages.publish(message, handoff=handoff(refused.id))

        (leased,) = published.claims
        (left,) = await claim(journal, owner="worker-2")
        assert (leased.message, leased.endpoint, left.endpoint) == (message, taken, refused)
        assert (leased.work.state, leased.work.fence, leased.work.attempt_count) == (State.DELIVERING, 1, 1)
        assert leased.work == await journal.work.work(leased.work.id)

    @promise
    async def test_messages_come_newest_first_in_pages(self, journal: Journal) -> None:
        messages = [self.message(hops=2, handler="h", event_id=self.new_id("evt_")) for _ in range(5)]
        for message in messages:
            await journal.messages.publish(message)

        first = await journal.messages.messages(limit=3)
        rest = await journal.messages.messages(limit=3, before=first[-1].id)

        assert [*first, *rest] == messages[::-1]


class EndpointCases(JournalCase):
    """``EndpointStore``."""

    @promise
    async def test_an_endpoint_is_kept_whole(self, journal: Journal) -> None:
        endpoint = self.endpoint(
            tenant="shop",
            events=("order.*", "user.created"),
            secret="whsec_☃",  # noqa: S106 - a sample
            old_secrets=(OldSecret(secret="before", expires_at=self.clock() + GRACE),),  # noqa: S106 - likewise
            auth=Credentials(kind="basic", username="☃", secret="hush"),  # noqa: S106 - likewise
            filter="data.total > 100",
            transformation="{'text': event}",
            active=False,
            retry_count=3,
            retry_delay=timedelta(seconds=0.25),
            timeout=timedelta(seconds=30),
            headers={"X-A": "ä"},
            metadata={"list": [1, None, {"a": 1.5}]},
            description="the shop's",
        )

        await journal.endpoints.add(endpoint)

        assert await journal.endpoints.endpoint(endpoint.id) == endpoint
        assert await journal.endpoints.endpoint("ep_unknown") is None
        with pytest.raises(InvalidInput, match=endpoint.id):
            await journal.endpoints.add(endpoint)

    @promise
    async def test_endpoints_come_oldest_first_of_one_tenant_or_all(self, journal: Journal) -> None:
        endpoints = []
        for tenant in ("one", "two", "one"):
            endpoints.append(self.endpoint(tenant=tenant))
            await journal.endpoints.add(endpoints[-1])
            self.clock.advance(seconds=1)

        assert list(await journal.endpoints.endpoints()) == endpoints
        assert list(await journal.endpoints.endpoints(tenant="one")) == [endpoints[0], endpoints[2]]

    @promise
    async def test_a_change_is_seen_by_the_next_message_of_any_process(self, journal: Journal) -> None:
        other = await self.another()
        endpoint = self.endpoint(events=("order.*",))
        counts = [(await other.messages.publish(self.message())).deliveries]
        await journal.endpoints.add(endpoint)
        counts.append((await other.messages.publish(self.message())).deliveries)
        self.clock.advance(seconds=1)

        changed = await journal.endpoints.change(endpoint.id, {"events": ["user.*"], "secret": "new"})
        counts.append((await other.messages.publish(self.message())).deliveries)
        await journal.endpoints.change(
            endpoint.id, {"events": ("order.created",), "url": "https://b.example"}
        )
        published = await other.messages.publish(self.message(), handoff=handoff())
        await journal.endpoints.remove(endpoint.id)
        counts.append((await other.messages.publish(self.message())).deliveries)

        assert counts == [0, 1, 0, 0]
        assert (changed.events, changed.secret, changed.updated_at) == (("user.*",), "new", self.clock())
        assert changed.created_at == endpoint.created_at
        used = published.claims[0].endpoint
        assert used is not None
        assert (used.url, used.secret) == ("https://b.example", "new")

    @promise
    async def test_only_known_attributes_of_known_endpoints_change(self, journal: Journal) -> None:
        endpoint = self.endpoint()
        await journal.endpoints.add(endpoint)

        for name in ("id", "created_at", "colour"):
            with pytest.raises(InvalidInput, match=name):
                await journal.endpoints.change(endpoint.id, {name: "x"})
        with pytest.raises(NotFound):
            await journal.endpoints.change("ep_unknown", {"active": False})

        assert await journal.endpoints.endpoint(endpoint.id) == endpoint

    @promise
    async def test_removing_an_endpoint_cancels_what_waits_for_it(self, journal: Journal) -> None:
        gone, stays = self.endpoint(), self.endpoint()
        for endpoint in (gone, stays):
            await journal.endpoints.add(endpoint)
        messages = [self.message() for _ in range(3)]
        done, retried = [
            (await journal.messages.publish(message, handoff=handoff(stays.id))).claims[0]
            for message in messages[:2]
        ]
        await journal.work.record(self.done(done))
        await journal.work.record(self.again(retried))
        await journal.messages.publish(messages[2])

        await journal.endpoints.remove(gone.id)

        states = [part.state for part in await journal.work.deliveries(endpoint_id=gone.id)]
        assert states == [State.CANCELLED, State.CANCELLED, State.DELIVERED]
        others = await journal.work.deliveries(endpoint_id=stays.id)
        assert {part.state for part in others} == {State.PENDING}
        trace = await journal.messages.trace(messages[0].id)
        assert trace is not None
        assert (len(trace.attempts), list(trace.endpoints)) == (1, [stays.id])
        self.clock.advance(days=1)
        assert {one.work.target for one in await claim(journal)} == {stays.id}
        with pytest.raises(NotFound):
            await journal.endpoints.remove(gone.id)

    @promise
    async def test_a_delivery_whose_endpoint_was_deleted_is_claimed_without_one(
        self, journal: Journal
    ) -> None:
        endpoint = self.endpoint()
        await journal.endpoints.add(endpoint)
        (running,) = (await journal.messages.publish(self.message(), handoff=handoff())).claims
        await journal.endpoints.remove(endpoint.id)
        await journal.work.record(self.again(running, seconds=0))

        (claimed,) = await claim(journal)

        assert (claimed.message, claimed.endpoint) == (running.message, None)

    @promise
    async def test_statistics_count_an_endpoints_attempts(self, journal: Journal) -> None:
        endpoint, other = self.endpoint(), self.endpoint()
        for each in (endpoint, other):
            await journal.endpoints.add(each)
        before = await journal.endpoints.statistics(endpoint.id)
        first = await journal.messages.publish(self.message(), handoff=handoff())
        await asyncio.gather(*(journal.work.record(self.again(one)) for one in first.claims))
        self.clock.advance(days=2)
        for claimed in await claim(journal):
            await journal.work.record(self.done(claimed))
        await journal.messages.publish(self.message(), handoff=handoff(other.id))
        self.clock.advance(minutes=1)
        await journal.work.reap()

        whole = await journal.endpoints.statistics(endpoint.id)
        today = await journal.endpoints.statistics(endpoint.id, since=timedelta(days=1))

        assert before == AttemptStatistics()
        assert (whole.total_attempts, whole.successful, whole.failed) == (3, 1, 2)
        assert whole.avg_duration_ms == pytest.approx((10 + 10 + 60_000) / 3)
        assert (today.total_attempts, today.successful, today.failed) == (2, 1, 1)

    @promise
    async def test_a_replaced_secret_signs_until_its_time_of_grace_is_over(self, journal: Journal) -> None:
        endpoint = self.endpoint(secret="one")  # noqa: S106 - a sample
        await journal.endpoints.add(endpoint)

        await journal.endpoints.rotate_secret(endpoint.id, "two", grace=timedelta(hours=1))
        self.clock.advance(minutes=30)
        after = await journal.endpoints.rotate_secret(endpoint.id, "three", grace=timedelta(hours=1))

        assert after == await journal.endpoints.endpoint(endpoint.id)
        assert after.secrets_at(self.clock()) == ("three", "two", "one")
        self.clock.advance(minutes=31)
        assert after.secrets_at(self.clock()) == ("three", "two")
        later = await journal.endpoints.rotate_secret(endpoint.id, "four", grace=timedelta(hours=1))
        assert [old.secret for old in later.old_secrets] == ["three", "two"], "what is over is forgotten"

    @promise
    async def test_no_grace_and_a_secret_that_is_set_end_all_before_it(self, journal: Journal) -> None:
        endpoint = self.endpoint(old_secrets=(OldSecret(secret="old", expires_at=self.clock() + GRACE),))  # noqa: S106 - a sample
        await journal.endpoints.add(endpoint)

        rotated = await journal.endpoints.rotate_secret(endpoint.id, "new", grace=timedelta(0))
        await journal.endpoints.rotate_secret(endpoint.id, "newer", grace=GRACE)
        changed = await journal.endpoints.change(endpoint.id, {"secret": "newest"})

        assert rotated.secrets_at(self.clock()) == ("new",)
        assert changed == await journal.endpoints.endpoint(endpoint.id)
        assert changed.secrets_at(self.clock()) == ("newest",)

    @promise
    async def test_rotations_at_once_forget_no_secret(self, journal: Journal) -> None:
        journals = (journal, await self.another())
        endpoint = self.endpoint(secret="0")  # noqa: S106 - a sample
        await journal.endpoints.add(endpoint)

        await asyncio.gather(
            *(journals[n % 2].endpoints.rotate_secret(endpoint.id, str(n), grace=GRACE) for n in range(1, 9))
        )

        kept = await journal.endpoints.endpoint(endpoint.id)
        assert kept is not None
        assert sorted(kept.secrets_at(self.clock())) == [str(n) for n in range(9)]

    @promise
    async def test_more_than_ten_old_secrets_are_refused(self, journal: Journal) -> None:
        endpoint = self.endpoint()
        await journal.endpoints.add(endpoint)
        for n in range(10):
            await journal.endpoints.rotate_secret(endpoint.id, str(n), grace=GRACE)

        with pytest.raises(InvalidInput, match="grace"):
            await journal.endpoints.rotate_secret(endpoint.id, "one too many", grace=GRACE)
        with pytest.raises(NotFound):
            await journal.endpoints.rotate_secret("ep_unknown", "x", grace=GRACE)

        kept = await journal.endpoints.endpoint(endpoint.id)
        assert kept is not None
        assert kept.secret == "9"  # noqa: S105 - a sample
