"""From publish to outcome: messages kept, delivered by the real client, and what each answer leads to."""

from __future__ import annotations

import asyncio
import hmac
import itertools
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from smart_api_integrations.application.identifiers import ulids
from smart_api_integrations.core.credentials import Credentials
from smart_api_integrations.core.endpoint import Endpoint, OldSecret
from smart_api_integrations.core.intake import NoIntake
from smart_api_integrations.core.journal import Claim, Handoff, Message, Outcome, Published, Work
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.outbound_request import Answer, OutboundRequest
from smart_api_integrations.errors import InvalidInput, NotFound
from smart_api_integrations.network.address_guard import AddressGuard
from smart_api_integrations.network.http_transport import HttpTransport
from smart_api_integrations.receive.handling import anything_goes
from smart_api_integrations.send.delivery import Delivering, printable
from smart_api_integrations.send.endpoints import Endpoints
from smart_api_integrations.send.publisher import Publisher
from smart_api_integrations.storage import open_journal
from smart_api_integrations.storage.secret_cipher import SecretCipher
from smart_api_integrations.testing.fault_server import FaultServer, closed_port

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
GUARD = AddressGuard([ip_network("127.0.0.0/8")])
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WORK = Work(
    id="dlv_1", kind=Kind.DELIVERY, subject_id="msg_1", target="ep_1", state=State.DELIVERING,
    attempt_count=1, max_attempts=3, due_at=None, created_at=NOON, updated_at=NOON,
)  # fmt: skip
MESSAGE = Message(id="msg_1", event="a.b", body=b'{"id":"msg_1","event":"a.b"}', created_at=NOON)


def endpoint(url: str = "https://example.com/", **more: Any) -> Endpoint:
    return Endpoint(
        id="ep_1", url=url, events=("*",), secret=SECRET, created_at=NOON, updated_at=NOON, **more
    )


def claim(to: Endpoint | None, *, failures: int = 0, hops: int = 0) -> Claim:
    return Claim(work=replace(WORK, failures=failures), message=replace(MESSAGE, hops=hops), endpoint=to)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


def delivering(transport: Any, now: Callable[[], datetime] = lambda: NOON) -> Delivering:
    numbers = itertools.count(1)
    return Delivering(
        transport, now=now, random=lambda: 0.5, new_id=lambda prefix: f"{prefix}{next(numbers)}"
    )


def deliver(claimed: Claim) -> Outcome:
    """Deliver through the real client."""

    async def run() -> Outcome:
        transport = HttpTransport(GUARD)
        try:
            return await delivering(transport).deliver(claimed)
        finally:
            await transport.close()

    return asyncio.run(run())


def test_a_2xx_is_a_delivery_and_the_attempt_tells_all_of_it(server: FaultServer) -> None:
    outcome = deliver(claim(endpoint(server.url("/status/202?x-id=7"), headers={"X-API-Key": "hush"})))

    attempt = outcome.attempt
    assert (outcome.state, outcome.wait, outcome.work.id) == (State.DELIVERED, None, "dlv_1")
    assert (
        attempt.id,
        attempt.work_id,
        attempt.kind,
        attempt.target,
        attempt.subject_id,
        attempt.number,
    ) == (("att_1", "dlv_1", Kind.DELIVERY, "ep_1", "msg_1", 1))
    assert (attempt.status, attempt.error_code, attempt.response_code) == ("succeeded", None, 202)
    assert attempt.response_body == "as you wish"
    assert attempt.response_headers is not None
    assert attempt.response_headers["x-id"] == "7"
    assert attempt.phases is not None
    assert attempt.phases.keys() == {"tcp", "ttfb", "body"}
    assert attempt.started_at == NOON
    assert attempt.duration_ms > 0


