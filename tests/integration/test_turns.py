# SPDX-License-Identifier: MIT
"""Hundreds who ask for as much as they can, and who else waits for how long."""

import contextlib
import select
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import DEADLINE_S, SANITIZED, ask, ini, receive
from talk import Client, pack
from test_life import manager

CLIENTS = 300
BYTES = 60_000
STARVED_S = 200  # for a daemon that hardly gets the processor to answer
PING_S = 0.4  # the service manager's WATCHDOG_USEC

# Asks again as soon as it is answered, on many connections, until its standard input ends.
ONE_BY_ONE = """\
import os, selectors, socket, sys
family, where, count, request = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
request = bytes.fromhex(request)
poll = selectors.DefaultSelector()
for _ in range(count):
    sock = socket.socket(family)
    sock.connect(where if family == socket.AF_UNIX else ("127.0.0.1", int(where)))
    sock.send(request)
    sock.setblocking(False)
    poll.register(sock, selectors.EVENT_READ)
poll.register(0, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in poll.select():
        if key.fileobj == 0:
            sys.exit()
        try:
            if not key.fileobj.recv(1 << 20):
                poll.unregister(key.fileobj)
                continue
            key.fileobj.send(request)
        except BlockingIOError:
            pass
        except ConnectionError:
            poll.unregister(key.fileobj)
"""
FOLDER = [f"many/n{n:04}" for n in range(1500)]
REQUESTS = {
    "scan a small folder": pack("SCAN", 0, "COUNT", 1),
    "scan a large folder": pack("SCAN", 0, "MATCH", "many/*", "COUNT", 1),
    "scan much": pack("SCAN", 0, "MATCH", "many/*", "COUNT", 1000),
    "scan as typed": b"SCAN 0 COUNT 1\r\n",
    "exists": pack("EXISTS", "small"),
    "exists of 1023 names": pack("EXISTS", *FOLDER[:1023]),
    "get a small file": pack("GET", "small"),
    "get a large file": pack("GET", "large"),
    "getrange": pack("GETRANGE", "large", 0, 1000),
    "stat": pack("STAT", "small"),
    "strlen": pack("STRLEN", "small"),
    "sha256": pack("SHA256", "large"),
    "run": pack("RUN", "true"),
    "stream": pack("STREAM", "true"),
    "pipe": pack("PIPE", "true") + pack("INPUT", "x") + pack("INPUT"),
    "run what is not there": pack("RUN", *["none"] * 1000),
    "commands": pack("COMMANDS"),
    "ping": b"PING\r\n",
    "command": pack("COMMAND"),
    "command docs": pack("COMMAND", "DOCS"),
    "command info of 1022 names": pack("COMMAND", "INFO", *["GET"] * 1022),
    "hello": pack("HELLO", 2),
    "an unknown word": pack("NONE", *["x"] * 1000),
    "nothing": b"\r\n",
    "an empty array": b"*0\r\n",
    "garbage": b"*x\r\n",
}
SLOW = 4 if SANITIZED else 1


@pytest.fixture
def serve(pollard, manager, tmp_path):
    """serve(where) starts one whose watchdog is asked for, and gives where to call."""
    root = tmp_path / "root"
    (root / "many").mkdir(parents=True)
    (root / "small").write_bytes(b"x" * 100)
    (root / "large").write_bytes(b"x" * 1_000_000)
    for name in FOLDER:
        (root / name).touch()
    text = ini(
        daemon={"max_clients": 10_000, "log_level": "notice"},
        main={"listen": f"tcp:127.0.0.1:0 unix:{tmp_path}/s", "protocol": "resp",
              "services": "files commands", "allow": "127.0.0.1"})
    text += f"\n[service files]\nroot = {root}\n[command true]\nexec = /bin/true\nmax_input = 1k\n"

    def start(transport="tcp"):
        server = pollard(
            text, prefix=["sh", "-c", 'WATCHDOG_PID=$$ exec "$@"', "sh"],
            env={"NOTIFY_SOCKET": f"{tmp_path}/notify", "WATCHDOG_USEC": str(int(PING_S * 1e6))})
        server.wait_log("ready ")
        server.where = server.port() if transport == "tcp" else f"{tmp_path}/s"
        return server

    return start


@contextlib.contextmanager
def watchdog(server, manager):
    """The times between two pings, at the end."""
    gaps, last, over = [], None, threading.Event()

    def collect():
        nonlocal last
        while not over.is_set():
            if not select.select([manager], [], [], 0.05)[0]:
                continue
            if b"WATCHDOG=1" in manager.recv(4096):
                now = own_time(server)
                gaps.extend([now - last] if last else [])
                last = now

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        yield gaps
    finally:
        over.set()
        thread.join(DEADLINE_S)


def own_time(server):
    """Seconds, less those in which the server wanted the processor and others had it."""
    waited_ns = int(Path(f"/proc/{server.process.pid}/schedstat").read_text().split()[1])
    return time.monotonic() - waited_ns / 1e9


def waits_of(server, ask_once, seconds, at_least=3):
    """How long each answer took, one after the other for so long."""
    waits, end = [], time.monotonic() + seconds
    while time.monotonic() < end or len(waits) < at_least:
        began = own_time(server)
        ask_once()
        waits.append(own_time(server) - began)
        select.select([], [], [], 0.005)
    return sorted(waits)


def after(action, server, text):
    began = own_time(server)
    action()
    server.wait_log(text)
    return own_time(server) - began


