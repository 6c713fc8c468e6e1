"""The bars of attempts: one scale for a trace, phases in order."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from smart_api_integrations.dashboard.views.wire import WIDTH, Wire, longest, wire


def measured(phases: Mapping[str, float] | None) -> Any:
    return SimpleNamespace(phases=phases)


def drawn(phases: Mapping[str, float], *, scale: float) -> Wire:
    bar = wire(phases, scale=scale)
    assert bar is not None
    return bar


def test_phases_stand_one_after_the_other_on_a_shared_scale():
    bar = drawn({"ttfb": 160.0, "dns": 4.0, "tcp": 9.0, "tls": 31.0, "body": 8.0}, scale=424.0)

    assert [phase.name for phase in bar.phases] == ["dns", "tcp", "tls", "ttfb", "body"]
    assert float(bar.phases[-1].x) < WIDTH / 2
    assert bar.title.replace("\u00a0", " ").startswith("212 ms in all: DNS 4 ms, TCP 9 ms")
    assert bar.note == ""


def test_a_reused_connection_says_so():
    assert drawn({"ttfb": 64.0}, scale=100).note == "connection reused"


def test_nothing_measured_draws_nothing():
    assert wire(None, scale=10) is None
    assert wire({}, scale=10) is None
    assert wire({"ttfb": 1.0}, scale=0) is None


def test_the_scale_is_the_longest_attempt():
    assert longest([measured({"ttfb": 5.0}), measured(None), measured({"dns": 4.0, "ttfb": 4.0})]) == 8.0
    assert longest([]) == 0.0