def test_the_secret_and_the_endpoints_own_header_values_are_in_no_attempt(server: FaultServer) -> None:
    outcome = deliver(claim(endpoint(server.url("/ok"), headers={"X-API-Key": "hush", "User-Agent": "acme"})))

    shown = outcome.attempt.request_headers
    assert shown is not None
    assert (shown["X-API-Key"], shown["User-Agent"]) == ("••••", "••••")
    assert server.requests[0].header("x-api-key") == "hush"
    assert shown["webhook-signature"] == server.requests[0].header("webhook-signature")
    assert "hush" not in repr(outcome)
    assert SECRET not in repr(outcome)


def test_credentials_are_sent_and_are_in_no_attempt(server: FaultServer) -> None:
    auth = Credentials(kind="basic", username="shop", secret="hush")
    outcome = deliver(claim(endpoint(server.url("/ok"), auth=auth)))

    shown = outcome.attempt.request_headers
    assert shown is not None
    assert shown["Authorization"] == "••••"
    assert server.requests[0].header("authorization") == auth.authorization
    assert auth.authorization not in repr(outcome)


def test_what_a_transformation_makes_is_signed_and_sent(server: FaultServer) -> None:
    to = endpoint(server.url("/ok"), filter="event == 'a.b'", transformation="{'text': 'got ' + id}")
    outcome = deliver(claim(replace(to, secret=SECRET)))

    sent = server.requests[0]
    assert outcome.state is State.DELIVERED
    assert sent.body == b'{"text":"got msg_1"}'
    signature = hmac.new(SECRET.encode(), sent.body, "sha256").hexdigest()
    assert sent.header("x-webhook-signature") == f"sha256={signature}"


@pytest.mark.parametrize(
    ("expressions", "state", "code"),
    [
        ({"filter": "event == 'another'"}, State.CANCELLED, "filtered"),
        ({"filter": "event > 5"}, State.FAILED, "filter_failed"),
        ({"transformation": "data.nothing"}, State.FAILED, "transformation_failed"),
    ],
)
def test_what_is_not_sent_for_an_expression_says_so(
    server: FaultServer, expressions: dict, state: State, code: str
) -> None:
    message = replace(MESSAGE, body=b'{"id":"msg_1","event":"a.b","data":{}}')
    outcome = deliver(replace(claim(endpoint(server.url("/ok"), **expressions)), message=message))

    assert (outcome.state, outcome.attempt.error_code, outcome.wait) == (state, code, None)
    assert server.requests == []


def test_a_replaced_secret_signs_an_attempt_until_its_time_is_over(server: FaultServer) -> None:
    old = OldSecret(secret="before", expires_at=NOON)
    still = replace(old, expires_at=NOON + timedelta(seconds=1))

    for secrets in ((old,), (still,), (old, still)):
        deliver(claim(endpoint(server.url("/ok"), old_secrets=secrets)))

    counts = [len((request.header("webhook-signature") or "").split()) for request in server.requests]
    assert counts == [1, 2, 2]


@pytest.mark.parametrize(
    ("path", "code", "status"),
    [
        ("/status/500", "http_status", 500),
        ("/status/404", "http_status", 404),
        ("/redirect/307?to=/ok", "redirect", 307),
        ("/reset", "connection_reset", None),
        ("/bad-chunk", "protocol_error", None),
    ],
)
def test_a_failure_is_scheduled_again(path: str, code: str, status: int | None, server: FaultServer) -> None:
    outcome = deliver(claim(endpoint(server.url(path))))

    assert (outcome.state, outcome.wait) == (State.RETRY_SCHEDULED, timedelta(seconds=5))
    assert (outcome.attempt.status, outcome.attempt.error_code) == ("failed", code)
    assert outcome.attempt.response_code == status
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://10.0.0.1/", "address_blocked"),
        ("http://127.0.0.1:{closed}/", "connect_refused"),
        ("http://example.com\\@127.0.0.1/", "invalid_url"),
        ("", "invalid_url"),
    ],
)
def test_an_endpoint_out_of_reach_is_a_failure_with_a_name(url: str, code: str) -> None:
    outcome = deliver(claim(endpoint(url.replace("{closed}", str(closed_port())))))

    assert outcome.attempt.error_code == code
    assert outcome.state is State.RETRY_SCHEDULED
    assert outcome.attempt.error_message
    assert outcome.attempt.request_headers


