# SPDX-License-Identifier: MIT
"""Descriptors that peers pass, SCM_RIGHTS: whoever closes the last reference to one may have to
wait for as long as its owner likes. Refused by the kernel, and where it cannot."""

import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

import pytest
from conftest import DEADLINE_S, SANITIZED, assert_bounded, fill, ini, receive_all, reset, wait_for
from talk import children, open_files

SO_PASSRIGHTS = 83  # of asm-generic/socket.h
LINGER_LONG = struct.pack("ii", 1, 100 * DEADLINE_S)
OLDER_KERNEL = """\
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OPTION(call, value, length) \\
	int call(int fd, int level, int name, value, length len) \\
	{ \\
		if (level == SOL_SOCKET && name == 83) { \\
			errno = ENOPROTOOPT; \\
			return -1; \\
		} \\
		return (int)syscall(SYS_##call, fd, level, name, data, len); \\
	}
OPTION(getsockopt, void *data, socklen_t *)
OPTION(setsockopt, const void *data, socklen_t)
"""


def kernel_can_refuse():
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            return sock.getsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS) == 1
        except OSError:
            return False


@pytest.fixture(scope="module")
def older_kernel(tmp_path_factory):
    """The environment of a process that sees a kernel without SO_PASSRIGHTS."""
    if SANITIZED or shutil.which("cc") is None:
        pytest.skip("cc is not there, or what it makes cannot be preloaded")
    library = tmp_path_factory.mktemp("older") / "kernel.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", library],
                   input=OLDER_KERNEL.encode(), check=True)
    return {"LD_PRELOAD": str(library)}


@pytest.fixture(params=["refused by the kernel", "not refused by the kernel"])
def env(request):
    if request.param.startswith("not"):
        return request.getfixturevalue("older_kernel")
    if not kernel_can_refuse():
        pytest.skip("the kernel has no SO_PASSRIGHTS")
    return {}


class Trap:
    """A TCP socket whose last close takes long: its peer does not read what is under way."""

    def __init__(self):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.sock = socket.create_connection(listening.getsockname())
            self.peer = listening.accept()[0]
        fill(self.sock, bytes(1 << 26))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_LONG)

    def spring(self, sock, data=b"x\n", flags=0):
        """Pass it, and let go. Returns whether the kernel took it."""
        try:
            passed = struct.pack("i", self.sock.fileno())
            sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed)], flags)
        except PermissionError:
            return False
        self.sock.close()
        return True

    def close(self):
        if self.sock.fileno() >= 0:
            reset(self.sock)
        reset(self.peer)


@pytest.fixture
def traps():
    """traps() is a new one; all are open to the end of the test."""
    made = []

    def make():
        made.append(Trap())
        return made[-1]

    yield make
    for trap in made:
        trap.close()


