"""The gateway over a real journal: what each request is answered, and what of it is kept."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import load_pem_x509_certificates

from smart_api_integrations.application.identifiers import ulids
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.intake import NoIntake
from smart_api_integrations.core.journal import Accepted, Rejection
from smart_api_integrations.core.outbound_request import Answer as HttpAnswer
from smart_api_integrations.core.outbound_request import OutboundRequest
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.core.webhook_schema import parse_json
from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.network.key_source import KeySource
from smart_api_integrations.providers.catalogue import PACKAGED_DIR, load_catalogue
from smart_api_integrations.providers.webhook_yaml import read_provider_file
from smart_api_integrations.receive.answer import Answer
from smart_api_integrations.receive.door import Door, DoorRules
from smart_api_integrations.receive.gateway import Gateway, GatewayRules
from smart_api_integrations.receive.greeter import Greeter
from smart_api_integrations.telemetry import EventAccepted, EventRejected, StoreFailed
from smart_api_integrations.webhooks import webhook_handler
from tests.github_requests import SECRET, incoming, pieces, signature
from tests.journal_scenes import open_platform

LIMIT = 1000


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async with open_platform(tmp_path, max_body_bytes=LIMIT, body_timeout_seconds=0.05) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _no_handlers() -> None:
    get_webhook_registry().clear()


async def refusal_of(platform: Platform, request: Any, *way_in: str) -> tuple[Answer, Rejection]:
    """Send a request that is to be refused; return the answer and what the log of rejections got."""
    told: list[EventRejected] = []
    platform.telemetry.subscribe(EventRejected, told.append)
    answer = await platform.gateway.accept(request, *(way_in or ("github",)))
    await platform._rejections.flush()
    (kept,) = await platform.journal.events.rejections()
    assert [each.rejection for each in told] == [kept]
    assert await platform.journal.events.summaries() == []
    return answer, kept


def document(answer: Answer) -> Any:
    return parse_json(answer.body)


async def test_a_verified_event_is_kept_and_the_answer_names_it(platform: Platform) -> None:
    answer = await platform.gateway.accept(incoming(), "github")

    (kept,) = await platform.journal.events.summaries()
    trace = await platform.journal.events.trace(kept.id)
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert document(answer) == {
        "success": True,
        "id": kept.id,
        "event_type": "push",
        "event_id": "delivery-1",
        "duplicate": False,
    }
    assert trace is not None
    assert trace.event is not None
    assert trace.event.body == b'{"ref": "main"}'
    assert trace.event.headers == incoming().headers
    assert trace.event.remote_address == "192.0.2.7"
    assert trace.event.proof.secret_name == "GITHUB_WEBHOOK_SECRET"


async def test_a_repeat_is_answered_like_the_first_and_kept_once(platform: Platform) -> None:
    first = document(await platform.gateway.accept(incoming(), "github"))
    second = document(await platform.gateway.accept(incoming(), "github"))

    assert second == first | {"duplicate": True}
    (kept,) = await platform.journal.events.summaries()
    assert kept.duplicates == 1


async def test_every_matching_handler_gets_a_handling_of_its_own(platform: Platform) -> None:
    for name in ("first", "second"):
        get_webhook_registry().create_processor("github").add("push", print, name=name, retries=2)
    webhook_handler("github", "issues")(print)

    answer = document(await platform.gateway.accept(incoming(), "github"))

    trace = await platform.journal.events.trace(answer["id"])
    assert trace is not None
    assert [(part.target, part.max_attempts) for part in trace.handlings] == [
        ("github:default:first", 3),
        ("github:default:second", 3),
    ]


WRONG: dict[str, dict[str, Any]] = {
    "signature_missing": {"headers": {"x-hub-signature-256": None}},
    "signature_malformed": {"headers": {"x-hub-signature-256": "sha1=00"}},
    "signature_mismatch": {"headers": {"x-hub-signature-256": signature(b"other")}},
}


@pytest.mark.parametrize(("reason", "wrong"), WRONG.items(), ids=WRONG)
async def test_whatever_does_not_verify_gets_one_text_and_the_reason_is_kept_inside(
    platform: Platform, reason: str, wrong: dict[str, Any]
) -> None:
    answer, kept = await refusal_of(platform, incoming(**wrong))

    assert answer == Answer(
        status=401, body=b'{"success":false,"error":"The request could not be verified."}'
    )
    assert (kept.reason, kept.status_code, kept.provider) == (reason, 401, "github")
    assert (kept.remote_address, kept.facts["bytes"]) == ("192.0.2.7", 15)
    assert "x-github-event" in kept.facts["headers"]


async def test_the_log_of_rejections_holds_neither_bodies_nor_header_values(platform: Platform) -> None:
    body = b'{"card": "4111111111111111"}'
    headers = {"x-hub-signature-256": signature(b"other"), "authorization": "Bearer hush"}

    _, kept = await refusal_of(platform, incoming(body=body, headers=headers))

    told = repr(kept)
    for secret in ("4111", "hush", SECRET, signature(b"other")[7:]):
        assert secret not in told


async def test_a_verified_body_that_cannot_be_read_is_400_and_its_metadata_is_kept(
    platform: Platform,
) -> None:
    answer, kept = await refusal_of(platform, incoming(body=b'{"ref":'))

    assert answer.status == 400
    assert b"JSON" not in answer.body
    assert (kept.reason, kept.detail) == ("malformed_request", "The body is not valid JSON.")
    assert kept.facts["bytes"] == 7


@pytest.mark.parametrize(
    "body",
    [
        b'{"ref": "a", "ref": "b"}',
        b'{"commits": [{"id": 1, "id": 2}]}',
        b'{"ref": 1, "\\u0072ef": "\\u003a"}',
        b'{"n": 123456789012345678901234567890, "n": 1}',
    ],
)
async def test_a_key_that_is_there_twice_is_400_with_a_reason_of_its_own(
    platform: Platform, body: bytes
) -> None:
    """Which of the two a reader takes differs from reader to reader; so nobody gets to read it."""
    answer, kept = await refusal_of(platform, incoming(body=body))

    assert answer.status == 400
    assert (kept.reason, kept.facts["bytes"]) == ("duplicate_keys", len(body))


@pytest.mark.parametrize(
    ("provider", "name", "kept_as"),
    [
        ("gitlab", "default", ("gitlab", "default")),
        ("github", "other", ("github", "other")),
        ("../etc", "a\x1bb", ("-", "-")),
        ("stripe", "default", ("stripe", "default")),  # packaged, but its secret is not set
    ],
)
async def test_an_unknown_webhook_is_404(
    platform: Platform, provider: str, name: str, kept_as: tuple[str, str]
) -> None:
    answer, kept = await refusal_of(platform, incoming(), provider, name)

    assert answer.status == 404
    assert (kept.provider, kept.webhook_name, kept.reason) == (*kept_as, "unknown_webhook")


async def test_anything_but_post_is_405_and_says_what_is_taken(platform: Platform) -> None:
    answer, _ = await refusal_of(platform, incoming(method="GET"))

    assert (answer.status, answer.headers) == (405, (("allow", "POST"), ("connection", "close")))


async def never() -> tuple[bytes, bool]:
    await asyncio.Event().wait()
    raise AssertionError


async def hung_up() -> tuple[bytes, bool]:
    raise ConnectionResetError


async def unread() -> tuple[bytes, bool]:
    pytest.fail("the body was read")


async def test_a_body_that_does_not_arrive_is_408(platform: Platform) -> None:
    answer, kept = await refusal_of(platform, incoming(next_piece=never))

    assert (answer.status, kept.reason) == (408, "body_too_slow")
    assert "bytes" not in kept.facts


async def test_a_sender_that_hangs_up_is_a_rejection(platform: Platform) -> None:
    answer, kept = await refusal_of(platform, incoming(next_piece=hung_up))

    assert (answer.status, kept.reason) == (400, "malformed_request")


async def test_a_body_that_says_it_is_too_large_is_413_and_not_read(platform: Platform) -> None:
    too_large = str(26214400 + 1)  # GitHub's own limit, from its YAML

    answer, kept = await refusal_of(
        platform, incoming(headers={"content-length": too_large}, next_piece=unread)
    )

    assert (answer.status, kept.reason) == (413, "body_too_large")


async def test_a_body_that_grows_too_large_is_413_and_not_read_on(platform: Platform) -> None:
    webhook = platform.webhooks["github", "default"]
    small = replace(webhook, body=replace(webhook.body, max_bytes=10))
    gateway = gateway_over(platform, platform.journal.events, webhooks={("github", "default"): small})
    read: list[bytes] = []

    async def endless() -> tuple[bytes, bool]:
        read.append(b"123456")
        return b"123456", True

    request = incoming(headers={"content-length": None}, next_piece=endless)

    answer = await gateway.accept(request, "github")

    assert (answer.status, len(read)) == (413, 2)


async def test_a_body_in_pieces_is_one_body(platform: Platform) -> None:
    request = incoming(next_piece=pieces(b'{"ref"', b": ", b"", b'"main"}'), headers={"content-length": None})

    assert (await platform.gateway.accept(request, "github")).status == 200


class EventsWith:
    """The real event store with another ``accept``."""

    def __init__(self, accept: Callable[..., Awaitable[Accepted]]) -> None:
        self.accept = accept


def gateway_over(platform: Platform, events: Any, **more: Any) -> Gateway:
    parts: dict[str, Any] = {
        "webhooks": platform.webhooks,
        "registry": get_webhook_registry(),
        "intake": NoIntake(),
        "inline": platform.gateway._inline,
        "telemetry": platform.telemetry,
        "greeter": Greeter(platform._network.transport, platform.telemetry),
        "rules": GatewayRules(
            now=lambda: datetime.now(UTC),
            new_id=ulids(),
            max_body_bytes=LIMIT,
            door=Door(DoorRules(clock=time.monotonic)),
        ),
    }
    return Gateway(events=events, **parts | more)


async def test_the_answer_waits_for_the_commit(platform: Platform) -> None:
    asked, may_commit = asyncio.Event(), asyncio.Event()

    async def accept(event: Any, handlings: Sequence[Any], **more: Any) -> Accepted:
        asked.set()
        await may_commit.wait()
        return await platform.journal.events.accept(event, handlings, **more)

    told: list[EventAccepted] = []
    platform.telemetry.subscribe(EventAccepted, told.append)
    answering = asyncio.create_task(gateway_over(platform, EventsWith(accept)).accept(incoming(), "github"))
    await asked.wait()
    for _ in range(20):
        await asyncio.sleep(0)
    early = answering.done(), list(told)
    may_commit.set()

    assert (await answering).status == 200
    assert early == (False, [])
    assert len(told) == 1
    assert len(await platform.journal.events.summaries()) == 1


async def test_a_store_that_is_away_is_a_503_that_says_when_to_come_back(platform: Platform) -> None:
    async def accept(*_: Any, **__: Any) -> Accepted:
        raise StorageUnavailable

    told: list[StoreFailed] = []
    platform.telemetry.subscribe(StoreFailed, told.append)

    answer = await gateway_over(platform, EventsWith(accept)).accept(incoming(), "github")

    assert (answer.status, answer.headers) == (503, (("retry-after", "5"),))
    assert [each.operation for each in told] == ["accept"]


async def test_a_closed_journal_is_a_503_too(tmp_path: Path) -> None:
    async with open_platform(tmp_path) as platform:
        pass

    assert (await platform.gateway.accept(incoming(), "github")).status == 503


async def test_the_second_seeds_logger_tells_of_a_refusal_without_its_content(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="smart_api_integrations.core.webhook")

    await platform.gateway.accept(incoming(headers={"x-hub-signature-256": "sha256=00"}), "github")

    (record,) = caplog.records
    assert (record.__dict__["action"], record.__dict__["provider"]) == ("reject", "github")
    assert record.__dict__["reason"] == "signature_mismatch"
    assert "sha256=00" not in repr(record.__dict__)


async def test_a_verifier_that_raises_refuses_and_says_so_to_us_alone(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    class Verifier:
        def verify(self, payload: bytes, signature: str, secret: str, **_: Any) -> bool:
            raise KeyError(payload, signature, secret)

    wrong, _ = await refusal_of(platform, incoming(headers={"x-hub-signature-256": signature(b"other")}))
    get_webhook_registry().create_processor("github").verifier = Verifier()
    with caplog.at_level(logging.WARNING):
        answer = await platform.gateway.accept(incoming(body=b"private"), "github")

    await platform._rejections.flush()
    kept = next(each for each in await platform.journal.events.rejections() if "Verifier" in each.detail)
    (line,) = [each for each in caplog.records if vars(each).get("action") == "verifier_raised"]
    assert answer == wrong
    assert kept.reason == "verifier_raised"
    assert f"Verifier.verify raised KeyError at {__name__}:" in line.getMessage()
    assert line.exc_info is None
    for told in (repr(kept), repr(vars(line))):
        assert "private" not in told
        assert SECRET not in told


async def test_a_verifier_of_the_users_own_replaces_the_scheme(platform: Platform) -> None:
    seen: list[tuple[bytes, str, str]] = []

    class Verifier:
        def verify(self, payload: bytes, signature: str, secret: str, **kwargs: Any) -> bool:
            seen.append((payload, signature, secret))
            return kwargs["headers"]["X-Key"] == "open"

    get_webhook_registry().create_processor("github").verifier = Verifier()

    good = await platform.gateway.accept(incoming(headers={"x-key": "open"}), "github")
    bad = await platform.gateway.accept(incoming(headers={"x-key": "shut"}, delivery="d2"), "github")

    assert (good.status, bad.status) == (200, 401)
    assert seen[0] == (b'{"ref": "main"}', signature(b'{"ref": "main"}'), SECRET)


async def test_a_flood_of_bad_requests_is_counted_not_written_one_by_one(platform: Platform) -> None:
    wrong = incoming(headers={"x-hub-signature-256": "sha256=00"})

    for _ in range(30):
        await platform.gateway.accept(wrong, "github")
    await platform._rejections.flush()

    kept = await platform.journal.events.rejections()
    assert len(kept) == 5
    assert sum(each.sampled for each in kept) == 30


async def test_events_of_one_ordering_key_are_handled_one_after_the_other(platform: Platform) -> None:
    @webhook_handler("github", "push", ordering_key="ref")
    def in_order(event: Any) -> None: ...

    for number, ref in enumerate(["main", "main", "other"]):
        body = f'{{"ref": "{ref}", "n": {number}}}'.encode()
        await platform.gateway.accept(incoming(body=body, delivery=f"delivery-{number}"), "github")

    claims = await platform.journal.work.claim(owner="w", limit=9, lease=timedelta(seconds=9))
    assert [one.work.ordering_key for one in claims] == ["main", "other"]


async def test_an_ordering_key_that_cannot_be_had_does_not_cost_the_event(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    @webhook_handler("github", "push", ordering_key=lambda event: event.payload["no such key"])
    def in_order(event: Any) -> None: ...

    answer = await platform.gateway.accept(incoming(), "github")

    (claimed,) = await platform.journal.work.claim(owner="w", limit=9, lease=timedelta(seconds=9))
    assert (answer.status, claimed.work.ordering_key) == (200, None)
    assert [record.action for record in caplog.records] == ["ordering_key"]  # type: ignore[attr-defined]


PAYPAL_EXAMPLE = read_provider_file(PACKAGED_DIR / "paypal" / "webhook.yaml").examples[0]


class PayPal:
    """The address of PayPal's certificate, as the examples have it."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.asked: list[str] = []

    async def send(self, request: OutboundRequest, *, timeout: float) -> HttpAnswer:  # noqa: ASYNC109
        self.asked.append(request.url)
        return HttpAnswer(status=self.status, headers={}, body=(PAYPAL_EXAMPLE.fetched or "").encode())


