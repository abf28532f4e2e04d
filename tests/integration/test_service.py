# SPDX-License-Identifier: MIT
"""What the services answer, over raw and line."""

import fcntl
import random
import re
import socket
import struct
import termios
import time

import pytest
from conftest import ask, receive, receive_all, wait_for

ALL_BYTES = bytes(range(256))


def chargen_pattern(size):
    """RFC 864: 72 of the 95 printable characters a line, one further in each."""
    ring = bytes(range(32, 127))
    lines = b"".join((ring * 2)[n : n + 72] + b"\r\n" for n in range(95))
    return (lines * (size // len(lines) + 1))[:size]


def unread(sock):
    """How much of what was sent through a UNIX socket the peer has not received."""
    return struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, b"\0" * 4))[0]


def one_line_service(pollard, **keys):
    return pollard(main={"protocol": "line", **keys})


def test_upper_changes_a_to_z_and_no_other_byte(pollard):
    with pollard().connect() as sock:
        assert ask(sock, ALL_BYTES) == ALL_BYTES.upper()
        changed = [n for n in range(256) if bytes([n]).upper() != bytes([n])]
        assert bytes(changed) == b"abcdefghijklmnopqrstuvwxyz"


def test_upper_is_right_at_every_length_and_alignment(pollard):
    with pollard().connect() as sock:
        for size in range(1, 140):
            data = random.Random(size).randbytes(size)
            assert ask(sock, data) == data.upper()


def test_raw_answers_without_waiting_for_a_newline(pollard):
    with pollard().connect() as sock:
        for n in range(256):
            assert ask(sock, bytes([n])) == bytes([n]).upper()


def test_echo_sends_back_what_it_gets(pollard):
    data = random.Random(7).randbytes(100_000)
    with pollard(main={"services": "echo"}).connect() as sock:
        assert ask(sock, ALL_BYTES) == ALL_BYTES
        assert ask(sock, data) == data


def test_discard_takes_everything_and_says_nothing(pollard):
    server = pollard(main={"services": "discard"})
    with server.connect() as sock:
        sock.sendall(b"x" * 5_000_000)
        sock.shutdown(socket.SHUT_WR)
        assert receive_all(sock) == b""
    assert "in=5000000 out=0" in server.wait_log("closed listener=main")


def test_chargen_sends_the_pattern_of_the_rfc(pollard):
    with pollard(main={"services": "chargen"}).connect() as sock:
        assert receive(sock, 300_000) == chargen_pattern(300_000)


@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_chargen_ignores_what_it_is_sent_and_ends_only_with_its_caller(
    pollard, tmp_path, transport
):
    listen = {"tcp": "tcp:127.0.0.1:0", "unix": f"unix:{tmp_path}/s"}[transport]
    server = pollard(main={"services": "chargen", "listen": listen})
    with server.connect(tmp_path / "s" if transport == "unix" else "main") as sock:
        sock.sendall(b"x" * 100_000)
        assert receive(sock, 100_000) == chargen_pattern(100_000)
        sock.shutdown(socket.SHUT_WR)
        assert receive(sock, 20_000_000) == chargen_pattern(20_100_000)[100_000:]
    server.wait_log("closed listener=main")


def test_chargen_sends_to_a_caller_who_has_nothing_to_say(pollard):
    with pollard(main={"services": "chargen"}).connect() as sock:
        sock.shutdown(socket.SHUT_WR)
        assert receive(sock, 20_000_000) == chargen_pattern(20_000_000)


def test_daytime_says_one_line_and_hangs_up(pollard):
    with pollard(main={"services": "daytime"}).connect() as sock:
        text = receive_all(sock).decode()
    assert re.fullmatch(r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\r\n", text)
    said = time.mktime(time.strptime(text.strip(), "%a %b %d %H:%M:%S %Y"))
    assert abs(time.time() - said) < 60


def test_time_says_the_seconds_since_1900_and_hangs_up(pollard):
    with pollard(main={"services": "time"}).connect() as sock:
        data = receive_all(sock)
    assert len(data) == 4
    assert abs(struct.unpack("!I", data)[0] - 2208988800 - time.time()) < 60


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_a_line_is_answered_with_the_end_it_came_with(pollard, end):
    with one_line_service(pollard).connect() as sock:
        assert ask(sock, b"hello" + end) == b"HELLO" + end
        assert ask(sock, end) == end


def test_mixed_line_ends_are_kept_line_by_line(pollard):
    text = b"a\nb\r\n\r\n\nc\rd\ne\r\r\n"
    with one_line_service(pollard).connect() as sock:
        assert ask(sock, text) == text.upper()


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_a_request_may_be_split_at_any_byte(pollard, end):
    text = b"hello" + end + b"world" + end
    with one_line_service(pollard).connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(1, len(text)):
            sock.sendall(text[:at])
            whole = text[: text[:at].rfind(b"\n") + 1]
            assert receive(sock, len(whole)) == whole.upper()
            sock.sendall(text[at:])
            assert receive(sock, len(text) - len(whole)) == text[len(whole) :].upper()
        for n in range(len(text)):
            sock.sendall(text[n : n + 1])
        assert receive(sock, len(text)) == text.upper()


def test_the_last_line_may_lack_its_end(pollard):
    with one_line_service(pollard).connect() as sock:
        sock.sendall(b"one\ntwo")
        sock.shutdown(socket.SHUT_WR)
        assert receive_all(sock) == b"ONE\nTWO\n"


def test_a_line_of_exactly_the_longest_length_is_answered(pollard):
    with one_line_service(pollard, max_request="100").connect() as sock:
        for end in (b"\n", b"\r\n"):
            assert ask(sock, b"x" * 100 + end) == b"X" * 100 + end


def test_a_line_of_the_longest_length_may_be_split_within_its_end(pollard, tmp_path):
    server = one_line_service(pollard, listen=f"unix:{tmp_path}/s", max_request="100")
    with server.connect(tmp_path / "s") as sock:
        sock.sendall(b"x" * 100 + b"\r")
        wait_for(lambda: not unread(sock), "reader of the first part")
        sock.sendall(b"\n")
        assert receive(sock, 102) == b"X" * 100 + b"\r\n"


def test_a_line_that_is_too_long_is_told_so_and_ended(pollard):
    server = one_line_service(pollard, max_request="100")
    with server.connect() as sock:
        sock.sendall(b"short\n" + b"x" * 101 + b"\nafter\n")
        answer = receive_all(sock)
    assert answer.startswith(b"SHORT\nERR ")
    assert answer.count(b"\n") == 2 and answer.endswith(b"\n")
    assert "reason=error" in server.wait_log("closed listener=main")


def test_a_line_without_end_is_cut_off_and_its_caller_hears_why(pollard):
    with one_line_service(pollard, max_request="1k").connect() as sock:
        sock.sendall(b"x" * 200_000)
        assert receive_all(sock).startswith(b"ERR ")


def test_many_requests_in_one_packet_are_answered_in_order(pollard):
    text = b"".join(b"line %d\n" % n for n in range(20_000))
    with one_line_service(pollard).connect() as sock:
        sock.sendall(text)
        assert receive(sock, len(text)) == text.upper()
