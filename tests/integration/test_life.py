# SPDX-License-Identifier: MIT
"""From start to stop: signals, draining, and what the service manager hears."""

import contextlib
import os
import re
import signal
import socket
import time

import pytest
from conftest import DEADLINE_S, ask, fill, need, read_slowly, receive_all, wait_for


@pytest.fixture
def manager(tmp_path):
    """The service manager's end of NOTIFY_SOCKET."""
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


def test_signals_are_heard_that_were_ignored_at_the_start(pollard):
    server = pollard(prefix=("env", "--ignore-signal=HUP,INT,USR1"))
    for number, told in ((signal.SIGUSR1, "stats "), (signal.SIGHUP, "reloaded"),
                         (signal.SIGINT, "stopping ")):
        server.signal(number)
        server.wait_log(told)
    assert server.wait() == 0


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
        server.wait_log("stopping clients=1")

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
        server.wait_log("stopping clients=1")
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
        server.wait_log("stopping clients=1")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
    assert "stopping_at_once clients=1" in server.log()


def test_a_stop_waits_no_longer_than_it_may(pollard):
    server = pollard(daemon={"drain_timeout": "200ms"}, main={})
    with server.connect() as sock:
        fill(sock, b"x" * (1 << 25))
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
    assert 'cut_off clients=1 text="drain_timeout is over"' in server.log()


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
    need("systemd-socket-activate")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    server = pollard(
        main={"listen": f"unix:{tmp_path}/s tcp:127.0.0.1:{port}"}, ready=False,
        prefix=["systemd-socket-activate", "-l", f"127.0.0.1:{port}"])
    server.wait_log("Listening on")
    with server.connect(port) as sock:
        assert ask(sock, b"hello") == b"HELLO"
    server.wait_log(f"listening listener=main address=tcp:127.0.0.1:{port}")
    assert "socket_unused" not in server.log()


def test_a_socket_that_is_passed_and_not_named_is_closed(pollard, manager, tmp_path):
    need("systemd-socket-activate")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    server = pollard(
        main={"listen": f"unix:{tmp_path}/s"}, ready=False,
        prefix=["systemd-socket-activate", "-l", f"127.0.0.1:{port}"])
    server.wait_log("Listening on")
    with contextlib.suppress(ConnectionResetError):  # the call that starts the daemon
        server.connect(port).close()
    server.wait_log(f"socket_unused address=tcp:127.0.0.1:{port} reason=\"no listener names it\"")


def test_a_service_manager_that_does_not_read_stalls_nobody(pollard, manager, tmp_path):
    server = pollard(main={}, env={"NOTIFY_SOCKET": f"{tmp_path}/notify"})
    with server.connect() as sock, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.connect(f"{tmp_path}/notify")
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                other.send(b"full")
        server.reload()
        server.wait_log("reloaded", timeout=5)
        assert ask(sock, b"hello") == b"HELLO"
    server.signal(signal.SIGTERM)
    assert server.wait() == 0


def test_a_stop_waits_for_who_reads_slowly_and_goes_on_asking(pollard):
    server = pollard(main={"services": "echo"})
    data = os.urandom(1 << 16) * 16
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        sock.settimeout(DEADLINE_S)
        sock.connect(("127.0.0.1", server.port()))
        sock.sendall(data)

        def is_answered():
            server.signal(signal.SIGUSR1)
            return f"bytes_out={len(data)} " in server.log()

        wait_for(is_answered, "answer in the kernel")
        server.signal(signal.SIGTERM)
        server.wait_log("stopping clients=1")
        answer = b""
        end = time.monotonic() + 2.4  # longer than one who takes nothing is waited for
        while time.monotonic() < end:
            sock.sendall(b"more")
            answer += read_slowly(sock, 1 << 14, 1 << 14)
        assert (answer + receive_all(sock)).startswith(data)
    assert server.wait() == 0


def test_a_stop_answers_all_who_have_asked_before(pollard):
    server = pollard()
    port = server.port()
    server.signal(signal.SIGSTOP)
    os.waitpid(server.pid, os.WUNTRACED)
    socks = [server.connect(port) for _ in range(100)]
    for sock in socks:
        sock.sendall(b"hello")
    server.signal(signal.SIGTERM)
    server.signal(signal.SIGCONT)
    for sock in socks:
        with sock:
            assert receive_all(sock) == b"HELLO"
    assert server.wait() == 0


def test_standard_descriptors_that_are_closed_go_to_nobody(pollard, tmp_path):
    server = pollard(
        main={"listen": f"unix:{tmp_path}/s"}, ready=False,
        prefix=["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"])
    wait_for((tmp_path / "s").exists, "socket")

    def connected():
        try:
            return server.connect(tmp_path / "s")
        except (ConnectionRefusedError, PermissionError):  # it is bound before it listens
            return None

    with wait_for(connected, "listener") as sock:
        for _ in range(3):
            with server.connect(tmp_path / "s") as other:
                assert ask(other, b"other") == b"OTHER"
        assert ask(sock, b"hello") == b"HELLO"  # and not the log
        for fd in range(3):
            assert os.readlink(f"/proc/{server.pid}/fd/{fd}") == "/dev/null"


def test_every_socket_that_is_passed_is_used_or_closed(pollard, manager, tmp_path):
    socks = []
    for n in range(70):
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(f"{tmp_path}/{n}")
        sock.listen()
        socks.append(sock)
    server = pollard(main={"listen": f"unix:{tmp_path}/69"}, sockets=socks, ready=False)
    for sock in socks:
        sock.close()
    server.wait_log("ready ", timeout=5)
    with server.connect(tmp_path / "69") as sock:
        assert ask(sock, b"hello") == b"HELLO"
    for n in range(69):
        server.wait_log(f"socket_unused address=unix:{tmp_path}/{n} ")
        with pytest.raises(ConnectionRefusedError):
            server.connect(tmp_path / str(n))


def test_a_passed_socket_that_another_shuts_down_costs_no_time(pollard, manager):
    with socket.create_server(("127.0.0.1", 0)) as passed:
        port = passed.getsockname()[1]
        server = pollard(main={"listen": f"tcp:127.0.0.1:{port}"}, sockets=[passed])
        with server.connect() as sock:
            assert ask(sock, b"hello") == b"HELLO"
            passed.shutdown(socket.SHUT_RDWR)
            server.wait_log("accept_paused listener=main ")
            busy = server.cpu()
            sock.settimeout(0.5)  # in which nothing happens
            with pytest.raises(TimeoutError):
                sock.recv(1)
            assert server.cpu() - busy < 0.1
            sock.settimeout(DEADLINE_S)
            assert ask(sock, b"hello") == b"HELLO"
