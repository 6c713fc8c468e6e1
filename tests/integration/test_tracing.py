"""One trace from the provider's request over the handler to the endpoint, by OpenTelemetry's own SDK."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from ipaddress import ip_network

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.trace_context import parse_traceparent, trace_id_of
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.settings import Settings
from smart_api_integrations.telemetry import AttemptFinished
from smart_api_integrations.watch import tracing
from tests.github_requests import SECRET, incoming

SENDERS = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def exporter():
    """Return where spans end up; a process has one tracer provider."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def registry():
    found = get_webhook_registry()
    found.clear()
    yield found
    found.clear()


class Endpoint:
    """Takes one request after the other and keeps their ``traceparent``."""

    def __init__(self) -> None:
        self.parents: list[str] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        lines = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
        await reader.readexactly(int(lines["content-length"]))
        self.parents.append(lines.get("traceparent", ""))
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


async def run_one(
    tmp_path, *, traced: bool, sends: str | None = None, fails: bool = False
) -> tuple[str, Endpoint]:
    """Take one event, handle it, deliver what it publishes; return its id and the endpoint."""
    endpoint, over = Endpoint(), asyncio.Event()
    server = await asyncio.start_server(endpoint.answer, "127.0.0.1", 0)
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/w.db",
        allowed_networks=(ip_network("127.0.0.0/8"),),
        tracing=traced,
    )
    platform = Platform(settings, environ={"GITHUB_WEBHOOK_SECRET": SECRET})
    if traced:
        tracing.follow(platform.telemetry)
    left = [1 if fails else 2]

    def finished(_: AttemptFinished) -> None:
        left[0] -= 1
        if not left[0]:
            over.set()

    platform.telemetry.subscribe(AttemptFinished, finished)
    await platform.open()
    try:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        await platform.endpoints.register(url, ["order.paid"])
        await platform.start_work()
        headers = {} if sends is None else {"traceparent": sends}
        answer = await platform.gateway.accept(incoming({"n": 1}, headers=headers), "github")
        assert answer.status == 200
        async with asyncio.timeout(20):
            await over.wait()
        (event,) = await platform.journal.events.summaries(limit=1)
    finally:
        await platform.close()
        server.close()
        await server.wait_closed()
    return event.id, endpoint


def publishing(_event: object) -> dict[str, object]:
    with trace.get_tracer("shop").start_as_current_span("look the customer up"):
        return {"events": [{"type": "order.paid", "data": {"n": 1}}]}


async def test_request_handler_and_delivery_are_one_trace_that_the_endpoint_gets(
    exporter, registry, tmp_path
):
    exporter.clear()
    registry.create_processor("github").on("push")(publishing)

    event_id, endpoint = await run_one(tmp_path, traced=True, sends=SENDERS)

    spans = {span.name.split(" ")[0]: span for span in exporter.get_finished_spans()}
    assert spans.keys() == {"receive", "process", "look", "send"}
    assert {span.context.trace_id for span in spans.values()} == {trace_id_of(event_id)}
    assert spans["look"].parent.span_id == spans["process"].context.span_id, (
        "a handler's own spans hang under it"
    )
    assert parse_traceparent(endpoint.parents[0]) == (trace_id_of(event_id), spans["send"].context.span_id)
    assert spans["receive"].attributes["messaging.message.id"] == event_id
    assert spans["process"].attributes["messaging.operation.type"] == "process"
    assert spans["send"].attributes["webhooks.state"] == "delivered"


async def test_the_senders_own_trace_is_linked_and_not_taken_over(exporter, registry, tmp_path):
    exporter.clear()
    registry.create_processor("github").on("push")(publishing)

    event_id, _ = await run_one(tmp_path, traced=True, sends=SENDERS)

    (receive,) = (span for span in exporter.get_finished_spans() if span.name.startswith("receive"))
    (link,) = receive.links
    assert (link.context.trace_id, link.context.span_id) == parse_traceparent(SENDERS)
    assert receive.context.trace_id == trace_id_of(event_id) != link.context.trace_id


async def test_what_fails_is_an_error_in_its_span(exporter, registry, tmp_path):
    exporter.clear()

    @registry.create_processor("github").on("push", retries=0)
    def fail(_event: object) -> None:
        message = "no such customer"
        raise LookupError(message)

    await run_one(tmp_path, traced=True, sends="nonsense", fails=True)

    spans = {span.name.split(" ")[0]: span for span in exporter.get_finished_spans()}
    assert spans["process"].status.status_code is StatusCode.ERROR
    assert spans["process"].attributes["webhooks.state"] == "failed"
    assert spans["receive"].links == ()


async def test_without_the_setting_nothing_is_traced_or_sent_along(exporter, registry, tmp_path):
    exporter.clear()
    registry.create_processor("github").on("push")(lambda _: {"events": [{"type": "order.paid", "data": {}}]})

    _, endpoint = await run_one(tmp_path, traced=False)

    assert exporter.get_finished_spans() == ()
    assert endpoint.parents == [""]


def test_without_the_setting_what_traces_is_not_loaded():
    probe = (
        "import sys; import smart_api_integrations.server.serve as _; "
        "from smart_api_integrations.application.platform import Platform; "
        "from smart_api_integrations.settings import Settings; Platform(Settings()); "
        "print(any(name.startswith('smart_api_integrations.watch.tracing') for name in sys.modules))"
    )

    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert ran.stdout.split()[-1] == "False"