def check(server, manager, name):
    """Nobody else waits long, nor do the watchdog and signals."""
    known = server.known

    def call():
        with Client(server.connect(server.where)) as new:
            new.sock.settimeout(STARVED_S)
            assert new("PING") == "PONG"

    with watchdog(server, manager) as gaps:
        waits = waits_of(server, lambda: known("PING"), 1)
        new = waits_of(server, call, 0.3, at_least=1)
    stats = after(lambda: server.signal(signal.SIGUSR1), server, "stats ")
    stop = after(lambda: server.signal(signal.SIGTERM), server, "stopping ")
    p95 = waits[len(waits) * 95 // 100]
    print(f"{name}: {len(waits)} waits, median {statistics.median(waits) * 1e3:.1f} ms, "
          f"95 % {p95 * 1e3:.1f}, most {waits[-1] * 1e3:.1f}; a new caller {new[-1] * 1e3:.1f}; "
          f"watchdog {max(gaps, default=0) * 1e3:.0f}; SIGUSR1 {stats * 1e3:.0f}; "
          f"SIGTERM {stop * 1e3:.0f}")
    assert p95 < SLOW and statistics.median(waits) < SLOW * 0.3
    assert gaps and max(gaps) < SLOW * 2
    assert stats < SLOW and stop < SLOW
    server.signal(signal.SIGTERM)
    assert server.wait() == 0


@pytest.mark.parametrize("transport, name", [
    *(("tcp", name) for name in REQUESTS),
    *(("unix", name) for name in ("scan as typed", "exists of 1023 names", "stat", "run"))])
def test_nobody_waits_long_for_hundreds_who_ask_for_much_at_once(
        serve, manager, transport, name):
    server = serve(transport)
    payload = REQUESTS[name] * max(1, BYTES // len(REQUESTS[name]))
    with contextlib.ExitStack() as stack:
        server.known = stack.enter_context(Client(server.connect(server.where)))
        assert [server.known("PING") for _ in range(20)][0] == "PONG"
        socks = [stack.enter_context(server.connect(server.where)) for _ in range(CLIENTS)]
        for sock in socks:
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError, ConnectionError):
                sock.send(payload)
        check(server, manager, name)


@pytest.mark.parametrize(
    "name", ["scan as typed", "scan much", "exists of 1023 names", "get a small file", "run"])
def test_nobody_waits_long_for_hundreds_who_ask_one_thing_after_the_other(serve, manager, name):
    server = serve()
    with Client(server.connect(server.where)) as server.known:
        assert [server.known("PING") for _ in range(20)][0] == "PONG"
        asking = subprocess.Popen(
            [sys.executable, "-c", ONE_BY_ONE, str(int(socket.AF_INET)), str(server.where),
             str(CLIENTS), REQUESTS[name].hex()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert asking.stdout.readline() == b"ready\n"
            check(server, manager, name)
        finally:
            asking.kill()
            asking.communicate(timeout=DEADLINE_S)


def call_at_once(server, count):
    """So many callers, of whom none waits for the other."""
    socks = []
    for _ in range(count):
        sock = socket.socket()
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            sock.connect(("127.0.0.1", server.port()))
        socks.append(sock)
    return socks


THOUSANDS = 4000


@pytest.fixture
def crowd(pollard):
    """crowd(idle_timeout) starts one with thousands of callers, who have come at once, and one
    who has been there before."""
    with contextlib.ExitStack() as stack:
        def start(**main):
            server = pollard(
                daemon={"max_clients": 10_000, "log_level": "notice", "backlog": 4096},
                main={"services": "echo", **main})
            server.known = stack.enter_context(server.connect())
            ask(server.known, b"hello")
            server.crowd = call_at_once(server, THOUSANDS)
            for sock in server.crowd:
                stack.callback(sock.close)
            return server

        yield start


def longest(waits, what):
    print(f"{what}: {len(waits)} waits, most {waits[-1] * 1e3:.1f} ms")
    assert waits[-1] < SLOW
    return waits[-1]


def test_thousands_who_call_at_once_are_served_and_keep_nobody_waiting(crowd):
    server = crowd()
    longest(waits_of(server, lambda: ask(server.known, b"hello"), 0.5), "while thousands call")
    for sock in server.crowd:
        sock.settimeout(DEADLINE_S)
        sock.send(b"hello")
    for sock in server.crowd:
        assert receive(sock, 5) == b"hello"


def test_thousands_of_deadlines_at_once_keep_nobody_waiting(crowd):
    server = crowd(idle_timeout="1s")
    with server.connect() as known:  # the other may have been idle for as long already
        longest(waits_of(server, lambda: ask(known, b"hello"), 1.5), "while thousands are idle")
    for sock in server.crowd:
        sock.settimeout(DEADLINE_S)
        assert sock.recv(1) == b""
    with server.connect() as sock:
        assert ask(sock, b"hello") == b"hello"


def test_a_reload_and_a_stop_with_thousands_who_are_there_take_no_time(crowd):
    server = crowd()
    for sock in server.crowd:
        sock.settimeout(DEADLINE_S)
    assert ask(server.crowd[-1], b"hello") == b"hello"
    assert after(server.reload, server, "reloaded") < SLOW
    longest(waits_of(server, lambda: ask(server.known, b"hello"), 0.2), "after a reload")
    took = after(lambda: server.signal(signal.SIGTERM), server, f"stopping clients={THOUSANDS + 1}")
    assert took < SLOW
    for sock in server.crowd:
        assert sock.recv(1) == b""
        sock.close()
    server.known.close()
    assert server.wait() == 0
