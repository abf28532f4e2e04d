# SPDX-License-Identifier: MIT
"""pollcat against servers of Python's own, through pipes and on a terminal."""

import fcntl
import os
import pty
import random
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
from pathlib import Path

import pytest

from conftest import DEADLINE_S, receive_all, reset

POLLCAT = os.environ.get("POLLCAT", str(Path(__file__).resolve().parents[2] / "src" / "pollcat"))

pytestmark = pytest.mark.skipif(not os.access(POLLCAT, os.X_OK), reason=f"{POLLCAT} is not built")


def noise(size):
    return random.Random(size).randbytes(size)


def run(address, data=b"", *options):
    return subprocess.run(
        [POLLCAT, *options, address], input=data, capture_output=True, timeout=DEADLINE_S
    )


def start(address, *options):
    pipe = subprocess.PIPE
    return subprocess.Popen([POLLCAT, *options, address], stdin=pipe, stdout=pipe, stderr=pipe)


def receive_exactly(conn, size):
    data = b""
    while len(data) < size:
        chunk = conn.recv(size - len(data))
        assert chunk, f"end after {data!r}"
        data += chunk
    return data


def echo(conn):
    while chunk := conn.recv(65536):
        conn.sendall(chunk)


def news_at(go):
    """What serves the one who calls: "news" that nobody asked for, at go; returns what it said."""

    def announce(conn):
        assert go.wait(DEADLINE_S)
        conn.sendall(b"news\n")
        return receive_all(conn)

    return announce


class Server:
    """A listener whose one connection a function serves in a thread of its own."""

    def __init__(self, serve, family=socket.AF_INET, where=("127.0.0.1", 0)):
        self.listener = socket.socket(family)
        self.listener.bind(where)
        self.listener.listen()
        self.listener.settimeout(DEADLINE_S)
        self.result = self.error = None
        self.thread = threading.Thread(target=self._run, args=(serve,), daemon=True)
        self.thread.start()

    def _run(self, serve):
        try:
            conn, _ = self.listener.accept()
            conn.settimeout(DEADLINE_S)
            with conn:
                self.result = serve(conn)
        except Exception as error:  # shown by the test, which waits for it
            self.error = error

    @property
    def address(self):
        name = self.listener.getsockname()
        return f"unix:{name}" if isinstance(name, str) else f"127.0.0.1:{name[1]}"

    def wait(self):
        self.thread.join(DEADLINE_S)
        assert not self.thread.is_alive()
        if self.error:
            raise self.error
        return self.result

    def close(self):
        self.listener.close()


@pytest.fixture
def serve():
    servers = []

    def make(*args, **kwargs):
        servers.append(Server(*args, **kwargs))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def datagrams():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(DEADLINE_S)
        yield sock


def udp_address(sock):
    return f"udp:127.0.0.1:{sock.getsockname()[1]}"


class Terminal:
    """pollcat with a terminal of its own."""

    def __init__(self, *args, locale="C", columns=80, term="xterm"):
        size = struct.pack("HHHH", 24, columns, 0, 0)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM=term, HOME="/nonexistent", LC_ALL=locale)
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)
            os.execv(POLLCAT, [POLLCAT, *args])
        self.text = ""
        self.seen = 0
        self.status = None

    def type(self, text):
        os.write(self.fd, text if isinstance(text, bytes) else text.encode())

    def _more(self, until):
        left = until - time.monotonic()
        ready, _, _ = select.select([self.fd], [], [], max(left, 0))
        assert ready, f"nothing more after {self.text!r}"
        try:
            chunk = os.read(self.fd, 65536)
        except OSError:  # the other side of the terminal is closed
            chunk = b""
        self.text += chunk.decode(errors="surrogateescape")
        return bool(chunk)

    def expect(self, pattern):
        """Wait for pattern in what came after the last match."""
        until = time.monotonic() + DEADLINE_S
        while not (match := re.search(pattern, self.text[self.seen :])):
            assert self._more(until), f"no {pattern!r} in {self.text[self.seen:]!r}"
        self.seen += match.end()
        return match

    def wait(self):
        until = time.monotonic() + DEADLINE_S
        while self._more(until):
            pass
        _, status = os.waitpid(self.pid, 0)
        self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def terminal():
    terminals = []

    def make(*args, **kwargs):
        terminals.append(Terminal(*args, **kwargs))
        return terminals[-1]

    yield make
    for each in terminals:
        each.close()


