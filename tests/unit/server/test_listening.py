"""Where a server listens: at its address, or at a socket that somebody opened for it."""

from __future__ import annotations

import os
import socket

import pytest

from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.server import service_manager
from smart_api_integrations.server.listening import greeting, listening_socket, passed_by_systemd, url_of
from smart_api_integrations.settings import Settings


def test_a_free_port_is_taken_and_named():
    settings = Settings(port=0)
    with listening_socket(settings) as listening:
        assert url_of(settings, listening) == f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_port_that_is_taken_is_told_with_what_to_do():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(ConfigurationError, match="Choose another port with --port"):
            listening_socket(Settings(port=taken.getsockname()[1]))


def test_a_socket_that_was_passed_is_used_and_not_its_settings():
    with socket.socket() as passed:
        passed.bind(("127.0.0.1", 0))
        port = passed.getsockname()[1]

        with listening_socket(Settings(port=1), os.dup(passed.fileno())) as listening:
            assert listening.getsockname()[1] == port


def test_what_is_no_socket_of_tcp_is_refused(tmp_path):
    file = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with pytest.raises(ConfigurationError, match="not one of TCP"):
            listening_socket(Settings(), os.dup(ours.fileno()))
        with pytest.raises(ConfigurationError, match="There is no socket"):
            listening_socket(Settings(), file)
    os.close(file)


@pytest.mark.parametrize(
    ("environ", "number"),
    [
        ({}, None),
        ({"LISTEN_PID": "7"}, None),
        ({"LISTEN_PID": "7", "LISTEN_FDS": "0"}, None),
        ({"LISTEN_PID": "8", "LISTEN_FDS": "1"}, None),
        ({"LISTEN_PID": "7", "LISTEN_FDS": "1"}, 3),
        ({"LISTEN_PID": "7", "LISTEN_FDS": "2"}, 3),
    ],
)
def test_systemds_socket_is_taken_where_it_is_meant_for_us(environ, number):
    assert passed_by_systemd(environ, 7) == number


@pytest.mark.parametrize(
    ("roles", "words", "missing"),
    [
        (("gateway", "api"), ("Dashboard: http://h/", "Ways in: http://h/webhooks/"), "Server"),
        (("worker",), ("Server: http://h/",), "Ways in"),
        (("gateway",), ("Server: http://h/", "Ways in"), "Dashboard"),
    ],
)
def test_the_greeting_names_what_is_there(roles, words, missing):
    line = greeting(roles, "http://h")

    assert line.startswith("Ready. ")
    assert all(word in line for word in words)
    assert missing not in line


def test_systemd_is_told_where_it_listens(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv(service_manager.SOCKET_VARIABLE, str(tmp_path / "notify"))
        service_manager.notify(service_manager.READY)
        service_manager.notify(*service_manager.reloading())

        assert manager.recv(100) == b"READY=1"
        assert manager.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")


@pytest.mark.parametrize("address", ["", "@nobody-listens-here", "missing"])
def test_where_nobody_listens_nothing_is_said_and_nothing_fails(tmp_path, monkeypatch, address):
    monkeypatch.setenv(
        service_manager.SOCKET_VARIABLE, str(tmp_path / address) if address == "missing" else address
    )

    service_manager.notify(service_manager.READY)