def test_the_endpoints_timeout_covers_the_attempt(server: FaultServer) -> None:
    outcome = deliver(claim(endpoint(server.url("/hang"), timeout=timedelta(seconds=0.15))))

    assert outcome.attempt.error_code == "timeout"
    assert outcome.attempt.duration_ms < 2000


def test_the_endpoints_own_schedule_is_kept_and_ends_in_a_dead_letter(server: FaultServer) -> None:
    to = endpoint(server.url("/status/500"), retry_count=3, retry_delay=timedelta(seconds=5))

    outcomes = [deliver(claim(to, failures=failures)) for failures in range(3)]

    assert [outcome.state for outcome in outcomes] == [
        State.RETRY_SCHEDULED,
        State.RETRY_SCHEDULED,
        State.FAILED,
    ]
    assert [outcome.wait for outcome in outcomes] == [timedelta(seconds=5), timedelta(seconds=10), None]


def test_a_retry_count_of_zero_is_one_attempt(server: FaultServer) -> None:
    assert deliver(claim(endpoint(server.url("/status/500"), retry_count=0))).state is State.FAILED


@pytest.mark.parametrize(
    ("asked", "wait"),
    [("3600", 3600), ("1", 5), ("999999", 86400), ("junk", 5), ("Thu, 01 Jan 2026 13:00:00 GMT", 3600)],
)
def test_retry_after_makes_a_wait_longer_and_never_shorter(
    asked: str, wait: int, server: FaultServer
) -> None:
    outcome = deliver(claim(endpoint(server.url(f"/status/503?retry-after={asked.replace(' ', '+')}"))))

    assert outcome.wait == timedelta(seconds=wait)


def test_410_is_a_dead_letter_at_once(server: FaultServer) -> None:
    outcome = deliver(claim(endpoint(server.url("/status/410"))))

    assert (outcome.state, outcome.wait, outcome.attempt.error_code) == (State.FAILED, None, "gone")


def test_a_deleted_endpoint_cancels_the_delivery() -> None:
    outcome = deliver(claim(None))

    assert (outcome.state, outcome.wait) == (State.CANCELLED, None)
    assert (outcome.attempt.status, outcome.attempt.error_code) == ("skipped", "endpoint_gone")


def test_a_message_that_runs_in_a_circle_is_a_dead_letter_after_three_systems(server: FaultServer) -> None:
    outcomes = [deliver(claim(endpoint(server.url("/ok")), hops=hops)) for hops in range(4)]

    assert [outcome.state for outcome in outcomes] == [State.DELIVERED] * 3 + [State.FAILED]
    assert outcomes[3].attempt.error_code == "hop_limit"
    assert [request.header("webhook-hops") for request in server.requests] == ["1", "2", "3"]


def test_a_secret_that_cannot_sign_is_a_dead_letter_that_does_not_show_it() -> None:
    outcome = deliver(claim(replace(endpoint(), secret="whsec_%%%")))

    assert (outcome.state, outcome.attempt.error_code) == (State.FAILED, "invalid_request")
    assert "%%%" not in repr(outcome)


def test_cancelling_is_the_only_thing_that_gets_out(server: FaultServer) -> None:
    class Hanging:
        async def send(self, request: OutboundRequest, *, timeout: float) -> Answer:  # noqa: ASYNC109
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(delivering(Hanging()).deliver(claim(endpoint())))


def test_an_answer_that_is_no_text_can_be_stored_and_shown() -> None:
    assert (
        printable(b"a\x00b\x1b[31m\xff\r\n\t\xc3\xa9")
        == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}\r\n\té"
    )


# --------------------------------------------------------------------- with a store


Scenario = Callable[[Any, Endpoints, Publisher], Awaitable[None]]


