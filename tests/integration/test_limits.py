# SPDX-License-Identifier: MIT
"""How many may call, and who."""

import os
import select
import signal
import socket
import subprocess
import time

import pytest
from conftest import (
    DEADLINE_S, SANITIZED, ask, assert_bounded, ini, need, parsed, receive, receive_all, wait_for,
)
from talk import Client, is_refused


def is_silent(sock):
    return not select.select([sock], [], [], 0)[0]


def assert_refused(sock):
    try:
        assert sock.recv(100) == b""
    except ConnectionResetError:
        pass


def test_the_caller_over_the_limit_waits_and_is_served_when_a_place_frees(pollard):
    server = pollard(daemon={"max_clients": 2}, main={})
    first, second = server.connect(), server.connect()
    assert ask(first, b"one") == b"ONE" and ask(second, b"two") == b"TWO"
    with server.connect() as third:
        third.sendall(b"three")
        assert ask(first, b"one") == b"ONE" and ask(second, b"two") == b"TWO"
        assert is_silent(third)
        first.close()
        assert receive(third, 5) == b"THREE"
    second.close()


def test_with_reject_the_caller_over_the_limit_is_told(pollard):
    server = pollard(daemon={"max_clients": 1, "when_full": "reject"}, main={})
    with server.connect() as first:
        assert ask(first, b"one") == b"ONE"
        with server.connect() as second:
            assert receive_all(second).startswith(b"ERR too many clients")
        server.wait_log("reason=full")
        assert ask(first, b"one") == b"ONE"
    server.wait_log("reason=eof")
    with server.connect() as third:
        assert ask(third, b"three") == b"THREE"


def test_a_rejected_caller_who_spoke_first_still_hears_why(pollard):
    server = pollard(daemon={"max_clients": 1, "when_full": "reject"}, main={})
    with server.connect() as first:
        assert ask(first, b"one") == b"ONE"
        for _ in range(20):
            with server.connect() as second:
                second.sendall(b"x" * 10_000)
                assert receive_all(second).startswith(b"ERR too many clients")


def test_a_full_listener_leaves_the_others_open(pollard):
    server = pollard(main={"max_clients": 1}, other={})
    with server.connect() as first, server.connect() as second:
        assert ask(first, b"one") == b"ONE"
        second.sendall(b"two")
        with server.connect("other") as third:
            assert ask(third, b"three") == b"THREE"
        assert is_silent(second)
        first.close()
        assert receive(second, 3) == b"TWO"


def test_one_address_has_its_own_limit(pollard):
    server = pollard(main={"max_clients_per_ip": 2})
    socks = [server.connect(), server.connect()]
    for sock in socks:
        assert ask(sock, b"one") == b"ONE"
    with server.connect() as third:
        assert receive_all(third).startswith(b"ERR too many clients")
    with server.connect(source="127.0.0.2") as elsewhere:
        assert ask(elsewhere, b"hello") == b"HELLO"
    socks.pop().close()
    server.wait_log("reason=eof", count=1)
    with server.connect() as fourth:
        assert ask(fourth, b"four") == b"FOUR"
    socks.pop().close()


def test_a_caller_who_is_not_on_the_list_is_refused(pollard):
    server = pollard(main={"allow": "127.0.0.2 192.0.2.0/24"})
    with server.connect() as sock:
        assert_refused(sock)
    assert "peer=127.0.0.1:" in server.wait_log("reason=refused")
    with server.connect(source="127.0.0.2") as sock:
        assert ask(sock, b"hello") == b"HELLO"


def test_a_network_on_the_list_may_call(pollard):
    with pollard(main={"allow": "127.0.0.0/8"}).connect() as sock:
        assert ask(sock, b"hello") == b"HELLO"


def test_a_unix_socket_knows_its_users(pollard, tmp_path):
    uid = os.getuid()
    server = pollard(
        us={"listen": f"unix:{tmp_path}/us", "allow_users": uid},
        them={"listen": f"unix:{tmp_path}/them", "allow_users": uid + 1},
    )
    with server.connect(tmp_path / "us") as sock:
        assert ask(sock, b"hello") == b"HELLO"
    with server.connect(tmp_path / "them") as sock:
        assert_refused(sock)
    line = server.wait_log("reason=refused")
    assert "listener=them" in line and f"uid={uid}" in line


def test_a_unix_socket_knows_its_groups(pollard, tmp_path):
    gid = os.getgid()
    server = pollard(
        us={"listen": f"unix:{tmp_path}/us", "allow_groups": gid},
        them={"listen": f"unix:{tmp_path}/them", "allow_groups": gid + 12345},
    )
    with server.connect(tmp_path / "us") as sock:
        assert ask(sock, b"hello") == b"HELLO"
    with server.connect(tmp_path / "them") as sock:
        assert_refused(sock)


