"""Keys and sessions over a real journal, with a clock that is moved by hand."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from smart_api_integrations.application.access import NOTED_EVERY, SESSION_LIFE, Access, NewKey
from smart_api_integrations.core.access import LONGEST_LIFE, LONGEST_OVERLAP, Principal, Role, Scope
from smart_api_integrations.errors import InvalidInput, NotFound
from smart_api_integrations.storage import open_journal
from smart_api_integrations.storage.secret_cipher import SecretCipher

START = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS_KEY = "whk_of-the-settings"
HOUR = timedelta(hours=1)


class Clock:
    """Stands still until it is moved."""

    def __init__(self):
        self.time = START

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def access(tmp_path, clock):
    ids = count(1)

    def new_id(prefix):
        return f"{prefix}{next(ids):026d}"

    journal = open_journal(
        f"sqlite:///{tmp_path}/webhooks.db", new_id=new_id, cipher=SecretCipher([b"k" * 32]), clock=clock
    )
    await journal.open()
    yield Access(journal.access, settings_keys=[SETTINGS_KEY], new_id=new_id, now=clock)
    await journal.close()


async def test_a_key_ends_when_its_time_is_over(access, clock):
    made = await access.create_key(NewKey(name="ci", role="viewer", lifetime=HOUR))
    before = await access.holder_of(made.value)
    clock.time += HOUR

    assert before == Principal(id=made.key.id, name="ci", scopes=made.key.scopes, role=Role.VIEWER)
    assert await access.holder_of(made.value) is None


async def test_two_keys_are_never_alike(access):
    made = [await access.create_key(NewKey(name="ci", role="viewer")) for _ in range(5)]

    assert len({key.value for key in made}) == 5
    assert all(key.value not in repr(key) for key in made)


async def test_a_session_ends_after_twelve_hours(access, clock):
    made = await access.create_key(NewKey(name="anna", role="operator"))
    _, cookie = await access.sign_in(made.value)
    clock.time += SESSION_LIFE - timedelta(seconds=1)
    late = await access.signed_in(cookie)
    clock.time += timedelta(seconds=1)

    assert late is not None
    assert late.by_cookie
    assert await access.signed_in(cookie) is None


async def test_a_session_ends_with_its_key(access, clock):
    made = await access.create_key(NewKey(name="anna", role="operator", lifetime=HOUR))
    _, cookie = await access.sign_in(made.value)
    clock.time += HOUR

    assert await access.signed_in(cookie) is None


async def test_a_key_of_the_settings_has_sessions_as_long_as_it_is_set(access, clock):
    who, cookie = await access.sign_in(SETTINGS_KEY)
    without = Access(access.store, settings_keys=[], new_id=lambda prefix: prefix, now=clock)

    assert who.role is Role.ADMIN
    assert (await access.signed_in(cookie)).id == who.id
    assert await without.signed_in(cookie) is None


async def test_nobody_signs_in_with_what_is_no_key(access):
    for value in ("", "whk_", "whk_of-the-settings ", "\ud800", "x" * 10_000):
        assert await access.sign_in(value) is None


async def test_a_cookie_is_of_no_use_after_signing_out(access):
    _, cookie = await access.sign_in(SETTINGS_KEY)
    await access.sign_out(cookie)
    await access.sign_out("unknown")

    assert await access.signed_in(cookie) is None


async def test_uses_are_noted_now_and_then(access, clock):
    made = await access.create_key(NewKey(name="ci", role="viewer"))
    noted = []
    for seconds in (0, 30, 30, 1):
        clock.time += timedelta(seconds=seconds)
        await access.holder_of(made.value)
        await access.close()
        noted.append((await access.store.key(made.key.id)).last_used_at)

    assert noted == [START, START, START + NOTED_EVERY, START + NOTED_EVERY]


@pytest.mark.parametrize("name", ["", "   ", "a" * 101, "tab\there", "\x00"])
async def test_a_name_can_be_read(access, name):
    with pytest.raises(InvalidInput, match="name"):
        await access.create_key(NewKey(name=name, role="viewer"))


@pytest.mark.parametrize("lifetime", [timedelta(0), -HOUR, LONGEST_LIFE + HOUR])
async def test_a_lifetime_is_one(access, lifetime):
    with pytest.raises(InvalidInput, match="lifetime"):
        await access.create_key(NewKey(name="ci", role="viewer", lifetime=lifetime))


async def test_a_new_key_in_the_place_of_another_lives_as_long(access, clock):
    first = await access.create_key(NewKey(name="ci", scopes=["replay"], lifetime=10 * HOUR))
    clock.time += 4 * HOUR

    second = await access.rotate_key(first.key.id, overlap=HOUR)

    assert second.key.scopes == {Scope.REPLAY}
    assert second.key.expires_at == START + 14 * HOUR
    assert (await access.store.key(first.key.id)).expires_at == START + 5 * HOUR


@pytest.mark.parametrize("overlap", [-HOUR, LONGEST_OVERLAP + HOUR])
async def test_an_overlap_is_bounded(access, overlap):
    first = await access.create_key(NewKey(name="ci", role="viewer"))

    with pytest.raises(InvalidInput, match="overlap"):
        await access.rotate_key(first.key.id, overlap=overlap)


async def test_what_is_not_there_cannot_be_replaced(access):
    with pytest.raises(NotFound):
        await access.rotate_key("key_unknown")