class stopped:
    """Inside, the daemon does nothing: it cannot look at a descriptor before its sender has let go."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        self.server.signal(signal.SIGSTOP)
        stat = Path(f"/proc/{self.server.pid}/stat")
        wait_for(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", "stop")

    def __exit__(self, *exception):
        self.server.signal(signal.SIGCONT)


@pytest.fixture
def serve(pollard, tmp_path, env):
    """A server with the listener under test at path, and one to see whether it is alive."""
    def start(daemon=None, sockets=(), **keys):
        text = ini(daemon, main={"listen": f"unix:{tmp_path}/s", "protocol": "line", **keys}, other={})
        server = pollard(text, env=env, sockets=sockets)
        server.unix = str(tmp_path / "s")
        server.refuses = not env
        return server
    return start


def assert_alive(server):
    with server.connect("other") as other:
        other.sendall(b"alive")
        assert other.recv(100) == b"ALIVE"


def hears(sock):
    """What comes up to the end, be it a reset."""
    data = b""
    try:
        while part := sock.recv(1 << 16):
            data += part
    except ConnectionResetError:
        pass
    return data


def assert_nothing_is_left(server, files):
    wait_for(lambda: len(open_files(server.pid)) == files, "descriptor less")
    assert_alive(server)  # turns of the loop, in which ended children are waited for
    wait_for(lambda: not children(server.pid), "child less")


def spring_and_look(server, trap, **how):
    """A trap for a connection that is being read from."""
    files = len(open_files(server.pid))
    with server.connect(server.unix) as sock:
        with stopped(server):
            taken = trap.spring(sock, **how)
        assert_alive(server)
        assert taken != server.refuses
        if taken:
            assert hears(sock) == b""
            server.wait_log("descriptors_passed listener=main peer=unix:uid=")
            server.wait_log("reason=error")
        else:
            sock.sendall(b"abc\n")
            assert sock.recv(100) == b"ABC\n"
    assert_nothing_is_left(server, files)


def test_a_descriptor_does_not_stop_the_daemon(serve, traps):
    server = serve()
    spring_and_look(server, traps())
    server.stop()


def test_a_descriptor_behind_a_request_does_not_stop_the_daemon(serve, traps):
    server = serve()
    with server.connect(server.unix) as sock:
        with stopped(server):
            sock.sendall(b"abc\n")
            taken = traps().spring(sock)
            if taken:
                socket.send_fds(sock, [b"and another"], [1])
        assert_alive(server)
        assert taken != server.refuses
    server.stop()


def test_a_descriptor_with_an_urgent_byte_does_not_stop_the_daemon(serve, traps):
    spring_and_look(serve(), traps(), data=b"!", flags=socket.MSG_OOB)


def test_a_service_that_throws_input_away_closes_no_descriptor(serve, traps):
    server = serve(services="discard", protocol="raw")
    with server.connect(server.unix) as sock:
        with stopped(server):
            assert traps().spring(sock) != server.refuses
        assert_alive(server)
    server.stop()


def test_after_it_has_hung_up_a_connection_closes_no_descriptor(serve, traps):
    server = serve(services="daytime", protocol="raw")
    with server.connect(server.unix) as sock:
        assert receive_all(sock)
        with stopped(server):
            assert traps().spring(sock) != server.refuses
        assert_alive(server)
    server.stop()


def test_who_is_refused_cannot_stop_the_daemon(serve, traps):
    server = serve(allow_users="nobody")
    files = len(open_files(server.pid))
    with stopped(server):
        sock = server.connect(server.unix)
        assert traps().spring(sock) != server.refuses
    server.wait_log("reason=refused")
    assert_nothing_is_left(server, files)
    assert hears(sock) == b""
    sock.close()
    server.stop()


def test_who_is_told_there_is_no_place_cannot_stop_the_daemon(serve, traps):
    server = serve({"when_full": "reject"}, max_clients=1)
    with server.connect(server.unix) as first:
        first.sendall(b"abc\n")
        assert first.recv(100) == b"ABC\n"
        with server.connect(server.unix) as sock:
            with stopped(server):
                assert traps().spring(sock) != server.refuses
            assert hears(sock).startswith(b"ERR too many clients")
        server.wait_log("reason=full")
        assert_alive(server)
    server.stop()


@pytest.fixture
def waiting(serve, traps):
    """A server without a place, and a caller in its backlog who has passed a descriptor."""
    server = serve(max_clients=1)
    with server.connect(server.unix) as first:
        first.sendall(b"abc\n")
        assert first.recv(100) == b"ABC\n"
        with server.connect(server.unix) as sock:
            assert traps().spring(sock) != server.refuses
            yield server


def test_the_backlog_of_a_listener_that_goes_does_not_stop_the_daemon(waiting):
    waiting.reload(ini(other={}))
    waiting.wait_log("reloaded")
    assert_alive(waiting)
    waiting.stop()


def test_the_backlog_does_not_keep_the_daemon_from_stopping(waiting):
    waiting.signal(signal.SIGTERM)
    waiting.wait_log("stopping")
    waiting.signal(signal.SIGTERM)
    assert waiting.wait() == 0


@pytest.mark.parametrize("credentials", [0, 1])
def test_who_called_before_the_start_cannot_stop_the_daemon(serve, traps, tmp_path, credentials):
    trap = traps()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, credentials)
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        with socket.socket(socket.AF_UNIX) as early, socket.socket(socket.AF_UNIX) as decent:
            for sock in early, decent:
                sock.settimeout(DEADLINE_S)
                sock.connect(str(tmp_path / "s"))
            assert trap.spring(early)
            decent.sendall(b"abc\n")
            server = serve(sockets=[listening])
            assert decent.recv(100) == b"ABC\n"
            assert hears(early) == b""
        server.wait_log("descriptors_passed listener=main peer=unix:uid=")
        spring_and_look(server, traps())
    server.stop()


def test_as_many_descriptors_as_a_message_takes_are_none_for_the_daemon(serve):
    server = serve()
    files = len(open_files(server.pid))
    with server.connect(server.unix) as sock:
        for _ in range(20):
            try:
                socket.send_fds(sock, [b"abc\n"], [1] * 253)
            except PermissionError:
                assert server.refuses
            except (BrokenPipeError, ConnectionResetError):
                break
        assert_alive(server)
    assert_nothing_is_left(server, files)


def test_who_asks_for_nothing_unusual_notices_nothing(serve):
    server = serve()
    files = len(open_files(server.pid))
    with server.connect(server.unix) as sock:
        lines = b"".join(b"line %d\n" % n for n in range(50000))
        sent = fill(sock, lines)
        sock.shutdown(socket.SHUT_WR)
        assert receive_all(sock).rstrip(b"\n") == lines[:sent].upper().rstrip(b"\n")
    server.wait_log("reason=eof")
    assert_nothing_is_left(server, files)
    assert "descriptors_passed" not in server.log()


def test_a_flood_of_descriptors_is_a_few_lines_in_the_log(pollard, older_kernel, tmp_path):
    server = pollard(main={"listen": f"unix:{tmp_path}/s"}, env=older_kernel)
    began = time.monotonic()
    for _ in range(100):
        with server.connect(tmp_path / "s") as sock:
            socket.send_fds(sock, [b"abc"], [1])
            assert hears(sock) == b""
    assert_bounded(server, began, "descriptors_passed", 100, listener="main")
    assert " ended_error=100 " in server.wait_log(" stats ")
