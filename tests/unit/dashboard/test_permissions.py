"""Which scope each address of the dashboard asks for."""

import pytest
from starlette.responses import PlainTextResponse

from smart_api_integrations.core.access import ROLES, Principal, Role, Scope
from smart_api_integrations.dashboard.permissions import Permissions, needed_scope
from tests.asgi_call import call

READ = Scope.READ_EVENTS
TABLE = [
    ("GET", "/", READ),
    ("HEAD", "/events", READ),
    ("GET", "/events/evt_1", READ),
    ("GET", "/events/evt_1/body", Scope.READ_PAYLOADS),
    ("GET", "/messages/msg_1/body", Scope.READ_PAYLOADS),
    ("GET", "/anything/new", READ),
    ("POST", "/endpoints", Scope.WRITE_ENDPOINTS),
    ("POST", "/endpoints/ep_1/active", Scope.WRITE_ENDPOINTS),
    ("POST", "/endpointsx", Scope.ADMIN),
    ("POST", "/sources/github/default/pause", Scope.WRITE_ENDPOINTS),
    ("POST", "/sources/linear/default/captured-keys", Scope.ADMIN),
    ("POST", "/dead-letters", Scope.REPLAY),
    ("POST", "/dead-letters/dlv_1/replay", Scope.REPLAY),
    ("POST", "/issues/iss_1", Scope.REPLAY),
    ("POST", "/replays", Scope.REPLAY),
    ("POST", "/events/evt_1/replay", Scope.REPLAY),
    ("POST", "/playground", Scope.SEND_EVENTS),
    ("POST", "/settings/keys", Scope.ADMIN),
    ("DELETE", "/anything/new", Scope.ADMIN),
    ("GET", "/login", None),
    ("POST", "/login", None),
    ("POST", "/logout", None),
    ("GET", "/static/app.css", None),
    ("GET", "/staticx", READ),
    ("GET", "/login/more", READ),
]


@pytest.mark.parametrize(("method", "path", "scope"), TABLE)
def test_an_address_asks_for_a_scope(method, path, scope):
    assert needed_scope(method, path) is scope


async def page(scope, receive, send):
    await PlainTextResponse("the page")(scope, receive, send)


async def refuse(_request, error):
    return PlainTextResponse(f"{type(error).__name__}: {error}", status_code=403)


def asked_by(role, *, root=""):
    """Return the dashboard's gate, with somebody of *role* before it; of nobody where it is None."""
    state = {}
    if role is not None:
        state["principal"] = Principal(id="key_1", name="", scopes=ROLES[role], role=role)
    gate = Permissions(page, refuse=refuse)

    async def app(scope, receive, send):
        await gate({**scope, "state": state, "root_path": root}, receive, send)

    return app


@pytest.mark.parametrize(
    ("role", "method", "path", "passes"),
    [
        (Role.VIEWER, "GET", "/events", True),
        (Role.VIEWER, "GET", "/events/evt_1/body", False),
        (Role.VIEWER, "POST", "/endpoints", False),
        (Role.OPERATOR, "GET", "/events/evt_1/body", True),
        (Role.OPERATOR, "POST", "/endpoints", True),
        (Role.OPERATOR, "POST", "/settings/keys", False),
        (Role.ADMIN, "POST", "/settings/keys", True),
        (None, "GET", "/login", True),
        (None, "GET", "/events", False),
        (None, "POST", "/endpoints", False),
    ],
)
async def test_who_has_it_passes(role, method, path, passes):
    answer = await call(asked_by(role), method, path)

    assert (answer.text == "the page") is passes


async def test_what_is_missing_is_named():
    answer = await call(asked_by(Role.VIEWER), "POST", "/dead-letters")

    assert answer.text == "NotAllowed: This needs the scope replay, which your key has not."


async def test_the_prefix_of_a_mount_does_not_matter():
    answer = await call(asked_by(Role.OPERATOR, root="/hooks"), "POST", "/hooks/endpoints")

    assert answer.text == "the page"


async def test_what_is_no_request_passes():
    seen = []

    async def lifespan(scope, _receive, _send):
        seen.append(scope["type"])

    async def unasked(*_given):
        raise AssertionError

    await Permissions(lifespan, refuse=refuse)({"type": "lifespan"}, unasked, unasked)

    assert seen == ["lifespan"]