class Taking:
    """An intake with room: keeps what is leased to it."""

    def __init__(self) -> None:
        self.claims: list[Claim] = []

    def offer(self) -> Handoff:
        return Handoff(owner="w", lease=timedelta(seconds=15))

    def take(self, claims: Sequence[Claim]) -> None:
        self.claims.extend(claims)


def play(tmp_path: Path, scenario: Scenario, *, intake: Any = None) -> list[Message]:
    """Run *scenario* with a journal, the endpoints and a publisher; return what subscribers were told."""
    told: list[Message] = []
    intake = intake or NoIntake()

    async def run() -> None:
        new_id = ulids()
        journal = open_journal(
            f"sqlite:///{tmp_path}/webhooks.db", new_id=new_id, cipher=SecretCipher([bytes(32)])
        )
        await journal.open()
        try:
            endpoints = Endpoints(
                journal.endpoints, GUARD, new_id=new_id, now=lambda: NOON, random_bytes=bytes
            )
            publisher = Publisher(
                journal.messages,
                intake=intake,
                on_published=told.extend,
                new_id=new_id,
                now=lambda: NOON,
                check=anything_goes,
            )
            await scenario(journal, endpoints, publisher)
        finally:
            await journal.close()

    asyncio.run(run())
    return told


def test_what_is_published_arrives_signed_once_at_each_endpoint_that_wants_it(
    tmp_path: Path, server: FaultServer
) -> None:
    intake = Taking()

    async def scenario(journal: Any, endpoints: Endpoints, publisher: Publisher) -> None:
        wanting = await endpoints.register(server.url("/wants"), ["order.*"], SECRET)
        await endpoints.register(server.url("/other"), ["user.created"])

        published = await publisher.publish("order.created", {"n": 1}, {"by": "test"})
        transport = HttpTransport(GUARD)
        runner = Delivering(transport, now=lambda: datetime.now(UTC), random=lambda: 0.5, new_id=ulids())
        for claimed in intake.claims:
            recorded = await journal.work.record(await runner.deliver(claimed))
            assert not recorded.stale
        await transport.close()

        assert isinstance(published, Published)
        assert published.deliveries == len(intake.claims) == 1
        statistics = await journal.endpoints.statistics(wanting.id)
        assert (statistics.total_attempts, statistics.successful) == (1, 1)

    told = play(tmp_path, scenario, intake=intake)

    (request,) = server.requests
    content = Webhook(SECRET).verify(request.body, dict(request.headers))
    assert request.target == "/wants"
    assert [message.body for message in told] == [request.body]
    assert (content["event"], content["data"], content["metadata"]) == (
        "order.created",
        {"n": 1},
        {"by": "test"},
    )
    assert content["id"] == request.header("webhook-id")


def test_a_message_that_cannot_be_used_is_not_kept(tmp_path: Path) -> None:
    async def scenario(journal: Any, _endpoints: Endpoints, publisher: Publisher) -> None:
        for event, data in (("", {}), ("a.b", {"x": float("nan")}), ("a.b", "x" * 2_000_000)):
            with pytest.raises(InvalidInput):
                await publisher.publish(event, data)
        assert await journal.messages.messages() == []

    assert play(tmp_path, scenario) == []


def test_an_endpoint_is_kept_with_a_made_secret_and_its_defaults(tmp_path: Path) -> None:
    async def scenario(journal: Any, endpoints: Endpoints, _publisher: Publisher) -> None:
        made = await endpoints.register("https://example.com/hook", ["a.b", "a.b", "c.*"])

        kept = await journal.endpoints.endpoint(made.id)
        assert kept == made
        assert made.id.startswith("ep_")
        assert made.secret == "whsec_" + "A" * 32
        assert (made.events, made.active, made.retry_count, made.timeout) == (
            (("a.b", "c.*"), True, None, timedelta(seconds=15))
        )

    play(tmp_path, scenario)


