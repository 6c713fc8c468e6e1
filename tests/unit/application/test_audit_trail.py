"""What the middleware of the audit log writes down, and what it leaves out."""

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.application.audit_trail import AuditTrail, note
from smart_api_integrations.core.access import LOCAL
from smart_api_integrations.errors import StorageUnavailable
from tests.asgi_call import call


class Log:
    """Keeps what is logged, or fails."""

    def __init__(self):
        self.lines = []
        self.fails = False

    async def log(self, who, action, target="", *, remote_address=None, details=None):
        if self.fails:
            raise StorageUnavailable
        self.lines.append((who.id, action, target, remote_address, details))


@pytest.fixture
def log():
    return Log()


def application(log, *, who=LOCAL, named_by_path=False):
    async def change(request):
        headers = {"Location": "/things/thing_2"} if request.url.path == "/things" else {}
        return Response(status_code=int(request.query_params.get("status", 201)), headers=headers)

    async def look(request):
        note(request.scope, action="view", target="thing_9", page=1)
        note(request.scope, more=2)
        return Response(status_code=int(request.query_params.get("status", 200)))

    inner = Starlette(
        routes=[
            Route("/things", change, methods=["POST"], name="make_thing"),
            Route("/things/{thing_id}", change, methods=["DELETE"], name="drop_thing"),
            Route("/things/{thing_id}", look, methods=["GET"], name="see_thing"),
            Route("/other", change, methods=["GET"], name="see_other"),
        ]
    )
    trail = AuditTrail(inner, access=log, named_by_path=named_by_path)

    async def app(scope, receive, send):
        state = {"remote_address": "192.0.2.1"} | ({} if who is None else {"principal": who})
        await trail({**scope, "state": state}, receive, send)

    return app


async def test_a_change_is_named_by_its_route_and_what_it_was_done_to(log):
    await call(application(log), "DELETE", "/things/thing_1?status=204")

    assert log.lines == [("local", "drop_thing", "thing_1", "192.0.2.1", {})]


async def test_what_was_made_is_named_by_its_location(log):
    await call(application(log), "POST", "/things")

    assert log.lines == [("local", "make_thing", "thing_2", "192.0.2.1", {})]


async def test_pages_are_named_by_their_path(log):
    await call(application(log, named_by_path=True), "DELETE", "/things/thing_1?status=303")

    assert [line[1] for line in log.lines] == ["DELETE /things/{thing_id}"]


async def test_a_route_says_what_it_showed(log):
    await call(application(log), "GET", "/things/thing_1")

    assert log.lines == [("local", "view", "thing_9", "192.0.2.1", {"page": 1, "more": 2})]


async def test_reading_is_not_logged(log):
    await call(application(log), "GET", "/other?status=200")

    assert log.lines == []


@pytest.mark.parametrize("status", [400, 404, 409, 422, 500, 503])
async def test_what_was_not_done_is_not_logged(log, status):
    await call(application(log), "DELETE", f"/things/thing_1?status={status}")
    await call(application(log), "GET", f"/things/thing_1?status={status}")

    assert log.lines == []


async def test_what_was_refused_is(log):
    await call(application(log), "DELETE", "/things/thing_1?status=403")

    assert log.lines == [("local", "drop_thing", "thing_1", "192.0.2.1", {"refused": True})]


async def test_nobody_is_not_logged(log):
    await call(application(log, who=None), "DELETE", "/things/thing_1")

    assert log.lines == []


async def test_a_failing_log_is_told_and_the_answer_stands(log, caplog):
    log.fails = True

    answer = await call(application(log), "DELETE", "/things/thing_1?status=204")

    assert answer.status == 204
    assert "audit log was not written" in caplog.text
