# SPDX-License-Identifier: MIT
"""From start to stop: signals, draining, and what the service manager hears."""

import os
import re
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest
from conftest import DEADLINE_S, POLLARD, ask, fill, receive_all, wait_for


@pytest.fixture
def manager(tmp_path):
    """The service manager's end of NOTIFY_SOCKET."""
    if not os.access(POLLARD, os.X_OK) or b"RELOADING=1" not in Path(POLLARD).read_bytes():
        pytest.skip("built without systemd")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"{tmp_path}/notify")
        sock.settimeout(DEADLINE_S)
        yield sock


def hear(manager, word):
    """The next message that has word among its lines."""
    while True:
        message = manager.recv(4096).decode()
        if word in message.splitlines():
            return message


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_well_and_logs_the_counters(pollard, number):
    server = pollard()
    with server.connect() as sock:
        assert ask(sock, b"hello") == b"HELLO"
    server.wait_log("closed listener=main")
    server.signal(number)
    assert server.wait() == 0
    assert "bytes_in=5 bytes_out=5" in server.wait_log("stats accepted=1")


def test_the_counters_are_logged_on_request(pollard):
    server = pollard()
    with server.connect() as sock:
        assert ask(sock, b"hello") == b"HELLO"
        server.signal(signal.SIGUSR1)
        assert "accepted=1 " in server.wait_log("stats ")
        assert ask(sock, b"hello") == b"HELLO"


def test_a_stop_hangs_up_on_who_is_owed_nothing(pollard):
    server = pollard()
    with server.connect() as sock:
        assert ask(sock, b"hello") == b"HELLO"
        server.signal(signal.SIGTERM)
        assert receive_all(sock) == b""
    assert server.wait() == 0


def test_a_stop_takes_no_more_callers(pollard):
    server = pollard()
    port = server.port()
    with server.connect() as sock:
        fill(sock, b"x" * (1 << 25))
        server.signal(signal.SIGTERM)
        server.wait_log("stopping: 1 clients")

        def refused():
            try:
                server.connect(port).close()
            except ConnectionError:
                return True
            return False

        wait_for(refused, "refusal")
        receive_all(sock)
    assert server.wait() == 0


def test_a_stop_delivers_the_megabytes_that_a_slow_reader_is_owed(pollard):
    data = os.urandom(1 << 16) * (64 << 4)
    server = pollard()
    with server.connect() as sock:
        sent = fill(sock, data)
        server.signal(signal.SIGTERM)
        server.wait_log("stopping: 1 clients")
        answer = receive_all(sock)
    assert server.wait() == 0
    assert 1 << 20 < len(answer) <= sent
    assert answer == data[: len(answer)].upper()
    line = server.wait_log("reason=drain")
    assert f"in={len(answer)} out={len(answer)} " in line


def test_a_stop_that_may_wait_for_nothing_does_not(pollard):
    server = pollard(daemon={"drain_timeout": "0"}, main={})
    with server.connect() as sock:
        fill(sock, b"x" * (1 << 25))
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


def test_a_second_signal_ends_at_once(pollard):
    server = pollard(daemon={"drain_timeout": "1h"}, main={})
    with server.connect() as sock:
        fill(sock, b"x" * (1 << 25))
        server.signal(signal.SIGTERM)
        server.wait_log("stopping: 1 clients")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
    assert "stopping at once" in server.log()


def test_a_stop_waits_no_longer_than_it_may(pollard):
    server = pollard(daemon={"drain_timeout": "200ms"}, main={})
    with server.connect() as sock:
        fill(sock, b"x" * (1 << 25))
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
    assert "drain_timeout is over; 1 clients are cut off" in server.log()


def test_the_service_manager_hears_of_start_reload_and_stop(pollard, manager, tmp_path):
    server = pollard(main={}, env={"NOTIFY_SOCKET": f"{tmp_path}/notify"})
    assert "STATUS=0 clients" in hear(manager, "READY=1").splitlines()
    before = time.monotonic_ns() // 1000
    server.reload()
    message = manager.recv(4096).decode()
    stamp = re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", message)
    assert stamp and before <= int(stamp[1]) <= time.monotonic_ns() // 1000
    hear(manager, "READY=1")
    server.signal(signal.SIGTERM)
    assert "STATUS=" in hear(manager, "STOPPING=1")
    assert server.wait() == 0


def test_a_reload_that_fails_is_over_too(pollard, manager, tmp_path):
    server = pollard(main={}, env={"NOTIFY_SOCKET": f"{tmp_path}/notify"})
    hear(manager, "READY=1")
    server.reload("nonsense\n")
    assert manager.recv(4096).startswith(b"RELOADING=1")
    hear(manager, "READY=1")


def test_the_service_manager_hears_how_many_clients_there_are(pollard, manager, tmp_path):
    server = pollard(main={}, env={"NOTIFY_SOCKET": f"{tmp_path}/notify"})
    with server.connect(), server.connect():
        hear(manager, "STATUS=2 clients")
    hear(manager, "STATUS=0 clients")


def test_the_watchdog_is_kept_quiet(pollard, manager, tmp_path):
    pollard(
        main={}, prefix=["sh", "-c", 'WATCHDOG_PID=$$ exec "$@"', "sh"],
        env={"NOTIFY_SOCKET": f"{tmp_path}/notify", "WATCHDOG_USEC": "200000"})
    hear(manager, "READY=1")
    for _ in range(5):
        hear(manager, "WATCHDOG=1")


def test_the_watchdog_of_another_process_is_not_ours(pollard, manager, tmp_path):
    server = pollard(
        main={}, env={"NOTIFY_SOCKET": f"{tmp_path}/notify", "WATCHDOG_USEC": "20000",
                      "WATCHDOG_PID": "1"})
    hear(manager, "READY=1")
    with server.connect():
        message = hear(manager, "STATUS=1 clients")  # many pings later, were there any
    manager.setblocking(False)
    while True:
        assert "WATCHDOG" not in message
        try:
            message = manager.recv(4096).decode()
        except BlockingIOError:
            break


def test_a_socket_that_is_passed_is_found_by_its_address(pollard, manager, tmp_path):
    if shutil.which("systemd-socket-activate") is None:
        pytest.skip("systemd-socket-activate is missing")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    server = pollard(
        main={"listen": f"unix:{tmp_path}/s tcp:127.0.0.1:{port}"}, ready=False,
        prefix=["systemd-socket-activate", "-l", f"127.0.0.1:{port}"])
    server.wait_log("Listening on")
    with server.connect(port) as sock:
        assert ask(sock, b"hello") == b"HELLO"
    server.wait_log(f"listener main: listening on tcp:127.0.0.1:{port}")
    assert "which no listener names" not in server.log()


def test_a_socket_that_is_passed_and_not_named_is_closed(pollard, manager, tmp_path):
    if shutil.which("systemd-socket-activate") is None:
        pytest.skip("systemd-socket-activate is missing")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    server = pollard(
        main={"listen": f"unix:{tmp_path}/s"}, ready=False,
        prefix=["systemd-socket-activate", "-l", f"127.0.0.1:{port}"])
    server.wait_log("Listening on")
    with server.connect(port):
        server.wait_log(f"systemd passed tcp:127.0.0.1:{port}, which no listener names; closed")