@pytest.mark.skipif(SANITIZED, reason="a tracer and a sanitizer do not get along")
def test_without_descriptors_nobody_is_lost_and_nothing_spins(pollard):
    need("strace")
    server = pollard()
    busy = server.cpu()
    tracer = subprocess.Popen(
        ["strace", "-f", "-o", "/dev/null", "-e", "trace=accept4",
         "-e", "inject=accept4:error=EMFILE:when=1..5", "-p", str(server.pid)],
        stderr=subprocess.PIPE, text=True)
    try:
        said = tracer.stderr.readline()
        if "attached" not in said:
            pytest.skip(f"strace cannot attach: {said}")
        socks = [server.connect() for _ in range(10)]
        for sock in socks:
            sock.sendall(b"hello")
        for sock in socks:
            assert receive(sock, 5) == b"HELLO"
            sock.close()
        server.wait_log('accept_paused listener=main reason="Too many open files"')
        assert server.cpu() - busy < 0.5
    finally:
        tracer.terminate()
        tracer.wait(DEADLINE_S)
        tracer.stderr.close()


def test_a_limit_for_each_address_counts_who_was_there_before_it(pollard):
    server = pollard()
    socks = [server.connect() for _ in range(3)]
    for sock in socks:
        assert ask(sock, b"one") == b"ONE"
    server.reload(ini(main={"max_clients_per_ip": 3}))
    server.wait_log("reloaded")
    with server.connect() as fourth:
        assert receive_all(fourth).startswith(b"ERR too many clients from your address")
    socks.pop().close()
    server.wait_log("reason=eof")
    with server.connect() as fifth:
        assert ask(fifth, b"five") == b"FIVE"
    for sock in socks:
        sock.close()


# What is said of those who are turned away

FLOOD = 400


def refused_by_the_list(server):
    with server.connect() as sock:
        assert_refused(sock)


def refused_for_want_of_a_place(server):
    with server.connect() as sock:
        assert receive_all(sock).startswith(b"ERR too many clients")


def refused_for_what_it_asks(server):
    with server.connect() as sock:
        sock.sendall(b"x" * 100)
        receive_all(sock)


FLOODS = {
    "refused": ({"allow": "127.0.0.2"}, refused_by_the_list),
    "full": ({"max_clients_per_ip": 1}, refused_for_want_of_a_place),
    "error": ({"protocol": "line", "max_request": 64}, refused_for_what_it_asks),
}


@pytest.mark.parametrize("reason", FLOODS)
def test_a_flood_of_refusals_is_a_few_lines_and_hides_nobody(pollard, reason):
    keys, refuse = FLOODS[reason]
    server = pollard(main=keys, other={})
    began, ports = time.monotonic(), []
    with server.connect(source="127.0.0.1" if reason == "full" else "127.0.0.2"):
        for n in range(FLOOD):
            refuse(server)
            if n % 20 == 0:
                with server.connect("other") as sock:
                    assert ask(sock, b"hello") == b"HELLO"
                    ports.append(sock.getsockname()[1])
    for port in ports:
        assert "reason=eof" in server.wait_log(f"closed listener=other peer=127.0.0.1:{port} ")
    assert_bounded(server, began, "closed", FLOOD, listener="main", reason=reason)
    assert f" ended_{reason}={FLOOD} " in server.wait_log(" stats ")


def test_a_flood_of_requests_that_are_not_allowed_is_a_few_lines(pollard):
    server = pollard(ini(main={
        "protocol": "resp", "services": "commands", "allow": "127.0.0.1"}) + (
            "[command theirs]\nexec = /bin/true\nallow = 192.0.2.1\n"
            "[command none]\nexec = /none/such\n[command ours]\nexec = /bin/true\n"
            "[command costly]\nexec = /bin/true {x}\narg.x = regex (a|aa)+\n"))
    began = time.monotonic()
    with server.connect() as sock, Client(sock) as client:
        client.send(*[("RUN", "theirs"), ("RUN", "none")] * FLOOD, ("RUN", "ours"))
        for _ in range(FLOOD):
            assert is_refused(client.read(), "NOPERM") and is_refused(client.read())
        assert client.read()[:2] == [b"exit", 0]
        for _ in range(50):
            assert is_refused(client("RUN", "costly", "a" * 1000 + "!"))
    server.wait_log("job command=ours ")
    assert_bounded(server, began, "refused", FLOOD, command="theirs")
    assert_bounded(server, began, "not_run", FLOOD, command="none")
    assert_bounded(server, began, "match_given_up", 50, command="costly")


def unanswered_of(server, datagrams):
    """How many were not answered, in a tuple, once so many have come."""
    before = server.log().count(" stats ")
    server.signal(signal.SIGUSR1)
    server.wait_log(" stats ", count=before + 1)
    line = [line for line in server.log().splitlines() if " stats " in line][-1]
    said = dict(parsed(line)[1])
    if int(said["datagrams"]) < datagrams:
        return None
    return (int(said["datagrams_unanswered"]),)


def test_a_flood_of_datagrams_that_are_not_answered_is_a_few_lines(pollard):
    server = pollard(main={"listen": "udp:127.0.0.1:0"})
    began = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", server.port("main", "udp")))
        sock.settimeout(DEADLINE_S)
        sent = unanswered = 0
        while unanswered < 50:
            for _ in range(100):  # of which none is lost on its way
                sock.send(b"hello")
            sent += 100
            unanswered = wait_for(lambda: unanswered_of(server, sent), "end of the flood")[0]
    assert_bounded(server, began, "unanswered", unanswered, listener="main")
