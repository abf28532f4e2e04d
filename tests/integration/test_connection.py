# SPDX-License-Identifier: MIT
"""Clients that come, go, stay, and do not read."""

import random
import socket
import subprocess
import threading

import pytest
from conftest import (
    DEADLINE_S, SANITIZED, ask, fill, need, read_slowly, receive, receive_all, reset, wait_for,
)


def pipe(*command):
    done = subprocess.run(command, input=b"hello", capture_output=True, timeout=DEADLINE_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_client_of_the_tutorial_is_answered(pollard):
    with pollard().connect() as sock:
        sock.sendall(b"hello")
        assert sock.recv(1024) == b"HELLO"


def test_three_clients_take_turns(pollard):
    server = pollard()
    socks = [server.connect() for _ in range(3)]
    for turn in range(10):
        for n, sock in enumerate(socks):
            sock.sendall(b"client %d turn %d" % (n, turn))
        for n, sock in reversed(list(enumerate(socks))):
            expected = b"CLIENT %d TURN %d" % (n, turn)
            assert receive(sock, len(expected)) == expected
    for sock in socks:
        sock.close()


def test_the_second_client_is_served_after_the_first_resets(pollard):
    server = pollard()
    first = server.connect()
    with server.connect() as second:
        assert ask(first, b"one") == b"ONE"
        reset(first)
        assert ask(second, b"two") == b"TWO"
        server.wait_log("reason=reset")
        assert ask(second, b"three") == b"THREE"


def test_a_client_that_has_shut_down_gets_all_its_answers(pollard):
    data = random.Random(1).randbytes(3_000_000)
    with pollard().connect() as sock:
        writer = threading.Thread(
            target=lambda: (sock.sendall(data), sock.shutdown(socket.SHUT_WR)))
        writer.start()
        assert receive_all(sock) == data.upper()
        writer.join(DEADLINE_S)


def test_forty_megabytes_through_a_late_reader_are_right_and_cost_no_memory(pollard):
    data = random.Random(40).randbytes(1 << 20) * 40
    server = pollard()
    with server.connect() as sock:
        ask(sock, data[: 1 << 18])  # what is needed once is there now
        before = server.rss()
        sent = fill(sock, data)
        assert sent < len(data), "the server took everything without being read"
        most = server.rss()
        writer = threading.Thread(target=sock.sendall, args=(memoryview(data)[sent:],))
        writer.start()
        expected, at = data[: 1 << 20].upper(), 0
        while at < len(data):
            part = receive(sock, 1 << 20)
            assert part == expected, f"wrong from byte {at} on"
            at += len(part)
            most = max(most, server.rss())
        writer.join(DEADLINE_S)
    if not SANITIZED:
        assert most - before < 4096


def test_fifty_writers_that_never_read_harm_nobody(pollard):
    server = pollard()
    data = b"x" * (1 << 24)
    before = server.rss()
    writers = []
    for _ in range(50):
        sock = server.connect()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        sock.setblocking(False)
        writers.append(sock)
    stuck = 0

    def all_stuck():
        nonlocal stuck
        moved = False
        for sock in writers:
            try:
                moved = sock.send(data[: 1 << 20]) > 0 or moved
            except BlockingIOError:
                pass
        stuck = 0 if moved else stuck + 1
        return stuck >= 20

    wait_for(all_stuck, "writer that stops")
    with server.connect() as other:
        assert ask(other, b"hello") == b"HELLO"
        busy = server.cpu()
        other.settimeout(1)  # a second in which nothing happens
        with pytest.raises(TimeoutError):
            other.recv(1)
        assert server.cpu() - busy < 0.2
        other.settimeout(DEADLINE_S)
        assert ask(other, b"hello") == b"HELLO"
    if not SANITIZED:
        # 50 connections, each with at most a high water mark of bytes
        assert server.rss() - before < 50 * 600
    for sock in writers:
        reset(sock)


def test_two_hundred_resets_do_not_disturb_another_client(pollard):
    server = pollard()
    with server.connect() as other:
        for n in range(200):
            sock = server.connect()
            sock.sendall(b"x" * (n * 10 + 1))
            reset(sock)
            assert ask(other, b"hello") == b"HELLO"
        server.wait_log("closed listener=main", count=200)
        assert ask(other, b"hello") == b"HELLO"


def test_netcat_pipes_through_tcp(pollard):
    need("nc")
    assert pipe("nc", "-N", "127.0.0.1", str(pollard().port())) == b"HELLO"


def test_netcat_pipes_through_a_unix_socket(pollard, tmp_path):
    need("nc")
    pollard(main={"listen": f"unix:{tmp_path}/s"})
    assert pipe("nc", "-N", "-U", f"{tmp_path}/s") == b"HELLO"


def test_socat_pipes_through_tcp_and_a_unix_socket(pollard, tmp_path):
    need("socat")
    server = pollard(main={"listen": f"tcp:127.0.0.1:0 unix:{tmp_path}/s"})
    assert pipe("socat", "-t20", "-", f"TCP:127.0.0.1:{server.port()}") == b"HELLO"
    assert pipe("socat", "-t20", "-", f"UNIX-CONNECT:{tmp_path}/s") == b"HELLO"


def test_an_idle_client_is_hung_up_on(pollard):
    server = pollard(main={"idle_timeout": "300ms"})
    with server.connect() as sock:
        assert ask(sock, b"hello") == b"HELLO"
        assert receive_all(sock) == b""
    assert "in=5 out=5" in server.wait_log("reason=idle")


def test_a_client_that_takes_nothing_is_cut_off(pollard):
    server = pollard(main={"write_timeout": "300ms"})
    with server.connect() as sock:
        try:
            fill(sock, b"x" * (1 << 25))
        except ConnectionError:
            pass
        server.wait_log("reason=stalled")


def test_a_client_that_reads_slowly_is_not_cut_off(pollard):
    server = pollard(main={"services": "echo", "write_timeout": "600ms"})
    data = random.Random(2).randbytes(1 << 16) * 256
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        sock.settimeout(DEADLINE_S)
        sock.connect(("127.0.0.1", server.port()))
        sent = fill(sock, data)
        answer = read_slowly(sock, 600_000, 25_000)
        answer += receive(sock, sent - len(answer))
    assert len(answer) == sent
    assert answer == data[:sent]


def test_a_client_that_takes_nothing_is_cut_off_even_if_it_speaks(pollard):
    server = pollard(main={"services": "chargen", "write_timeout": "200ms"})
    with server.connect() as sock:
        def is_cut_off():
            try:
                sock.send(b"x")
            except ConnectionError:
                pass
            return "reason=stalled" in server.log()

        wait_for(is_cut_off, "end", timeout=5)


def test_a_long_line_that_comes_byte_by_byte_costs_little(pollard):
    server = pollard(
        main={"services": "echo", "protocol": "line", "max_request": "16M"}, other={})
    line = b"x" * (15 << 20)
    with server.connect() as sock, server.connect("other") as other:
        def cost_of_bytes():
            before = server.cpu()
            for _ in range(1500):
                sock.send(b"x")
                ask(other, b"hello")  # by now the byte has arrived
            return server.cpu() - before

        short = cost_of_bytes()
        sock.sendall(line)
        ask(other, b"hello")
        assert cost_of_bytes() < 2 * short + 0.2
        sock.sendall(b"\n")
        assert receive(sock, len(line) + 3001) == line + b"x" * 3000 + b"\n"