# Through a pipe


def test_sends_its_input_and_prints_the_reply(serve):
    server = serve(echo)
    done = run(server.address, b"hello\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hello\n", b"")


@pytest.mark.parametrize("prefix", ["", "tcp:"])
def test_takes_an_address_with_and_without_tcp(serve, prefix):
    server = serve(echo)
    assert run(prefix + server.address, b"x").stdout == b"x"


def test_takes_a_host_name(serve):
    server = serve(echo)
    assert run(server.address.replace("127.0.0.1", "localhost"), b"x").stdout == b"x"


def test_takes_an_ipv6_address_in_brackets(serve):
    try:
        server = serve(echo, family=socket.AF_INET6, where=("::1", 0))
    except OSError:
        pytest.skip("IPv6 is not there")
    port = server.listener.getsockname()[1]
    assert run(f"[::1]:{port}", b"x").stdout == b"x"


def test_talks_to_a_unix_socket(serve, tmp_path):
    server = serve(echo, family=socket.AF_UNIX, where=str(tmp_path / "socket"))
    data = noise(1 << 20)
    done = run(server.address, data)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == data


def test_half_closes_at_the_end_of_input_and_waits_for_the_answer(serve):
    def count(conn):
        conn.sendall(b"%d bytes" % len(receive_all(conn)))

    server = serve(count)
    done = run(server.address, noise(3_000_000))
    assert (done.returncode, done.stdout) == (0, b"3000000 bytes")


def test_goes_on_sending_after_the_server_ended_its_side(serve):
    def quiet(conn):
        conn.shutdown(socket.SHUT_WR)
        return receive_all(conn)

    server = serve(quiet)
    data = noise(3_000_000)
    assert run(server.address, data).returncode == 0
    assert server.wait() == data


def test_ends_when_a_unix_server_is_gone_though_its_input_is_still_open(serve, tmp_path):
    def say(conn):
        conn.sendall(b"12:00")

    server = serve(say, family=socket.AF_UNIX, where=str(tmp_path / "socket"))
    with start(server.address) as client:
        assert client.wait(DEADLINE_S) == 0
        assert client.stdout.read() == b"12:00"


def test_prints_a_reply_while_its_input_is_still_open(serve):
    server = serve(echo)
    with start(server.address) as client:
        client.stdin.write(b"ping")
        client.stdin.flush()
        assert os.read(client.stdout.fileno(), 100) == b"ping"
        client.stdin.close()
        assert client.wait(DEADLINE_S) == 0


def test_carries_megabytes_unchanged_to_a_reader_that_starts_late(serve):
    stalled = threading.Event()

    def echo_noting_stalls(conn):
        while chunk := conn.recv(65536):
            while chunk:
                if not select.select([], [conn], [], 0)[1]:
                    stalled.set()
                chunk = chunk[conn.send(chunk) :]

    server = serve(echo_noting_stalls)
    data = noise(32 << 20)
    with start(server.address) as client:

        def feed():
            with client.stdin:
                client.stdin.write(data)

        feeder = threading.Thread(target=feed, daemon=True)
        feeder.start()
        assert stalled.wait(DEADLINE_S), "the reply went somewhere without a bound"
        assert feeder.is_alive(), "the input went somewhere without a bound"
        got = bytearray()
        while chunk := os.read(client.stdout.fileno(), 1777):
            got += chunk
        assert client.wait(DEADLINE_S) == 0
    assert bytes(got) == data


def test_prints_everything_that_came_before_a_reset(serve):
    def speak_and_reset(conn):
        receive_exactly(conn, 2)
        conn.sendall(b"last words")
        receive_exactly(conn, 2)
        reset(conn)

    server = serve(speak_and_reset)
    with start(server.address) as client:
        client.stdin.write(b"go")
        client.stdin.flush()
        assert os.read(client.stdout.fileno(), 100) == b"last words"
        client.stdin.write(b"on")
        client.stdin.flush()
        assert client.wait(DEADLINE_S) == 1
        assert client.stderr.read() == b"pollcat: connection broke: Connection reset by peer\n"


