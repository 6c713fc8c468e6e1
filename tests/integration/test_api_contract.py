"""Every operation of the API against its own description, with a key of each role: no 5xx, no other shape.

schemathesis makes the requests, good ones and bad ones, the same ones at every run.
"""

import asyncio
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from smart_api_integrations.api import create_api
from smart_api_integrations.application.access import NewKey
from smart_api_integrations.core.access import Role
from tests.asgi_call import call
from tests.journal_scenes import everything, open_platform
from tests.serving import serving

pytestmark = pytest.mark.slow

EXAMPLES = {Role.VIEWER: 1, Role.OPERATOR: 2, Role.ADMIN: 4}
"""Of each operation and each kind of request."""
CHECKS = (
    checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)


KNOWN = {
    "received_id": "event",
    "message_id": "message",
    "delivery_id": "delivery",
    "handling_id": "handling",
    "webhook_id": "endpoint",
    "rejection_id": "rejection",
    "key_id": "key",
    "id": "event",
    "provider": "github",
}
"""Path parameters, and what of the scene (or which word) stands for each."""


def attack(document, url, key, *, ids, examples):
    """Send requests to every operation of *document* and return the faults."""
    schema: Any = schemathesis.openapi.from_dict(document)
    faults = []
    for found in schema.get_all_operations():
        operation = found.ok()
        faults.extend(faults_at_home(operation, url, key, ids))
        for mode in GenerationMode:
            faults.extend(faults_of(operation, mode, url, key, examples=examples))
    return faults


def faults_at_home(operation, url, key, ids):
    """Ask for what is really there."""
    names = {parameter.name for parameter in operation.path_parameters}
    if operation.method != "get" or not names <= KNOWN.keys():
        return []
    case = operation.Case(path_parameters={name: ids.get(KNOWN[name], KNOWN[name]) for name in names})
    return checked(case, case.call(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=20))


def checked(case, response):
    faults = []
    for check in CHECKS:
        try:
            case.validate_response(response, checks=[check])
        except (AssertionError, BaseExceptionGroup) as fault:
            faults.append(f"{case.method} {case.path} {response.status_code} {response.text[:200]}: {fault}")
    return faults


def faults_of(operation, mode, url, key, *, examples):
    """Ask for what schemathesis thinks of."""
    faults: list[str] = []

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    def send(case):
        response = case.call(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=20)
        faults.extend(checked(case, response))

    try:
        send()
    except schemathesis.errors.SchemathesisError as error:
        if mode is not GenerationMode.NEGATIVE:  # what takes nothing cannot be asked wrongly
            faults.append(f"{operation.label}: {error}")
    return faults


@pytest.mark.parametrize("role", Role)
async def test_every_operation_keeps_to_its_description(tmp_path, role):
    async with open_platform(tmp_path, api_per_minute=0) as platform:
        ids = await everything(platform)
        made = await platform.access.create_key(NewKey(name=role, role=role))
        async with serving(platform) as (host, port):
            url = f"http://{host}:{port}"
            document = (await call(create_api(platform), "GET", "/openapi.json")).json()
            known = ids | {"key": made.key.id} | await works(platform)
            faults = await asyncio.to_thread(
                attack, document, url, made.value, ids=known, examples=EXAMPLES[role]
            )

    assert faults == []


async def works(platform):
    """Return the ids of a handling and of a delivery."""
    deliveries = await platform.journal.work.deliveries(limit=1)
    events = await platform.journal.events.summaries(limit=50)
    traces = [await platform.journal.events.trace(event.id) for event in events]
    handlings = [work.id for trace in traces for work in trace.handlings]
    return {"delivery": deliveries[0].id, "handling": handlings[0]}