def paypal_gateway(platform: Platform, network: PayPal) -> Gateway:
    catalogue = load_catalogue(providers_dir=None, environ=PAYPAL_EXAMPLE.environ)
    roots = load_pem_x509_certificates((PAYPAL_EXAMPLE.trusted or "").encode())
    now = PAYPAL_EXAMPLE.now or datetime.now(UTC)
    keys = KeySource(network, now=lambda: now, roots=lambda: roots)
    rules = replace(platform.gateway._rules, now=lambda: now, find_key=keys.find)
    return gateway_over(platform, platform.journal.events, webhooks=catalogue.webhooks, rules=rules)


def paypal_request(**changes: str) -> Any:
    headers = {name.lower(): str(value) for name, value in {**PAYPAL_EXAMPLE.headers, **changes}.items()}
    return incoming(body=PAYPAL_EXAMPLE.body.encode(), headers=headers)


async def test_a_key_that_the_provider_publishes_is_fetched_once(platform: Platform) -> None:
    network = PayPal()
    gateway = paypal_gateway(platform, network)

    first = await gateway.accept(paypal_request(), "paypal")
    again = await gateway.accept(paypal_request(), "paypal")

    assert (first.status, document(first)["duplicate"]) == (200, False)
    assert (again.status, document(again)["duplicate"]) == (200, True)
    assert network.asked == [PAYPAL_EXAMPLE.headers["PAYPAL-CERT-URL"]]


async def test_a_key_that_cannot_be_fetched_is_a_503_and_not_the_senders_fault(platform: Platform) -> None:
    answer = await paypal_gateway(platform, PayPal(500)).accept(paypal_request(), "paypal")

    assert (answer.status, answer.headers) == (503, (("retry-after", "5"),))
    assert await platform.journal.events.summaries() == []


async def test_nothing_is_fetched_from_where_a_request_pleases(platform: Platform) -> None:
    network = PayPal()
    request = paypal_request(**{"PAYPAL-CERT-URL": "https://api.paypal.com.example.com/certs/1"})

    answer = await paypal_gateway(platform, network).accept(request, "paypal")

    assert (answer.status, network.asked) == (401, [])