def test_a_server_gone_while_there_is_more_to_send_is_an_error(serve):
    server = serve(lambda conn: None)
    with start(server.address) as client:
        server.wait()
        with pytest.raises(BrokenPipeError):
            while True:
                client.stdin.write(noise(65536))
        assert client.wait(DEADLINE_S) == 1
        assert re.fullmatch(rb"pollcat: .+: .+\n", client.stderr.read())
        client.stdin = None


def test_a_reader_that_went_away_is_no_news(serve):
    server = serve(echo)
    with start(server.address) as client:
        client.stdout.close()
        client.stdin.write(b"x")
        client.stdin.flush()
        assert client.wait(DEADLINE_S) == -signal.SIGPIPE
        assert client.stderr.read() == b""


def test_a_refused_connection_is_an_error():
    with socket.socket() as bound:  # and not listening
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        done = run(f"127.0.0.1:{port}")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == (
        f"pollcat: cannot connect to tcp:127.0.0.1:{port}: Connection refused; "
        f"the host answers, but nothing listens on port {port}\n"
    )


def test_a_unix_socket_that_is_not_there_is_an_error(tmp_path):
    done = run(f"unix:{tmp_path}/none")
    assert done.returncode == 1
    assert done.stderr.endswith(b"No such file or directory\n")


def test_works_with_its_standard_input_closed(serve):
    server = serve(lambda conn: conn.sendall(b"12:00") or receive_all(conn))
    command = ["sh", "-c", 'exec "$0" "$1" <&-', POLLCAT, server.address]
    done = subprocess.run(command, capture_output=True, timeout=DEADLINE_S)
    assert (done.returncode, done.stdout) == (0, b"12:00")


def test_an_answer_that_goes_nowhere_is_an_error(serve):
    server = serve(lambda conn: conn.sendall(b"12:00") or receive_all(conn))
    command = ["sh", "-c", 'exec "$0" "$1" >&-', POLLCAT, server.address]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          timeout=DEADLINE_S)
    assert done.returncode == 1
    assert b"standard output" in done.stderr


@pytest.mark.parametrize(
    "service, answer",
    [
        ("upper", b"HELLO"),
        ("echo", b"hello"),
        ("discard", b""),
        ("daytime", rb"\w{3} .+\r\n"),
        ("time", b"(?s).{4}"),
    ],
)
def test_a_pipe_gets_the_whole_answer_of_each_service(pollard, service, answer):
    server = pollard(main={"services": service})
    done = run(f"127.0.0.1:{server.port()}", b"hello")
    assert (done.returncode, done.stderr) == (0, b"")
    assert re.fullmatch(answer, done.stdout)


def test_a_reader_that_has_enough_ends_a_service_without_end(pollard):
    server = pollard(main={"services": "chargen"})
    with start(f"127.0.0.1:{server.port()}") as client:
        assert len(client.stdout.read(100_000)) == 100_000
        client.stdout.close()
        assert client.wait(DEADLINE_S) == -signal.SIGPIPE
        assert client.stderr.read() == b""


# Datagrams


def test_each_chunk_of_input_is_a_datagram(datagrams):
    with start(udp_address(datagrams)) as client:
        for chunk in (b"one", b"two\n", noise(9000)):
            client.stdin.write(chunk)
            client.stdin.flush()
            got, peer = datagrams.recvfrom(65536)
            assert got == chunk
        datagrams.sendto(b"", peer)
        datagrams.sendto(b"reply", peer)
        assert os.read(client.stdout.fileno(), 100) == b"reply"
        client.stdin.close()
        assert client.wait(DEADLINE_S) == 0


def test_waits_a_second_for_a_late_datagram(datagrams):
    with start(udp_address(datagrams)) as client:
        client.stdin.write(b"x")
        client.stdin.close()
        ended = time.monotonic()
        _, peer = datagrams.recvfrom(65536)
        datagrams.sendto(b"late", peer)
        assert client.wait(DEADLINE_S) == 0
        assert time.monotonic() - ended >= 0.9
        assert client.stdout.read() == b"late"
        client.stdin = None


def test_a_datagram_refused_is_an_error():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.connect(("127.0.0.1", 9))  # from now on, the kernel refuses all but that peer
        done = run(udp_address(sock), b"x")
    assert done.returncode == 1
    assert done.stderr == (
        b"pollcat: the host answers, but nothing listens on the port: Connection refused\n"
    )


# On a terminal


