# SPDX-License-Identifier: MIT
"""Datagrams: who is answered, and with how much."""

import re
import select
import signal
import socket

import pytest
from conftest import DEADLINE_S, ini, run, wait_for


def caller(host="127.0.0.1", port=0):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(DEADLINE_S)
    sock.bind((host, port))
    return sock


def start(pollard, **keys):
    server = pollard(main={"listen": "udp:127.0.0.1:0", **keys})
    return server, ("127.0.0.1", server.port("main", "udp"))


def is_unanswered(sock, to):
    """An answer to what was sent before would come before the one to a later question."""
    with caller() as other:
        other.sendto(b"later", to)
        other.recv(100)
    return not select.select([sock], [], [], 0)[0]


def test_a_datagram_comes_back_in_upper_case_from_where_it_went(pollard):
    _, to = start(pollard)
    data = bytes(range(256)) * 20
    with caller() as sock:
        for part in (b"x", b"hello", data):
            sock.sendto(part, to)
            assert sock.recvfrom(65536) == (part.upper(), to)


@pytest.mark.parametrize("service", ["echo", "upper"])
def test_an_empty_datagram_is_answered_by_an_empty_one(pollard, service):
    _, to = start(pollard, services=service)
    with caller() as sock:
        sock.sendto(b"", to)
        assert sock.recvfrom(100) == (b"", to)


def test_echo_answers_datagrams_and_discard_does_not(pollard):
    server = pollard(
        main={"listen": "udp:127.0.0.1:0", "services": "echo"},
        hole={"listen": "udp:127.0.0.1:0", "services": "discard"},
    )
    with caller() as sock:
        sock.sendto(b"lost", ("127.0.0.1", server.port("hole", "udp")))
        to = ("127.0.0.1", server.port("main", "udp"))
        sock.sendto(b"found", to)
        assert sock.recvfrom(100) == (b"found", to)
        assert is_unanswered(sock, to)


def test_a_listener_can_have_both_transports(pollard):
    server = pollard(main={"listen": "tcp:127.0.0.1:0 udp:127.0.0.1:0"})
    with server.connect() as stream, caller() as sock:
        stream.sendall(b"stream")
        assert stream.recv(100) == b"STREAM"
        sock.sendto(b"datagram", ("127.0.0.1", server.port("main", "udp")))
        assert sock.recv(100) == b"DATAGRAM"


def test_a_port_that_answers_by_itself_is_not_answered(pollard):
    _, to = start(pollard, services="echo")
    try:
        sock = caller("127.0.0.3", 7)
    except OSError as error:
        pytest.skip(f"port 7 cannot be bound: {error}")
    with sock:
        sock.sendto(b"hello", to)
        assert is_unanswered(sock, to)


def test_a_port_of_our_own_is_not_answered(pollard):
    server = pollard(
        main={"listen": "udp:127.0.0.1:0"}, other={"listen": "udp:127.0.0.1:0"})
    to = ("127.0.0.1", server.port("main", "udp"))
    for name in ("main", "other"):
        with caller("127.0.0.2", server.port(name, "udp")) as sock:
            sock.sendto(b"hello", to)
            assert is_unanswered(sock, to)


def test_who_is_not_on_the_list_is_not_answered(pollard):
    _, to = start(pollard, allow="127.0.0.1")
    with caller("127.0.0.2") as sock:
        sock.sendto(b"hello", to)
        assert is_unanswered(sock, to)


@pytest.mark.parametrize("service", ["chargen", "daytime", "time"])
def test_an_answer_longer_than_its_question_must_be_asked_for(tmp_path, service):
    path = tmp_path / "pollard.ini"
    path.write_text(ini(main={"listen": "udp:127.0.0.1:0", "services": service}))
    done = run("--check", "-c", path)
    assert done.returncode == 1
    assert f"{path}:5: listen: " in done.stderr and "amplify" in done.stderr


def test_chargen_answers_with_up_to_512_bytes_of_the_pattern(pollard):
    ring = bytes(range(32, 127))
    pattern = b"".join((ring * 2)[n : n + 72] + b"\r\n" for n in range(10))
    _, to = start(pollard, services="chargen", amplify="yes")
    sizes = set()
    with caller() as sock:
        for n in range(50):
            sock.sendto(b"?" * (n % 2), to)
            answer = sock.recv(65536)
            assert len(answer) <= 512 and pattern.startswith(answer)
            sizes.add(len(answer))
    assert len(sizes) > 5


def test_none_of_many_ports_of_our_own_is_answered(pollard):
    names = [f"u{n}" for n in range(70)]
    server = pollard(**{name: {"listen": "udp:127.0.0.1:0"} for name in names})
    first, *_, last = names
    to = ("127.0.0.1", server.port(first, "udp"))
    with caller("127.0.0.2", server.port(last, "udp")) as sock:
        sock.sendto(b"hello", to)
        assert is_unanswered(sock, to)


def datagrams(server):
    """How many have come, and how many of them were not answered."""
    before = server.log().count("stats ")
    server.signal(signal.SIGUSR1)
    server.wait_log("stats ", count=before + 1)
    line = server.log().rpartition("stats ")[2]
    return tuple(int(re.search(rf"{name}=(\d+)", line)[1])
                 for name in ("datagrams", "datagrams_unanswered"))


@pytest.mark.parametrize("one, other", [
    ("upper", "upper"), ("echo", "echo"), ("upper", "daytime"), ("chargen", "chargen"),
])
def test_a_forged_datagram_keeps_no_two_daemons_talking(pollard, one, other):
    sock = caller("127.0.0.2")
    _, port = sock.getsockname()
    first = pollard(main={"listen": "udp:127.0.0.1:0", "services": one, "amplify": "yes"})
    second = pollard(sockets=[sock], main={
        "listen": f"udp:127.0.0.2:{port}", "services": other, "amplify": "yes"})
    with sock:  # it is the second daemon's, so what it sends seems to come from there
        sock.sendto(b"hello", ("127.0.0.1", first.port("main", "udp")))

    def ended():
        counts = datagrams(first), datagrams(second)
        lost = counts[0][1] + counts[1][1]
        return lost > 0 and counts == (datagrams(first), datagrams(second)) and counts

    (asked_first, lost_first), (asked_second, lost_second) = wait_for(ended, "end of the talk")
    assert 900 < asked_first < 1500 and 900 < asked_second < 1500
    assert lost_first + lost_second == 1
    assert "unanswered listener=main peer=127.0.0." in first.log() + second.log()


def test_who_asks_one_after_the_other_is_answered_each_time(pollard):
    server, to = start(pollard)
    with caller() as sock:
        for n in range(500):
            sock.sendto(b"number %d" % n, to)
            assert sock.recv(100) == b"NUMBER %d" % n
    assert datagrams(server) == (500, 0)
