# SPDX-License-Identifier: MIT
"""Whoever is cut off because it did nothing has done nothing: a daemon that comes late looks
first."""

import contextlib
import os
import select
import signal
import socket
import time

import pytest
from conftest import DEADLINE_S, ask, fill, ini, receive, receive_all, wait_for
from talk import pack

CALLERS = 100


@contextlib.contextmanager
def late(server, seconds):
    """The daemon sleeps while its deadlines pass."""
    server.signal(signal.SIGSTOP)
    os.waitpid(server.pid, os.WUNTRACED)
    began = time.monotonic()
    try:
        yield
        while (left := began + seconds - time.monotonic()) > 0:
            select.select([], [], [], left)
    finally:
        server.signal(signal.SIGCONT)


LISTENERS = {
    "raw": ({"services": "upper"}, b"hello", b"HELLO"),
    "line": ({"services": "upper", "protocol": "line"}, b"hello\n", b"HELLO\n"),
    "resp": ({"services": "files", "protocol": "resp"}, b"PING\r\n", b"+PONG\r\n"),
    "resp, an array": ({"services": "files", "protocol": "resp"}, pack("ECHO", "x"),
                       b"$1\r\nx\r\n"),
    "resp, a file": ({"services": "files", "protocol": "resp"}, pack("GET", "large"),
                     b"$100000\r\n" + bytes(100_000) + b"\r\n"),
    "resp, much": ({"services": "files", "protocol": "resp"}, b"PING\r\n" * 5000,
                   b"+PONG\r\n" * 5000),
    "resp, a digest": ({"services": "files", "protocol": "resp"}, pack("SHA256", "large"), None),
}


@pytest.fixture
def serve(pollard, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "large").write_bytes(bytes(100_000))

    def start(main, **keys):
        main = {"listen": f"tcp:127.0.0.1:0 unix:{tmp_path}/s", **main, **keys}
        return pollard(f"{ini(main=main)}\n[service files]\nroot = {root}\nmax_digests = 64\n")

    return start


@pytest.mark.parametrize("transport", ["tcp", "unix"])
@pytest.mark.parametrize("name", LISTENERS)
def test_what_was_asked_before_the_idle_deadline_is_answered_however_late(
        serve, tmp_path, name, transport):
    main, request, answer = LISTENERS[name]
    server = serve(main, idle_timeout="1s")
    where = "main" if transport == "tcp" else tmp_path / "s"
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(server.connect(where)) for _ in range(CALLERS)]
        with late(server, 1.1):
            for sock in socks[::2]:
                sock.sendall(request)
        for n, sock in enumerate(socks):
            if n % 2 == 1:
                assert receive_all(sock) == b"", "who asked nothing is hung up on"
            elif answer is not None:
                assert receive(sock, len(answer)) == answer
            else:
                assert receive(sock, 1) == b"$"


def test_a_part_of_a_request_does_not_postpone_the_idle_deadline(serve):
    server = serve(LISTENERS["line"][0], idle_timeout="1s")
    with server.connect() as sock:
        with late(server, 1.1):
            sock.sendall(b"hel")
        assert receive_all(sock) == b""
    server.wait_log("reason=idle")


@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_who_took_something_before_the_write_deadline_gets_the_rest_however_late(
        serve, tmp_path, transport):
    server = serve({"services": "echo"}, write_timeout="1s")
    data = os.urandom(1 << 16) * 256
    with server.connect("main" if transport == "tcp" else tmp_path / "s") as sock:
        sent = fill(sock, data)
        answer = b""
        for _ in range(3):  # in one of them it compares with what it knew before
            with late(server, 1.1):
                sock.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    while len(answer) < sent:
                        answer += sock.recv(min(1 << 16, sent - len(answer)))
                sock.settimeout(DEADLINE_S)
        answer += receive(sock, sent - len(answer))
        assert answer == data[:sent]


def test_who_took_something_before_the_end_of_a_hang_up_gets_the_rest_however_late(serve):
    """After QUIT, a peer has 2 s to hang up too, or to go on taking."""
    server = serve(LISTENERS["resp"][0])
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        sock.settimeout(DEADLINE_S)
        sock.connect(("127.0.0.1", server.port()))
        size = 5 * (len(b"$100000\r\n") + 100_000 + 2) + len(b"+OK\r\n")
        sock.sendall(pack("GET", "large") * 5 + pack("QUIT"))
        answer = b""

        def is_said():
            server.signal(signal.SIGUSR1)
            return f"bytes_out={size} " in server.log()

        wait_for(is_said, "answer in the kernel")
        for _ in range(2):
            with late(server, 2.2):
                answer += receive(sock, 20_000)
        answer += receive_all(sock)
        assert len(answer) == size


def test_a_request_that_comes_just_before_the_idle_deadline_is_answered_or_the_end_came_first(
        serve):
    """What comes late is not lost either: whoever has no answer was told of the end, cleanly."""
    server = serve(LISTENERS["line"][0], idle_timeout="300ms")
    answered = 0
    for _ in range(3):
        with contextlib.ExitStack() as stack:
            callers = []
            for n in range(CALLERS):
                sock = stack.enter_context(server.connect())
                assert ask(sock, b"x\n") == b"X\n"
                callers.append((time.monotonic() + 0.3 - 0.015 * n / CALLERS, sock))
            for due, sock in callers:
                while (left := due - time.monotonic()) > 0:
                    select.select([], [], [], left)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    sock.sendall(b"hello\n")
            for _, sock in callers:
                with contextlib.suppress(ConnectionResetError):
                    answer = receive(sock, 6)
                    assert answer in (b"", b"HELLO\n")
                    answered += answer == b"HELLO\n"
    print(f"{answered} of {3 * CALLERS} requests in the last 15 ms were answered")