def test_sends_what_is_typed_without_spaces_around_it_and_shows_the_reply(serve, terminal):
    def answer(conn):
        assert receive_exactly(conn, 5) == b"hello"
        conn.sendall(b"well met")
        return receive_all(conn)

    server = serve(answer)
    session = terminal(server.address)
    session.expect(">: ")
    session.type("\n   \n  hello \n")
    session.expect("well met\r\n>: ")
    session.type("bye\n\x04")
    assert session.wait() == 0
    assert server.wait() == b"bye"
    assert "closed the connection" not in session.text


@pytest.mark.parametrize("option", ["-n", "--newline"])
def test_sends_each_line_whole_with_a_newline_when_told_to(serve, terminal, option):
    server = serve(receive_all)
    session = terminal(option, server.address)
    session.expect(">: ")
    session.type(" one \n\n\ttwo\n")
    session.expect("two")
    session.type("\x04")
    assert session.wait() == 0
    assert server.wait() == b" one \n\n\ttwo\n"


def test_shows_a_reply_nobody_asked_for_above_the_prompt(serve, terminal):
    go = threading.Event()
    server = serve(news_at(go))
    session = terminal(server.address)
    session.expect(">: ")
    session.type("half")
    session.expect("half")
    go.set()
    session.expect("news\r\n>: ")
    session.type(" done\n\x04")
    assert session.wait() == 0
    assert server.wait() == b"half done"


def test_says_at_once_that_the_server_closed_the_connection(serve, terminal):
    go = threading.Event()
    server = serve(lambda conn: go.wait(DEADLINE_S) and conn.sendall(b"bye"))
    session = terminal(server.address)
    session.expect(">: ")
    go.set()
    session.expect("bye\r\n")
    session.expect("pollcat: the server closed the connection\r\n")
    assert session.wait() == 0


def test_a_reset_on_a_terminal_is_an_error(serve, terminal):
    go = threading.Event()
    server = serve(lambda conn: go.wait(DEADLINE_S) and reset(conn))
    session = terminal(server.address)
    session.expect(">: ")
    go.set()
    session.expect("pollcat: connection broke: Connection reset by peer\r\n")
    assert session.wait() == 1


def test_prints_what_comes_after_control_d(serve, terminal):
    server = serve(lambda conn: conn.sendall(b"you said " + receive_all(conn)))
    session = terminal(server.address)
    session.expect(">: ")
    session.type("much\n\x04")
    session.expect("you said much\r\n")
    assert session.wait() == 0


def test_an_interrupt_gives_the_terminal_back_as_it_was(serve, terminal):
    server = serve(receive_all)
    session = terminal(server.address)
    session.expect(">: ")
    session.type("x")
    session.expect("x")
    session.type("\x03")
    assert session.wait() == -signal.SIGINT
    modes = termios.tcgetattr(session.fd)[3]
    assert modes & termios.ICANON and modes & termios.ECHO


def test_typed_lines_are_datagrams(datagrams, terminal):
    session = terminal(udp_address(datagrams))
    session.expect(">: ")
    session.type("one\ntwo\n")
    assert datagrams.recv(100) == b"one"
    got, peer = datagrams.recvfrom(100)
    assert got == b"two"
    datagrams.sendto(b"fine", peer)
    session.expect("fine\r\n>: ")
    session.type("\x04")
    assert session.wait() == 0


# Use


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["localhost"],
        ["localhost:"],
        ["localhost:http"],
        ["localhost:70000"],
        ["run"],
        ["-t", "1", "localhost:7"],
        ["-t", "0s", "localhost:7"],
        ["ping"],
        ["ping", "-c", "0", "localhost"],
        ["ping", "-i", "1ms", "localhost"],
        ["ping", "localhost", "localhost"],
        ["ping", "unix:/run/socket"],
        ["-R", "ping", "localhost"],
        ["::1:7"],
        ["unix:"],
        ["localhost:7", "localhost:8"],
        ["--nonsense", "localhost:7"],
        ["x" * 1000 + ":7"],
    ],
)
def test_wrong_use_is_refused_with_a_reason(args):
    done = subprocess.run([POLLCAT, *args], capture_output=True, timeout=DEADLINE_S)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr


def test_help_and_version_are_on_standard_output():
    for option, text in (("--help", b"usage: pollcat"), ("--version", b"pollcat ")):
        done = subprocess.run([POLLCAT, option], capture_output=True, timeout=DEADLINE_S)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.startswith(text)
