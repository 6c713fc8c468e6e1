"""The API's description: who may do what, every refusal, and what is answered."""

import pytest

from smart_api_integrations.api import create_api
from smart_api_integrations.api.description import ANSWERS, REFUSALS, SECURITY
from smart_api_integrations.api.permissions import OPERATIONS
from smart_api_integrations.core.access import ROLES, SCOPES
from tests.asgi_call import call
from tests.journal_scenes import open_platform


@pytest.fixture
async def document(tmp_path):
    async with open_platform(tmp_path) as platform:
        yield (await call(create_api(platform), "GET", "/openapi.json")).json()


@pytest.fixture
def operations(document):
    return {
        operation["operationId"]: operation
        for methods in document["paths"].values()
        for operation in methods.values()
    }


def test_the_tables_name_operations_that_there_are(operations):
    assert set(ANSWERS) <= set(operations)
    assert set(OPERATIONS) == set(operations)


def test_every_operation_says_what_it_does_and_who_may(operations):
    for name, operation in operations.items():
        assert operation["summary"], name
        assert operation["tags"], name
        assert operation["x-scope"] == str(OPERATIONS[name])
        assert f"`{OPERATIONS[name]}`" in operation["description"]
        assert {scheme for way in operation["security"] for scheme in way} == set(SECURITY)


def test_every_refusal_is_a_problem(operations):
    for name, operation in operations.items():
        for status in (401, 403, 404, 422, 429, 503):
            answer = operation["responses"][str(status)]

            assert answer["description"] == REFUSALS[status], name
            assert list(answer["content"]) == ["application/problem+json"]


def test_who_has_to_wait_is_told_how_long(operations):
    for operation in operations.values():
        for status in ("429", "503"):
            assert "Retry-After" in operation["responses"][status]["headers"]


def test_nothing_refers_to_what_is_not_there(document):
    def references(value):
        if isinstance(value, dict):
            for name, inner in value.items():
                if name == "$ref":
                    yield inner
                yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    found = set(references(document))
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}

    assert found
    assert found <= known
    assert "#/components/schemas/HTTPValidationError" not in known


def test_every_tag_is_explained(document, operations):
    used = {tag for operation in operations.values() for tag in operation["tags"]}
    explained = {tag["name"] for tag in document["tags"] if tag["description"]}

    assert used <= explained


def test_scopes_and_roles_are_explained(document):
    for word in (*SCOPES, *ROLES):
        assert f"`{word}`" in document["info"]["description"]


@pytest.mark.parametrize("name", ["trigger_event", "register_webhook", "create_key"])
def test_what_is_sent_has_an_example(document, operations, name):
    reference = operations[name]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    schema = document["components"]["schemas"][reference.rpartition("/")[2]]
    examples = [field for field in schema["properties"].values() if "examples" in field]

    assert examples or schema["examples"]
