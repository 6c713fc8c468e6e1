"""``/login`` and ``/logout``: a key for a session of twelve hours, kept in a cookie. Floor 8.

The cookie is ``HttpOnly`` and ``SameSite=Lax``: other sites may link here, and what changes something is
held to our own pages before it comes this far. Over HTTPS it is ``Secure`` and has the ``__Host-`` prefix.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.application.access import SESSION_LIFE
from smart_api_integrations.core.access import Principal
from smart_api_integrations.core.page_policy import SESSION_COOKIES
from smart_api_integrations.core.rate_limits import Windows, address_key
from smart_api_integrations.dashboard.desk import Desk, read_form

TRIES_PER_MINUTE = 5
LONGEST_KEY = 512
LONGEST_NEXT = 2048


class Tries:
    """Counts wrong keys by address, in this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Tell the time by *clock*, which only goes forward."""
        self._clock = clock
        self._windows = Windows()

    def left(self, address: str | None) -> int:
        """Return how many tries an address has left in its minute."""
        return max(0, TRIES_PER_MINUTE - self._windows.count(address_key(address), self._clock()))

    def failed(self, address: str | None) -> None:
        """Count one more."""
        self._windows.hit(address_key(address), self._clock())

    def seconds(self, address: str | None) -> int:
        """Return how long its minute still is."""
        return max(1, math.ceil(self._windows.seconds_left(address_key(address), self._clock())))


def create_routes(desk: Desk) -> list[Route]:
    """Return the routes of signing in and out."""
    tries = Tries()

    async def login(request: Request) -> Response:
        return _page(desk, request, wanted=_local(request.query_params.get("next", "")))

    async def sign_in(request: Request) -> Response:
        form, address = await read_form(request), _address(request)
        wanted = _local(form.get("next", ""))
        if not tries.left(address):
            return _page(desk, request, wanted=wanted, fault=_wait(tries.seconds(address)), status=429)
        found = await desk.platform.access.sign_in(form.get("key", "").strip()[:LONGEST_KEY])
        if found is None:
            tries.failed(address)
            return _page(desk, request, wanted=wanted, fault=_unknown(tries.left(address)), status=401)
        who, cookie = found
        await desk.platform.access.log(who, "sign_in", remote_address=address)
        response = desk.go(request, wanted or "/")
        _set(response, request, cookie)
        return response

    async def sign_out(request: Request) -> Response:
        for name in SESSION_COOKIES:
            if request.cookies.get(name):
                await _end(desk, request, request.cookies[name])
        response = desk.go(request, "/login")
        for name in SESSION_COOKIES:
            response.delete_cookie(name, path=_path(request, name), secure=name.startswith("__Host-"))
        return response

    return [
        Route("/login", login, methods=["GET"]),
        Route("/login", sign_in, methods=["POST"]),
        Route("/logout", sign_out, methods=["POST"]),
    ]


async def _end(desk: Desk, request: Request, cookie: str) -> None:
    who: Principal | None = await desk.platform.access.signed_in(cookie)
    await desk.platform.access.sign_out(cookie)
    if who is not None:
        await desk.platform.access.log(who, "sign_out", remote_address=_address(request))


def _page(desk: Desk, request: Request, *, wanted: str, fault: str = "", status: int = 200) -> Response:
    response = desk.plain_page(
        request, "login.html", status=status, wanted=wanted, fault=fault, host=request.url.netloc
    )
    if status == 429:
        response.headers["Retry-After"] = "60"
    return response


def _set(response: Response, request: Request, cookie: str) -> None:
    secure = bool(getattr(request.state, "is_https", False))
    name = SESSION_COOKIES[0 if secure else 1]
    response.set_cookie(
        name,
        cookie,
        max_age=int(SESSION_LIFE.total_seconds()),
        path=_path(request, name),
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def _path(request: Request, name: str) -> str:
    """Return the cookie's path: that of the mount, but ``/`` where the name's prefix asks for it."""
    return "/" if name.startswith("__Host-") else request.scope.get("root_path", "") or "/"


def _address(request: Request) -> str | None:
    address: str | None = getattr(request.state, "remote_address", None)
    return address


def _local(wanted: str) -> str:
    r"""Return the page to go on to where it is one of ours; another site's, or ``//…``, is not.

    >>> _local("/events?status=failed"), _local("//evil.example"), _local("https://a.example"), _local("/\\b")
    ('/events?status=failed', '', '', '')
    """
    if len(wanted) > LONGEST_NEXT or not wanted.startswith("/") or not wanted.isprintable():
        return ""
    if wanted.startswith(("//", "/\\")) or "\\" in wanted or urlsplit(wanted).path in {"/login", "/logout"}:
        return ""
    return wanted


def _unknown(left: int) -> str:
    tries = "1 try" if left == 1 else f"{left} tries" if left else "No try"
    return f"That key is not known, was revoked, or is over. {tries} left in this minute."


def _wait(seconds: int) -> str:
    return f"Too many wrong keys came from your address. Try again in {seconds} seconds."
