# SPDX-License-Identifier: MIT
"""Callers who leave, or stop sending, or stop reading, in the middle of anything: nothing spins,
nothing is left behind, and who only stopped sending gets the whole answer."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import time

import pytest
from conftest import DEADLINE_S, SANITIZED, ask, fill, ini, receive, receive_all, reset, wait_for
from talk import Client, children, group, open_files, pack, talking
from test_commands import waiting
from test_connection import need

HUGE = 1 << 40  # of holes; more than anybody reads in the time of a test
RAW = ["upper", "echo", "discard", "chargen", "daytime", "time"]


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "small").write_bytes(b"x" * 20_000)
    for name in ("huge", "other", "third"):
        with open(folder / name, "wb") as file:
            file.truncate(HUGE)
    for n in range(2000):
        (folder / f"n{n:04}").touch()
    return folder


@pytest.fixture
def server(pollard, talking, root, tmp_path):
    """It has all services and no deadline: who does nothing stays."""
    forever = {"idle_timeout": 0, "write_timeout": 0, "allow": "127.0.0.1"}
    listeners = {
        name: {**forever, "listen": f"tcp:127.0.0.1:0 unix:{tmp_path}/{name}", "services": name}
        for name in RAW}
    listeners["main"] = {
        **forever, "listen": f"tcp:127.0.0.1:0 unix:{tmp_path}/main", "protocol": "resp",
        "services": "files commands", "max_owed": "64k"}
    shell = "exec = /bin/sh -c {script}\narg.script = regex .*\n"
    text = ini(daemon={"log_level": "info"}, **listeners)
    text += f"\n[service files]\nroot = {root}\nmax_digests = 2\n"
    text += f"[command sh]\n{shell}max_running = 100\n"
    text += f"[command one]\n{shell}max_running = 1\nmax_waiting = 100\n"
    return talking(pollard(text))


# What a caller can be in the middle of: a listener, and what it does there.


def nothing(sock):
    pass


def asks(*requests):
    def do(sock):
        sock.sendall(b"".join(requests))

    return do


def writes_much(sock):
    fill(sock, b"x" * (1 << 25))


def asks_much(request, then=b""):
    """Until it is not read any more."""
    def do(sock):
        fill(sock, request * ((8 << 20) // len(request)) + then)

    return do


def reads_some_of(request):
    def do(sock):
        sock.sendall(request)
        receive(sock, 1 << 20)

    return do


SITUATIONS = {
    **{f"{name}, silent": (name, nothing) for name in RAW},
    "upper, much that nobody reads": ("upper", writes_much),
    "echo, much that nobody reads": ("echo", writes_much),
    "discard, some": ("discard", asks(b"x" * 100_000)),
    "chargen, some that is read": ("chargen", reads_some_of(b"x")),
    "silent": ("main", nothing),
    "half a request": ("main", asks(b"*2\r\n$3\r\nGE")),
    "an answer that nobody reads": ("main", asks_much(pack("GET", "small"))),
    "scans that nobody reads": ("main", asks_much(pack("SCAN", 0, "COUNT", 1000))),
    "an end after answers that nobody reads":
        ("main", asks(pack("GET", "small") * 1000, pack("QUIT"))),
    "an error after answers that nobody reads":
        ("main", asks(pack("GET", "small") * 1000, b"*x\r\n")),
    "a file that nobody reads": ("main", asks(pack("GET", "huge"))),
    "a file of which some is read": ("main", reads_some_of(pack("GET", "huge"))),
    "a file, and more asked than is read ahead":
        ("main", asks_much(pack("GET", "huge") + b"PING\r\n")),
    "a run": ("main", asks(pack("RUN", "sh", "exec sleep 1000"))),
    "a run, and requests behind it": ("main", asks(pack("RUN", "sh", "exec sleep 1000") * 3)),
    "a run, and more asked than is read ahead":
        ("main", asks(pack("RUN", "sh", "exec sleep 1000") * 2000)),
    "a run that waits for a place": ("main", asks(pack("RUN", "one", "exec sleep 1000"))),
    "a silent stream": ("main", asks(pack("STREAM", "sh", "exec sleep 1000"))),
    "a stream that nobody reads": ("main", asks(pack("STREAM", "sh", "exec yes"))),
    "a stream of which some is read": ("main", reads_some_of(pack("STREAM", "sh", "exec yes"))),
    "a digest": ("main", asks(pack("SHA256", "huge"))),
    "digests, and requests behind them":
        ("main", asks(pack("SHA256", "huge"), pack("SHA256", "other"), b"PING\r\n")),
}


# What it does then.


def closes(sock):
    sock.close()


def resets(sock):
    if sock.family == socket.AF_UNIX:
        sock.close()
    else:
        reset(sock)


def shuts(how):
    return lambda sock: sock.shutdown(how)


def shuts_one_by_one(sock):
    sock.shutdown(socket.SHUT_RD)
    sock.shutdown(socket.SHUT_WR)


ACTIONS = [nothing, shuts(socket.SHUT_RD), shuts(socket.SHUT_WR), shuts(socket.SHUT_RDWR),
           shuts_one_by_one, closes, resets]


def sockets(server):
    return sum(name.startswith("socket:") for name in open_files(server.pid))


def busy(server, seconds):
    """The part of the time that it is busy for."""
    began, before = time.monotonic(), server.cpu()
    select.select([], [], [], seconds)
    return (server.cpu() - before) / (time.monotonic() - began)


def check_quiet(server, name):
    """Whatever it had to do at once is soon done, and then it has nothing to do."""
    part = 1
    end = time.monotonic() + 8
    while part > 0.1 and time.monotonic() < end:
        part = busy(server, 0.7)
    assert part <= 0.1, f"{name}: busy for {part * 100:.0f} % of the time"


@pytest.mark.parametrize("transport", ["tcp", "unix"])
@pytest.mark.parametrize("name", SITUATIONS)
def test_who_does_anything_in_the_middle_of_anything_makes_nothing_spin(
        server, tmp_path, name, transport):
    listener, do = SITUATIONS[name]
    where = listener if transport == "tcp" else tmp_path / listener
    before = sockets(server)
    with contextlib.ExitStack() as stack:
        holder = stack.enter_context(Client(server.connect("main")))
        holder.send(("RUN", "one", "exec sleep 1000"))
        wait_for(lambda: children(server.pid), "run that holds the place")
        socks = [stack.enter_context(server.connect(where)) for _ in ACTIONS]
        for sock in socks:
            do(sock)
        for sock, act in zip(socks, ACTIONS):
            act(sock)
        check_quiet(server, name)
        with server.connect("upper") as sock:
            assert ask(sock, b"hello") == b"HELLO"
    wait_for(lambda: sockets(server) == before, "end of all connections")
    wait_for(lambda: not children(server.pid), "end of all commands")
    assert busy(server, 0.2) <= 0.2


@pytest.mark.parametrize("request_, reply", [(b"hello", b"HELLO"), (b"", b"")])
def test_what_was_asked_in_time_is_answered_however_late_we_are(pollard, request_, reply):
    server = pollard(main={"idle_timeout": "100ms"})
    with server.connect() as sock:
        assert ask(sock, b"a") == b"A"
        server.signal(signal.SIGSTOP)
        sock.sendall(request_)
        select.select([], [], [], 0.3)  # the deadline passes
        server.signal(signal.SIGCONT)
        assert receive(sock, len(reply)) == reply
        assert receive_all(sock) == b""  # and it is idle again