def test_an_endpoint_is_changed_checked_and_removed(tmp_path: Path) -> None:
    async def scenario(journal: Any, endpoints: Endpoints, _publisher: Publisher) -> None:
        made = await endpoints.register("https://example.com/hook", ["*"], "secret")

        changed = await endpoints.update(made.id, {"retry_delay": 2.5, "timeout": 30, "active": False})
        assert (changed.retry_delay, changed.timeout, changed.active) == (
            (timedelta(seconds=2.5), timedelta(seconds=30), False)
        )
        for wrong in ({"url": "http://10.0.0.1/"}, {"secret": ""}, {"id": "x"}, {"colour": "red"}):
            with pytest.raises(InvalidInput):
                await endpoints.update(made.id, wrong)
        assert await journal.endpoints.endpoint(made.id) == changed
        await endpoints.remove(made.id)
        with pytest.raises(NotFound):
            await endpoints.update(made.id, {"active": True})

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("url", {"url": "ftp://example.com/"}),
        ("url", {"url": "http://example.com/"}),
        ("url", {"url": "https://user:hunter2@example.com/#x"}),
        ("url", {"url": "https://example.com:22/"}),
        ("url", {"url": "https://example.com/ a"}),
        ("url", {"url": "https://" + "a" * 254 + "/"}),
        ("url", {"url": "https://" + "a" * 70 + ".example/"}),
        ("url", {"url": "https://example.com/" + "a" * 2048}),
        ("url", {"url": None}),
        ("events", {"events": []}),
        ("events", {"events": "order.created"}),
        ("events", {"events": [""]}),
        ("events", {"events": [{}]}),
        ("events", {"events": ["*"] * 101}),
        ("secret", {"secret": ""}),
        ("secret", {"secret": "   "}),
        ("secret", {"secret": 5}),
        ("secret", {"secret": "whsec_%%%"}),
        ("active", {"active": "yes"}),
        ("retry_count", {"retry_count": -1}),
        ("retry_count", {"retry_count": 11}),
        ("retry_count", {"retry_count": True}),
        ("retry_count", {"retry_count": 1.5}),
        ("retry_delay", {"retry_delay": -1}),
        ("retry_delay", {"retry_delay": float("nan")}),
        ("retry_delay", {"retry_delay": 1e99}),
        ("retry_delay", {"retry_delay": "5"}),
        ("timeout", {"timeout": 0.5}),
        ("timeout", {"timeout": 61}),
        ("timeout", {"timeout": None}),
        ("headers", {"headers": {"Host": "evil"}}),
        ("headers", {"headers": [("a", "b")]}),
        ("metadata", {"metadata": {"when": NOON}}),
        ("metadata", {"metadata": []}),
        ("description", {"description": "x" * 1001}),
        ("tenant", {"tenant": ""}),
    ],
)
def test_a_wrong_value_is_refused_by_field_with_what_is_expected(
    field: str, given: Mapping[str, Any], tmp_path: Path
) -> None:
    async def scenario(journal: Any, endpoints: Endpoints, _publisher: Publisher) -> None:
        values = {"url": "https://example.com/", "events": ["*"], **given}
        with pytest.raises(InvalidInput, match=rf"^{field}.*: found .*; expected ") as refused:
            await endpoints.register(**values)
        assert "hunter2" not in str(refused.value)
        assert await journal.endpoints.endpoints() == []

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("url", "allow_http"),
    [
        ("https://example.com/hook?token=1", False),
        ("https://example.com:8443/", False),
        ("https://xn--bcher-kva.example/", False),
        ("https://EXAMPLE.com./", False),
        ("https://[2606:4700:4700::1111]/", False),
        ("http://example.com/", True),
        ("http://127.0.0.1:80/", False),
        ("http://localhost:22/", False),
        ("http://127.0.0.1:8080/%E2%82%AC?a=%20", False),
    ],
)
def test_a_good_url_is_kept_as_it_was_given(url: str, allow_http: bool, tmp_path: Path) -> None:
    async def scenario(_journal: Any, endpoints: Endpoints, _publisher: Publisher) -> None:
        made = await endpoints.register(url, ["*"], allow_http=allow_http)
        assert made.url == url

    play(tmp_path, scenario)
