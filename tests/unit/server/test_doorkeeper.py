"""Reading a key off a request, and what a host application may answer."""

import base64

import pytest
from starlette.datastructures import Headers

from smart_api_integrations.core.access import ROLES, Role
from smart_api_integrations.server.doorkeeper import HostDoorkeeper, is_bearer, shown_key
from smart_api_integrations.server.refusals import HOST_SAYS_NO, too_many


def basic(text):
    return "Basic " + base64.b64encode(text.encode("latin-1")).decode()


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Bearer whk_a", "whk_a"),
        ("bearer   whk_a ", "whk_a"),
        ("Bearer", ""),
        (basic("anybody:whk_a"), "whk_a"),
        (basic(":whk_a:b"), "whk_a:b"),
        (basic("whk_a"), ""),
        ("Basic !!", ""),
        (basic("a:\xff"), ""),
        ("Token whk_a", None),
        ("", None),
    ],
)
def test_a_key_is_read_off_either_scheme(header, key):
    assert shown_key(Headers({"authorization": header})) == key


@pytest.mark.parametrize(("header", "is_one"), [("Bearer a", True), (basic("a:b"), False), ("", False)])
def test_only_a_bearer_key_is_what_no_browser_adds(header, is_one):
    assert is_bearer(Headers({"authorization": header})) is is_one


async def admitted(answer):
    keeper = HostDoorkeeper(lambda _scope: answer)
    return await keeper.admit({"type": "http"}, is_api=False, at_home=False, address=None)


@pytest.mark.parametrize("role", Role)
async def test_a_role_of_the_hosts_is_ours(role):
    who = await admitted(str(role))

    assert (who.role, who.scopes, who.by_cookie) == (role, ROLES[role], True)


async def test_none_is_nobody():
    assert await admitted(None) is HOST_SAYS_NO


async def test_a_word_that_is_no_role_lets_nobody_in():
    with pytest.raises(ValueError, match="owner"):
        await admitted("owner")


def test_one_too_many_says_when_to_come_back():
    answer = too_many("Too many.", retry_after=7).response()

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
