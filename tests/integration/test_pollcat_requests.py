# SPDX-License-Identifier: MIT
"""pollcat's subcommands and its prompt of requests, against a server that can misbehave."""

import contextlib
import fnmatch
import hashlib
import itertools
import json
import os
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from random import Random

import pytest

from conftest import DEADLINE_S, LINGER_NONE, SANITIZED, need, wait_for
from test_pollcat import POLLCAT, noise, terminal  # noqa: F401

MANUAL = Path(__file__).resolve().parents[2] / "man" / "pollcat.1"

pytestmark = pytest.mark.skipif(not os.access(POLLCAT, os.X_OK), reason=f"{POLLCAT} is not built")


# The wire


def bulk(data):
    if data is None:
        return b"$-1\r\n"
    data = data.encode() if isinstance(data, str) else data
    return b"$%d\r\n%b\r\n" % (len(data), data)


def reply(value):
    """Python's values as RESP2; an exception is an error reply."""
    if isinstance(value, int):
        return b":%d\r\n" % value
    if isinstance(value, Exception):
        return f"-{value}\r\n".encode()
    if isinstance(value, (list, tuple)):
        return b"*%d\r\n" % len(value) + b"".join(map(reply, value))
    return bulk(value)


def read_request(file):
    """The words of the next request, or None at the end."""
    head = file.readline()
    if not head:
        return None
    assert head[:1] == b"*", head
    words = []
    for _ in range(int(head[1:])):
        length = file.readline()
        assert length[:1] == b"$", length
        words.append(file.read(int(length[1:])))
        assert file.read(2) == b"\r\n"
    return words


class Session:
    """One connection of the server below."""

    def __init__(self, conn):
        self.conn = conn
        self.piece = None  # bytes at a time

    def send(self, data):
        if self.piece is None:
            self.conn.sendall(data)
            return
        self.conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(data), self.piece):
            self.conn.sendall(data[at : at + self.piece])


class Server:
    """Answers every request of every connection with answer(session, *words)."""

    def __init__(self, answer, family=socket.AF_INET, where=("127.0.0.1", 0)):
        self.answer = answer
        self.requests = []
        self.error = None
        self.connections = 0
        self.ends = []
        self.ended = threading.Condition()
        self.listener = socket.socket(family)
        self.listener.bind(where)
        self.listener.listen()
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        try:
            while True:
                conn, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(conn,), daemon=True).start()
        except OSError:  # shut down
            pass

    def _serve(self, conn):
        conn.settimeout(DEADLINE_S)
        session = Session(conn)
        end = "eof"
        try:
            with conn, conn.makefile("rb") as file:
                while words := read_request(file):
                    words = [word.decode(errors="surrogateescape") for word in words]
                    self.requests.append(words)
                    result = self.answer(session, *words)
                    if result is not None:
                        session.send(result)
        except ConnectionResetError:
            end = "reset"
        except (OSError, ValueError):  # it was closed by the answer
            end = "closed"
        except Exception as error:
            self.error = error
        with self.ended:
            self.ends.append(end)
            self.ended.notify_all()

    def wait_end(self):
        with self.ended:
            assert self.ended.wait_for(lambda: self.ends, DEADLINE_S)
            return self.ends[0]

    @property
    def address(self):
        name = self.listener.getsockname()
        return f"unix:{name}" if isinstance(name, str) else f"127.0.0.1:{name[1]}"

    def close(self):
        """Not before the thread is done: it would accept for whoever is given the number next."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        if self.error:
            raise self.error


@pytest.fixture
def server():
    servers = []

    def make(answer, **kwargs):
        if isinstance(answer, bytes):
            data = answer
            answer = lambda session, *words: data  # noqa: E731
        servers.append(Server(answer, **kwargs))
        return servers[-1]

    yield make
    for each in servers:
        each.close()


class Files:
    """The files service, in a dictionary. What a test makes of it, it makes by its fields."""

    def __init__(self, **files):
        self.files = {name: data for name, data in files.items()}
        self.etags = {}
        self.piece = None
        self.page = 2  # names
        self.digest = None
        self.before_range = lambda session, name: None
        self.range = None  # sends the bytes of a range itself
        self.id = None  # of all of them

    def etag(self, name):
        return self.etags.get(name, f"etag-{name}-{len(self.files[name])}")

    def __call__(self, session, verb, *args):
        session.piece = self.piece
        return getattr(self, verb.lower())(session, *args)

    def stat(self, session, name):
        if name not in self.files:
            return bulk(None)
        size = len(self.files[name])
        told = ["size", size, "mtime", 1_700_000_000, "etag", self.etag(name)]
        return reply([*told, "id", self.id] if self.id else told)

    def getrange(self, session, name, first, last, etag):
        self.before_range(session, name)
        if etag not in (self.etag(name), self.id):
            return reply(Exception("STALE the file has changed"))
        assert last == "-1" or etag == self.id
        data = self.files[name][int(first) : None if last == "-1" else int(last) + 1]
        return self.range(session, data) if self.range else bulk(data)

    def sha256(self, session, name):
        return bulk(self.digest or hashlib.sha256(self.files[name]).hexdigest())

    def scan(self, session, cursor, *options):
        options = dict(zip(options[::2], options[1::2]))
        assert options["COUNT"] == "1000"
        match = re.escape(options.get("MATCH", "*")).replace(r"\*", ".*")
        names = [name for name in sorted(self.files) if re.fullmatch(match, name, re.DOTALL)]
        at = int(cursor)
        more = str(at + self.page) if at + self.page < len(names) else "0"
        return reply([more, names[at : at + self.page]])

    def commands(self, session):
        return reply([["disk", "disk PATH", "free space"], ["date", "date", "the time"]])

    def command(self, session):
        verbs = ["ping", "get", "stat", "stream", "run", "scan"]
        return reply([[verb, 2, ["readonly"]] for verb in verbs])


def run(server, *args, **kwargs):
    kwargs = {"capture_output": True, "timeout": DEADLINE_S, **kwargs}
    return subprocess.run([POLLCAT, server.address, *args], **kwargs)


def start(server, *args, **kwargs):
    """It may be interrupted, though a shell that runs the tests in the background ignores that."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        ["env", "--default-signal", POLLCAT, server.address, *args],
        stdin=pipe, stdout=pipe, stderr=pipe, **kwargs
    )


def outcome(done):
    return done.returncode, done.stdout, done.stderr


# run


def reset_now(conn):
    """As close(2) would, were the connection not in use elsewhere as well."""
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
    conn.shutdown(socket.SHUT_RD)
    with open("/dev/null") as null:
        os.dup2(null.fileno(), conn.fileno())


def stream(*pairs):
    return b"".join(reply(pair) for pair in pairs)


def test_run_passes_both_outputs_on_and_takes_the_exit_status(server):
    it = server(stream(["stdout", "out\n"], ["stderr", b"err\0\n"], ["stdout", ""], ["exit", 3]))
    assert outcome(run(it, "run", "disk", "-h", "a b")) == (3, b"out\n", b"err\0\n")
    assert it.requests == [["STREAM", "disk", "-h", "a b"]]
    assert it.wait_end() == "eof"


def test_run_takes_replies_cut_at_every_byte(server):
    def answer(session, *words):
        session.piece = 1
        return stream(["stdout", "a\r\nb"], ["stderr", "c"], ["exit", 0])

    assert outcome(run(server(answer), "run", "x")) == (0, b"a\r\nb", b"c")


def test_run_shows_output_while_the_command_runs(server):
    go = threading.Event()

    def answer(session, *words):
        session.send(stream(["stdout", "first"]) + b"*2\r\n$6\r\nstdout\r\n$6\r\nsec")
        assert go.wait(DEADLINE_S)
        return b"ond\r\n" + stream(["exit", 0])

    with start(server(answer), "run", "x") as client:
        got = b""
        while len(got) < 8:
            got += os.read(client.stdout.fileno(), 100)
        assert got == b"firstsec"
        go.set()
        assert client.wait(DEADLINE_S) == 0
        assert client.stdout.read() == b"ond"


def test_run_tells_of_a_signal_as_a_shell_does(server):
    done = run(server(stream(["signal", "TERM"])), "run", "x")
    expected = b"pollcat: the command was ended by signal TERM\n"
    assert outcome(done) == (128 + signal.SIGTERM, b"", expected)


@pytest.mark.parametrize("end, more", [
    (["signal", "TERM", "timed_out"], b"pollcat: the command was ended by signal TERM\n"),
    (["exit", 0, "timed_out"], b"")])
def test_run_tells_that_time_was_over_as_timeout_does(server, end, more):
    it = server(stream(["stdout", "a"], end))
    expected = more + b"pollcat: the time that the command may take was over\n"
    assert outcome(run(it, "run", "x")) == (124, b"a", expected)
    assert it.wait_end() == "eof"


def test_run_fails_where_a_signal_has_no_number_here(server):
    it = server(stream(["signal", "BOTHER"]))
    assert run(it, "run", "x").returncode == 255
    assert it.wait_end() == "eof"


def test_run_prints_an_error_reply_and_fails_as_ssh_does(server):
    done = run(server(reply(Exception("NOPERM not \x1b[31mallowed"))), "run", "x")
    assert outcome(done) == (255, b"", b"pollcat: NOPERM not \\x1b[31mallowed\n")


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.0 400 Bad Request\r\n\r\n",
        b"*2\r\n$6\r\nstdout\r\n$-1\r\n",
        b"*2\r\n$6\r\nstdout\r\n$99999999999999999999\r\n",
        b"*2\r\n$4\r\nexit\r\n:256\r\n",
        b"*2\r\n$4\r\nexit\r\n:-1\r\n",
        b"*2\r\n$4\r\nexit\r\n$1\r\n0\r\n",
        b"*2\r\n$6\r\nsignal\r\n:15\r\n",
        b"*2\r\n$6\r\nnovelty\r\n:1\r\n",
        b"*3\r\n$4\r\nexit\r\n:1\r\n$7\r\nnovelty\r\n",
        b"*3\r\n$4\r\nexit\r\n:1\r\n:1\r\n",
        b"*3\r\n$6\r\nstdout\r\n$0\r\n\r\n$9\r\ntimed_out\r\n",
        b"*4\r\n$4\r\nexit\r\n:1\r\n$9\r\ntimed_out\r\n:1\r\n",
        b"*2\r\n$1000000\r\n" + b"x" * 1000,
        b"*4\r\n",
        b"*-1\r\n",
        b"+OK\r\n",
        b":0\r\n",
        b"$0\r\n\r\n",
    ],
)
def test_run_refuses_what_makes_no_sense_and_ends_the_command(server, data):
    it = server(data)
    done = run(it, "run", "x")
    assert (done.returncode, done.stdout) == (255, b"")
    assert re.fullmatch(rb"pollcat: .+\n", done.stderr)
    assert it.wait_end() == "reset"


@pytest.mark.parametrize(
    "leave, reason",
    [
        (lambda conn: conn.shutdown(socket.SHUT_WR), b"the server closed the connection"),
        (reset_now, b"connection broke: Connection reset by peer"),
    ],
)
def test_run_says_that_the_conversation_broke(server, leave, reason):
    seen = threading.Event()

    def answer(session, *words):
        session.send(stream(["stdout", "some"]))
        assert seen.wait(DEADLINE_S)  # a reset may overtake what was sent
        leave(session.conn)

    with start(server(answer), "run", "x") as client:
        assert os.read(client.stdout.fileno(), 100) == b"some"
        seen.set()
        assert client.wait(DEADLINE_S) == 255
        assert client.stderr.read() == b"pollcat: %b\n" % reason


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("args", [["call", "RUN", "x"], ["ls"], ["get", "x"]])
def test_interrupting_any_subcommand_resets_the_connection(server, here, args, number):
    asked = threading.Event()
    it = server(lambda session, *words: asked.set())
    with start(it, *args) as client:
        assert asked.wait(DEADLINE_S)
        client.send_signal(number)
        assert client.wait(DEADLINE_S) == -number
    assert it.wait_end() == "reset"


def test_interrupting_a_download_resets_the_connection_and_keeps_the_part(server, here):
    files = Files(x=b"12345")
    files.range = lambda session, data: b"$5\r\n123"
    it = server(files)
    with start(it, "get", "x") as client:
        wait_for(lambda: contents(here).get("x.part"), "beginning of the file")
        client.send_signal(signal.SIGINT)
        assert client.wait(DEADLINE_S) == -signal.SIGINT
    assert it.wait_end() == "reset"
    files.range = None
    assert outcome(run(server(files), "get", "x", "--resume")) == (0, b"", b"")
    assert contents(here) == {"x": b"12345"}


@pytest.mark.parametrize("args", [["call", "STAT", "x"], ["ls"], ["get", "x"]])
def test_a_subcommand_that_is_done_resets_nothing(server, here, args):
    it = server(Files(x=b"12345"))
    assert run(it, *args).returncode == 0
    assert it.wait_end() == "eof"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_interrupting_run_resets_the_connection(server, number):
    it = server(lambda session, *words: stream(["stdout", "going"]))
    with start(it, "run", "x") as client:
        assert os.read(client.stdout.fileno(), 100) == b"going"
        client.send_signal(number)
        assert client.wait(DEADLINE_S) == -number
    assert it.wait_end() == "reset"


def test_interrupting_run_closes_a_unix_socket_wholly(server, tmp_path):
    hung_up = []

    def answer(session, *words):
        session.send(stream(["stdout", "going"]))
        poll = select.poll()
        poll.register(session.conn, 0)  # POLLHUP comes unasked, and not for half a close
        hung_up.extend(poll.poll(DEADLINE_S * 1000))

    it = server(answer, family=socket.AF_UNIX, where=str(tmp_path / "socket"))
    with start(it, "run", "x") as client:
        assert os.read(client.stdout.fileno(), 100) == b"going"
        client.send_signal(signal.SIGINT)
        assert client.wait(DEADLINE_S) == -signal.SIGINT
    it.wait_end()
    assert hung_up[0][1] & select.POLLHUP


def test_run_ends_the_command_when_nobody_reads_its_output(server):
    go = threading.Event()
    it = server(lambda session, *words: go.wait(DEADLINE_S) and stream(["stdout", "lost"]))
    with start(it, "run", "x") as client:
        client.stdout.close()
        go.set()
        assert client.wait(DEADLINE_S) == -signal.SIGPIPE
        assert client.stderr.read() == b""
    assert it.wait_end() == "reset"


def test_run_ends_the_command_when_nobody_reads_its_errors(server):
    go = threading.Event()
    it = server(lambda session, *words: go.wait(DEADLINE_S) and stream(["stderr", "lost"]))
    with start(it, "run", "x") as client:
        client.stderr.close()
        go.set()
        assert client.wait(DEADLINE_S) == -signal.SIGPIPE
    assert it.wait_end() == "reset"


class Plenty:
    """More than a pipe takes, of whatever is asked for."""

    def __call__(self, session, verb, *args):
        data = b"x" * 200_000
        if verb == "STREAM":
            return stream(*[["stdout", data]] * 20, ["exit", 0])
        if verb == "RUN":
            return reply(["exit", 0, "signal", None, "stdout", data * 20])
        if verb == "COMMANDS":
            return reply([[f"command{i}", "x" * 200, "y" * 2000] for i in range(1000)])
        if verb == "SCAN":
            return reply(["0", [f"{i:0200}" for i in range(10000)]])
        if verb == "STAT":
            return reply(["size", len(data) * 20, "etag", "e"])
        return bulk(data * 20)


@pytest.mark.parametrize("args", [
    ["run", "x"], ["run", "--json", "x"], ["commands"], ["commands", "--json"], ["ls"], ["ls", "-l"],
    ["ls", "--json"], ["get", "x", "-o", "-"], ["call", "GET", "x"], ["call", "--json", "GET", "x"],
])
def test_who_reads_no_more_ends_a_subcommand_quietly(server, here, args):
    """As of any program, whose shell then has the status 141."""
    with start(server(Plenty()), *args) as client:
        assert len(client.stdout.read(10)) == 10
        client.stdout.close()
        assert client.wait(DEADLINE_S) == -signal.SIGPIPE
        assert client.stderr.read() == b""


@pytest.mark.parametrize("args", [
    ["run", "x"], ["run", "--json", "x"], ["commands"], ["commands", "--json"], ["ls"], ["ls", "-l"],
    ["ls", "--json"], ["get", "x", "-o", "-"], ["call", "GET", "x"], ["call", "--json", "GET", "x"],
    ["ls", "--help"],
])
def test_output_that_has_no_place_is_told(server, args):
    with open("/dev/full", "wb") as full:
        done = run(server(Plenty()), *args, stdout=full, stderr=subprocess.PIPE,
                   capture_output=False)
    assert done.returncode == (255 if args[0] == "run" else 1)
    assert done.stderr == b"pollcat: standard output: No space left on device\n"


def test_run_fails_with_255_where_nobody_listens():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        done = subprocess.run([POLLCAT, address, "run", "x"], capture_output=True)
    assert done.returncode == 255
    assert b"Connection refused; the host answers, but" in done.stderr


# get


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("piece", [None, 1, 7])
def test_get_saves_a_file_under_its_own_name(server, here, piece):
    files = Files(**{"folder/data.bin": noise(3000)})
    files.piece = piece
    assert outcome(run(server(files), "get", "folder/data.bin")) == (0, b"", b"")
    assert contents(here) == {"data.bin": noise(3000)}


def test_get_replaces_what_is_there_and_only_when_the_new_is_whole(server, here):
    (here / "x").write_bytes(b"old")
    seen = []

    def send(session, data):
        session.send(b"$%d\r\n" % len(data) + data)
        seen.append((here / "x").read_bytes())
        return b"\r\n"

    files = Files(x=b"new")
    files.range = send
    assert run(server(files), "get", "x").returncode == 0
    assert seen == [b"old"]
    assert contents(here) == {"x": b"new"}


def test_get_takes_an_empty_file(server, here):
    assert run(server(Files(x=b"")), "get", "x").returncode == 0
    assert contents(here) == {"x": b""}


def test_get_saves_under_another_name(server, here):
    (here / "folder").mkdir()
    assert run(server(Files(x=b"1")), "get", "x", "-o", "folder/y").returncode == 0
    assert contents(here / "folder") == {"y": b"1"}


@pytest.mark.parametrize("size", [0, 5, 1_000_000])
def test_get_writes_to_standard_output(server, here, size):
    assert outcome(run(server(Files(x=noise(size))), "get", "-o", "-", "x")) == (
        0,
        noise(size),
        b"",
    )
    assert contents(here) == {}


def test_get_of_a_missing_file_leaves_nothing(server, here):
    done = run(server(Files()), "get", "x")
    assert outcome(done) == (1, b"", b"pollcat: x: there is no such file on the server\n")
    assert contents(here) == {}


def test_get_prints_an_error_reply(server, here):
    done = run(server(reply(Exception("NOPERM no"))), "get", "x")
    assert outcome(done) == (1, b"", b"pollcat: NOPERM no\n")
    assert contents(here) == {}


@pytest.mark.parametrize("name", ["", ".", "..", "/", "a/", "a/..", "a/."])
def test_get_refuses_a_name_that_would_escape(server, here, name):
    it = server(Files())
    done = run(it, "get", name)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"names no file" in done.stderr
    assert it.requests == [] and contents(here) == {}


def test_get_replaces_no_folder_and_no_device(server, here):
    (here / "x").mkdir()
    os.mkfifo(here / "y")
    for args in (["x"], ["y"], ["y", "-o", "/dev/null"]):
        done = run(server(Files(x=b"1", y=b"1")), "get", *args)
        assert done.returncode == 2
        assert b"no regular file" in done.stderr


def stop_after(count):
    def send(session, data):
        session.send(b"$%d\r\n" % len(data) + data[:count])
        session.conn.shutdown(socket.SHUT_WR)

    return send


def test_get_keeps_the_part_and_resumes_it(server, here):
    files = Files(x=noise(5000))
    files.range = stop_after(2000)
    done = run(server(files), "get", "x")
    assert done.returncode == 1
    assert done.stderr == (
        b"pollcat: the server closed the connection\n"
        b"pollcat: x.part is kept: --resume goes on from there\n"
    )
    assert contents(here) == {"x.part": noise(5000)[:2000], "x.part.etag": b"etag-x-5000"}

    files.range = None
    it = server(files)
    done = run(it, "get", "x", "--resume", "--verify")
    assert outcome(done) == (0, b"", verified("x", noise(5000)))
    assert it.requests[1] == ["GETRANGE", "x", "2000", "-1", "etag-x-5000"]
    assert contents(here) == {"x": noise(5000)}


def test_get_resumes_a_part_that_is_whole(server, here):
    (here / "x.part").write_bytes(b"12345")
    (here / "x.part.etag").write_bytes(b"etag-x-5")
    it = server(Files(x=b"12345"))
    assert run(it, "get", "--resume", "x").returncode == 0
    assert [words[0] for words in it.requests] == ["STAT"]
    assert contents(here) == {"x": b"12345"}


def test_get_resumes_where_there_is_nothing_yet(server, here):
    assert outcome(run(server(Files(x=b"1")), "get", "--resume", "x")) == (0, b"", b"")
    assert contents(here) == {"x": b"1"}


@pytest.mark.parametrize("etag", [b"etag-y-5", b"etag-x-55", b"", None])
def test_get_discards_a_part_of_another_file_and_says_so(server, here, etag):
    (here / "x.part").write_bytes(b"abc")
    if etag is not None:
        (here / "x.part.etag").write_bytes(etag)
    done = run(server(Files(x=b"12345")), "get", "--resume", "x")
    line = b"pollcat: x changed on the server: its part of 3 bytes is discarded\n"
    assert outcome(done) == (0, b"", line)
    assert contents(here) == {"x": b"12345"}


def test_get_without_resume_starts_anew(server, here):
    (here / "x.part").write_bytes(b"abcdefgh")
    (here / "x.part.etag").write_bytes(b"etag-x-5")
    assert outcome(run(server(Files(x=b"12345")), "get", "x")) == (0, b"", b"")
    assert contents(here) == {"x": b"12345"}


@pytest.mark.parametrize("part", [b"", b"abc"])
def test_get_starts_anew_when_the_file_changes_between_two_requests(server, here, part):
    (here / "x.part").write_bytes(part)
    (here / "x.part.etag").write_bytes(b"etag-x-5")
    files = Files(x=b"12345")

    def change(session, name):
        files.files["x"] = b"another"

    files.before_range = change
    done = run(server(files), "get", "--resume", "x")
    lines = {
        b"": b"pollcat: x changed on the server: starting anew\n",
        b"abc": b"pollcat: x changed on the server: its part of 3 bytes is discarded\n",
    }
    assert outcome(done) == (0, b"", lines[part])
    assert contents(here) == {"x": b"another"}


@pytest.fixture
def growing():
    """A file that is longer at each request for its bytes."""
    files = Files(x=b"12345")
    files.id = "one"

    def grow(session, name):
        files.files["x"] += b"more"

    files.before_range = grow
    return files


@pytest.mark.parametrize("part", [None, b"abc"])
def test_get_takes_what_was_there_of_a_file_that_grows(server, here, growing, part):
    said = b""
    if part:
        (here / "x.part").write_bytes(part)
        (here / "x.part.etag").write_bytes(b"etag-x-5")
        said = b"pollcat: x changed on the server: its part of 3 bytes is discarded\n"
    it = server(growing)
    assert outcome(run(it, "get", "--resume", "x")) == (0, b"", said)
    assert contents(here) == {"x": b"12345more"}
    assert [words[2:] for words in it.requests if words[0] == "GETRANGE"][1:] == [
        ["0", "8", "one"]]
    assert outcome(run(it, "get", "-o", "-", "x"))[0] == 0


@pytest.mark.parametrize("then, identity", [(b"another, and longer", "two"), (b"cut", "one")])
def test_get_notices_that_a_file_that_grew_is_another_or_was_cut_off(
        server, here, growing, then, identity):
    grow = growing.before_range

    def replace(session, name):
        growing.files["x"], growing.id = then, identity
        growing.before_range = lambda session, name: None

    def first(session, name):
        grow(session, name)
        growing.before_range = replace

    growing.before_range = first
    done = run(server(growing), "get", "x")
    assert outcome(done) == (0, b"", b"pollcat: x changed on the server: starting anew\n")
    assert contents(here) == {"x": then}


def test_get_of_a_server_that_knows_no_id_goes_by_the_etag(server, here, growing):
    growing.id = None
    done = run(server(growing), "get", "x")
    assert done.returncode == 1 and done.stderr.endswith(b"pollcat: x changes too often\n")


@pytest.mark.parametrize("length", [244, 245, 246, 255])
def test_get_saves_names_as_long_as_they_may_be(server, here, length):
    name, other = "n" * length, "n" * (length - 1) + "o"
    files = Files(**{name: b"12345", other: b"other"})
    files.etags = {name: "one", other: "two"}

    def seen(session, data):
        part = [path for path in here.iterdir() if path.name.endswith(".part")]
        assert len(part) == 1 and part[0].name.startswith("n" * 200)
        return bulk(data)

    files.range = seen
    assert outcome(run(server(files), "get", name, other)) == (0, b"", b"")
    assert contents(here) == {name: b"12345", other: b"other"}


def test_get_resumes_a_name_as_long_as_it_may_be(server, here):
    name = "n" * 255
    files = Files(**{name: b"12345"})
    files.etags = {name: "one"}
    files.range = stop_after(3)
    assert run(server(files), "get", name).returncode == 1
    assert len(contents(here)) == 2
    files.range = None
    it = server(files)
    assert outcome(run(it, "get", "--resume", name)) == (0, b"", b"")
    assert contents(here) == {name: b"12345"}
    assert it.requests[-1][:3] == ["GETRANGE", name, "3"]


def test_get_gives_up_on_a_file_that_always_changes(server, here):
    done = run(
        server(
            lambda session, verb, *args: Files(x=b"1").stat(session, "x")
            if verb == "STAT"
            else reply(Exception("STALE"))
        ),
        "get",
        "x",
    )
    assert done.returncode == 1
    assert done.stderr.endswith(b"pollcat: x changes too often\n")
    assert contents(here) == {}


@pytest.mark.parametrize(
    "body",
    [
        b"$4\r\n1234\r\n",
        b"$6\r\n123456\r\n",
        b"$9223372036854775807\r\n",
        b"$9007199254740992\r\n",
        b":5\r\n",
        b"*0\r\n",
        b"+12345\r\n",
        b"garbage",
        b"$5\r\n1234567",
    ],
)
def test_get_refuses_a_body_that_does_not_fit(server, here, body):
    files = Files(x=b"12345")
    files.range = lambda session, data: body
    done = run(server(files), "get", "x")
    assert done.returncode == 1
    assert done.stderr.startswith(b"pollcat: ")
    assert "x" not in contents(here)


@pytest.mark.parametrize(
    "stat",
    [
        ["size", -1, "etag", "e"],
        ["size", 1],
        ["size", "1", "etag", "e"],
        ["etag", "e"],
        ["size", 1, "etag", ""],
        ["size", 1, "etag", "e" * 256],
        ["size", 1, "etag", "e" * 1000],
        ["size", 1, "etag", "a\0b"],
        ["size"],
        [["size"], 1],
        "text",
        5,
    ],
)
def test_get_refuses_a_stat_that_makes_no_sense(server, here, stat):
    it = server(reply(stat))
    done = run(it, "get", "x")
    assert it.requests == [["STAT", "x"]]
    assert (done.returncode, done.stdout) == (1, b"")
    assert re.fullmatch(rb"pollcat: the server (answered|says) .+: is it a pollard\?\n", done.stderr)
    assert contents(here) == {}


@pytest.mark.parametrize(
    "head, part",
    [
        (b"*2000000000\r\n", bulk("new") + b":1\r\n"),
        (b"*2\r\n" + bulk("new") + b"*2000000000\r\n", b"*0\r\n"),
        (b"*2\r\n" + bulk("new") + b"$9007199254740992\r\n", b"x"),
    ],
)
def test_get_does_not_take_a_stat_without_end(server, here, head, part):
    def endless(session, *words):
        session.send(head)
        while True:
            session.send(part * 10000)

    done = run(server(endless), "get", "x")
    assert outcome(done) == (1, b"", b"pollcat: the server says too much at once\n")
    assert contents(here) == {}


def test_get_skips_what_stat_may_say_in_times_to_come(server, here):
    files = Files(x=b"12345")
    it = server(
        lambda session, verb, *args: reply(
            ["new", [1, ["a", []]], "size", 5, "newer", None, "etag", "etag-x-5"]
        )
        if verb == "STAT"
        else files(session, verb, *args)
    )
    assert outcome(run(it, "get", "x")) == (0, b"", b"")


def verified(name, data, target=None):
    digest = hashlib.sha256(data).hexdigest()
    return f"{name}: verified, SHA-256 {digest}, saved as {target or name}\n".encode()


def test_get_verifies_and_says_where_the_file_is(server, here):
    (here / "folder").mkdir()
    data = noise(9999)
    it = server(Files(x=data))
    assert outcome(run(it, "get", "--verify", "x")) == (0, b"", verified("x", data))
    done = run(it, "get", "--verify", "x", "-o", "folder/y")
    assert outcome(done) == (0, b"", verified("x", data, "folder/y"))
    assert (here / "x").read_bytes() == (here / "folder" / "y").read_bytes() == data


def test_get_keeps_nothing_that_differs(server, here):
    files = Files(x=b"12345")
    files.digest = "0" * 64
    done = run(server(files), "get", "--verify", "x")
    assert done.returncode == 1
    assert re.fullmatch(
        rb"pollcat: x: its SHA-256 is \w{64}, the server says 0{64}: "
        rb"x\.part of 5 bytes is discarded\n", done.stderr
    )
    assert contents(here) == {}


def test_get_prints_no_digest_that_is_none(server, here):
    files = Files(x=b"12345")
    files.digest = "\x1b[31m" + "0" * 59
    done = run(server(files), "get", "--verify", "x")
    assert done.returncode == 1
    shown = rb"pollcat: the server answered '\\x1b\[31m0+'\.* where a SHA-256 was expected: .+\n"
    assert re.match(shown, done.stderr) and b"\x1b" not in done.stderr


def test_get_keeps_the_part_where_it_cannot_be_verified(server, here):
    files = Files(x=b"12345")
    files.sha256 = lambda session, name: reply(Exception("ERR no such verb"))
    done = run(server(files), "get", "--verify", "x")
    assert done.returncode == 1
    assert done.stderr.startswith(b"pollcat: ERR no such verb\n")
    assert contents(here) == {"x.part": b"12345", "x.part.etag": b"etag-x-5"}
    done = run(server(files), "get", "--verify", "--resume", "x", env={"PATH": "/nonexistent"})
    assert done.returncode == 1
    assert b"sha256sum" in done.stderr


def test_two_downloads_of_one_file_do_not_mix(server, here):
    go = threading.Event()
    begun = threading.Event()

    def wait(session, data):
        session.send(b"$%d\r\n12" % len(data))
        begun.set()
        assert go.wait(DEADLINE_S)
        return data[2:] + b"\r\n"

    files = Files(x=b"12345")
    files.range = wait
    it = server(files)
    with start(it, "get", "x") as first:
        assert begun.wait(DEADLINE_S)
        done = run(it, "get", "x")
        assert outcome(done) == (1, b"", b"pollcat: x.part: another download is at work on it\n")
        go.set()
        assert first.wait(DEADLINE_S) == 0
    assert contents(here) == {"x": b"12345"}


def test_get_says_where_it_cannot_write(server, here):
    for folder in ("none", "/proc"):
        done = run(server(Files(x=b"1")), "get", "x", "-o", f"{folder}/x")
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr == b"pollcat: %b/x.part: No such file or directory\n" % folder.encode()


def test_get_keeps_a_link_and_replaces_what_it_leads_to(server, here):
    (here / "folder").mkdir()
    (here / "folder" / "other").write_bytes(b"old")
    (here / "again").symlink_to("folder/other")
    (here / "x").symlink_to("again")
    files = Files(x=b"12345")
    files.range = stop_after(2)
    done = run(server(files), "get", "x")
    part = here / "folder" / "other.part"
    assert done.stderr.endswith(f"pollcat: {part} is kept: --resume goes on from there\n".encode())
    assert part.read_bytes() == b"12" and (here / "folder" / "other").read_bytes() == b"old"
    files.range = None
    done = run(server(files), "get", "x", "--resume", "--verify")
    assert outcome(done) == (0, b"", verified("x", b"12345", here / "folder" / "other"))
    assert os.readlink(here / "x") == "again" and os.readlink(here / "again") == "folder/other"
    assert contents(here / "folder") == {"other": b"12345"}


def test_get_does_not_guess_where_a_broken_link_leads(server, here):
    (here / "x").symlink_to("none")
    it = server(Files(x=b"12345"))
    done = run(it, "get", "x")
    assert (done.returncode, done.stdout) == (2, b"")
    assert re.fullmatch(rb"pollcat: x is a link that cannot be followed \(No such .+\n", done.stderr)
    assert it.requests == [] and os.readlink(here / "x") == "none"


def test_get_follows_no_link_in_the_place_of_its_part(server, here):
    (here / "other").write_bytes(b"precious")
    (here / "x.part").symlink_to("other")
    assert run(server(Files(x=b"12345")), "get", "x").returncode == 1
    assert (here / "other").read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["x.part", "x.part.etag"])
def test_get_waits_for_no_pipe_in_the_place_of_its_part(server, here, name):
    os.mkfifo(here / name)
    done = run(server(Files(x=b"12345")), "get", "x")
    assert done.returncode == 1
    assert done.stderr.startswith(f"pollcat: {name}: ".encode())


def test_get_says_that_the_disk_is_full_and_keeps_what_there_was_place_for(server, here):
    limit = ["sh", "-c", 'ulimit -f 1 && trap "" XFSZ && exec "$@"', "sh"]
    it = server(Files(x=noise(5000)))
    done = subprocess.run([*limit, POLLCAT, it.address, "get", "x"], capture_output=True,
                          timeout=DEADLINE_S)
    assert outcome(done) == (
        1,
        b"",
        b"pollcat: x.part: File too large\n"
        b"pollcat: x.part is kept: --resume goes on from there\n",
    )
    done = run(it, "get", "x", "--resume", "--verify")
    assert outcome(done) == (0, b"", verified("x", noise(5000)))
    assert contents(here) == {"x": noise(5000)}


def test_get_says_that_the_disk_is_full(server):
    done = run(
        server(Files(x=b"12345")),
        "get",
        "x",
        "-o",
        "-",
        stdout=open("/dev/full", "wb"),
        stderr=subprocess.PIPE,
        capture_output=False,
    )
    assert done.returncode == 1
    assert done.stderr == b"pollcat: standard output: No space left on device\n"


@pytest.mark.parametrize("target", ["x", "-"])
def test_get_needs_little_memory_for_a_large_file(server, here, target):
    block, count = noise(1 << 20), 200
    whole = threading.Event()
    looked = threading.Event()

    def send(session, data):
        session.send(b"$%d\r\n" % (len(block) * count))
        for _ in range(count):
            session.send(block)
        whole.set()
        assert looked.wait(200)
        return b"\r\n"

    class Large(bytes):
        def __len__(self):
            return len(block) * count

    files = Files(x=Large())
    files.range = send
    output = open(here / "out", "wb")
    client = subprocess.Popen(
        [POLLCAT, server(files).address, "get", "x", "-o", target], stdout=output
    )
    assert whole.wait(DEADLINE_S)
    peak = int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{client.pid}/status").read_text())[1])
    looked.set()
    assert client.wait(DEADLINE_S) == 0
    assert SANITIZED or peak < 8 << 10
    name = here / ("out" if target == "-" else "x")
    assert name.stat().st_size == len(block) * count
    digest = hashlib.sha256()
    for _ in range(count):
        digest.update(block)
    assert hashlib.sha256(name.read_bytes()).digest() == digest.digest()


def test_get_draws_its_progress_on_a_terminal(server, here, terminal):
    go = threading.Event()

    def slowly(session, data):
        session.send(b"$%d\r\n" % len(data) + data[:500_000])
        assert go.wait(DEADLINE_S)
        session.send(data[500_000:600_000])
        return data[600_000:] + b"\r\n"

    files = Files(x=noise(1_000_000))
    files.range = slowly
    session = terminal(server(files).address, "get", "x")
    session.expect(r"0% \[ +\] 0B of 97\dK, 0B/s")
    go.set()
    session.expect(r"100% \[=+\] 97\dK of 97\dK, [0-9.]+[BKM]/s\x1b\[K\r\n")
    assert session.wait() == 0
    assert (here / "x").read_bytes() == noise(1_000_000)


# get, several


def test_get_takes_several_files_over_one_connection(server, here):
    it = server(Files(**{"a/x": noise(3000), "y": b"", "z": b"1"}))
    assert outcome(run(it, "get", "a/x", "y", "z")) == (0, b"", b"")
    assert contents(here) == {"x": noise(3000), "y": b"", "z": b"1"}
    assert it.connections == 1


def test_get_saves_several_files_in_a_folder(server, here):
    (here / "folder").mkdir()
    it = server(Files(**{"a/x": b"1", "y": b"2"}))
    assert outcome(run(it, "get", "a/x", "y", "-o", "folder/")) == (0, b"", b"")
    assert contents(here / "folder") == {"x": b"1", "y": b"2"}
    assert outcome(run(it, "get", "a/x", "-o", "./")) == (0, b"", b"")
    assert (here / "x").read_bytes() == b"1"


def test_get_goes_on_with_the_others_when_one_fails(server, here):
    files = Files(a=b"1", b=b"22", c=b"333", d=b"4444")

    def send(session, data):
        if data == b"1":
            return reply(Exception("ERR no\x1b"))
        if data == b"333":
            return stop_after(2)(session, data)
        return bulk(data)

    files.range = send
    it = server(files)
    done = run(it, "get", "a", "none", "b", "c", "d")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == (
        b"pollcat: ERR no\\x1b\n"
        b"pollcat: none: there is no such file on the server\n"
        b"pollcat: the server closed the connection\n"
        b"pollcat: c.part is kept: --resume goes on from there\n")
    assert contents(here) == {"b": b"22", "c.part": b"33", "c.part.etag": b"etag-c-3", "d": b"4444"}
    assert it.connections == 2


def test_the_rest_of_a_file_that_has_no_place_is_not_taken_for_the_next(server, here):
    limit = ["sh", "-c", 'ulimit -f 1 && trap "" XFSZ && exec "$@"', "sh"]
    it = server(Files(x=noise(500_000), y=b"2"))
    done = subprocess.run([*limit, POLLCAT, it.address, "get", "x", "y"], capture_output=True,
                          timeout=DEADLINE_S)
    assert outcome(done) == (
        1,
        b"",
        b"pollcat: x.part: File too large\n"
        b"pollcat: x.part is kept: --resume goes on from there\n",
    )
    assert (here / "y").read_bytes() == b"2"


def test_get_ends_where_the_server_is_gone(here):
    class Leaving:
        listener = socket.create_server(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % listener.getsockname()[1]

    with start(Leaving, "get", "x", "y", "z") as client:
        conn, _ = Leaving.listener.accept()
        Leaving.listener.close()
        with conn, conn.makefile("rb") as file:
            assert read_request(file) == [b"STAT", b"x"]
        assert client.wait(DEADLINE_S) == 1
        text = client.stderr.read()
    assert text.startswith(b"pollcat: the server closed the connection\n")
    assert text.count(b"\n") == 2 and b": Connection refused;" in text
    assert contents(here) == {}


@pytest.mark.parametrize("args", [["a/x", "b/x"], ["x", "x"], ["a/x", "y", "./x"],
                                  ["a/x", "x", "-o", "folder/"]])
def test_get_refuses_two_files_of_one_name_before_it_fetches_any(server, here, args):
    it = server(Files(x=b"1"))
    done = run(it, "get", *args)
    assert (done.returncode, done.stdout) == (2, b"")
    assert re.fullmatch(rb"pollcat: \S+ and \S+ would both be saved as (folder/)?x: .+\n",
                        done.stderr)
    assert it.requests == [] and contents(here) == {}


@pytest.mark.parametrize("folder", ["", "folder/"])
@pytest.mark.parametrize("names", [["x", "x.part"], ["b/x.part.etag", "y", "x-y", "a/x"]])
def test_get_refuses_a_file_that_has_the_name_of_the_part_of_another(server, here, names, folder):
    it = server(Files())
    done = run(it, "get", *names, *(["-o", folder] if folder else []))
    assert (done.returncode, done.stdout) == (2, b"")
    assert re.fullmatch(rb"pollcat: (\S*x(\.part\S*)) would be saved as %bx\2, which \S*x needs "
                        rb"until it is whole: .+\n" % folder.encode(), done.stderr)
    assert it.requests == [] and contents(here) == {}


def test_the_manual_fetches_a_folder_whose_names_are_no_options(server, here):
    class Folder(Files):
        def scan(self, session, cursor, *options):
            return reply(["0", list(self.files)])

    it = server(Folder(**{"--output=evil": b"1", "images/x": b"22"}))
    (here / "here").mkdir()
    line = re.search(r"^\.Dl \$ (.* ls images .*)$", MANUAL.read_text(), re.M)[1]
    line = line.replace("pollcat host:3237", f"{shlex.quote(POLLCAT)} {it.address}").replace(r"\e", "\\")
    done = subprocess.run(line, shell=True, capture_output=True, timeout=DEADLINE_S)
    assert (done.returncode, done.stderr) == (0, b"")
    assert contents(here / "here") == {"--output=evil": b"1", "x": b"22"}
    assert not (here / "evil").exists()


@pytest.mark.parametrize("columns, form", [
    (80, r"NAME +0% \[ {11}\] 0B of 97\dK, 0B/s"), (40, r"NA +0% 0B of 97\dK, 0B/s")])
def test_progress_names_the_file_where_there_are_several(server, here, terminal, columns, form):
    go = threading.Event()
    long = "a-name-that-is-longer-than-there-is-room"

    def slowly(session, data):
        session.send(b"$%d\r\n" % len(data) + data[:100_000])
        assert go.wait(DEADLINE_S)
        select.select([], [], [], 0.3)  # so that there is a rate to show
        session.send(data[100_000:200_000])
        return data[200_000:] + b"\r\n"

    files = Files(**{long: noise(1_000_000), "y": b"1"})
    files.range = lambda session, data: slowly(session, data) if len(data) > 1 else bulk(data)
    session = terminal(server(files).address, "get", long, "y", columns=columns)
    session.expect(form.replace("NAME", long[:20]).replace("NA", long[:10]))
    go.set()
    session.expect(r"100% .*97\dK of 97\dK, [0-9.]+[BKM]/s\x1b\[K\r\n")
    session.expect("y 100% ")
    assert session.wait() == 0
    drawn = re.sub(r"\x1b\[K", "", session.text)
    assert all(len(line) < columns for line in re.split(r"[\r\n]+", drawn))


HOSTILE = "a\x1b]0;b\x07"
SHOWN = rb"a\x1b]0;b\x07"


@pytest.mark.parametrize("args", [
    [HOSTILE], ["-o", f"none/{HOSTILE}", "x"], ["-o", f"{HOSTILE}", "x", "y"], [f"{HOSTILE}/"],
    [HOSTILE, f"y/{HOSTILE}"], ["--verify", "-o", HOSTILE, "x"], ["-o", f"link{HOSTILE}", "x"],
    ["-o", f"folder{HOSTILE}", "x"], ["-o", f"busy{HOSTILE}", "x"]])
def test_get_prints_no_control_characters_of_names(server, here, args):
    (here / f"link{HOSTILE}").symlink_to("none")
    (here / f"folder{HOSTILE}").mkdir()
    (here / f"busy{HOSTILE}.part").mkdir()
    done = run(server(Files(x=b"1", y=b"2")), "get", *args)
    assert SHOWN in done.stderr and b"\x1b" not in done.stderr and b"\x07" not in done.stderr


def test_ls_prints_no_control_characters_of_names(server):
    for name in (HOSTILE, f"{HOSTILE}*"):
        done = run(server(Tree(**TREE)), "ls", name)
        assert SHOWN in done.stderr and b"\x1b" not in done.stderr and b"\x07" not in done.stderr


# commands


COMMANDS = [["disk", "disk path", "free space"], ["du", "du", ""], ["日本", "日本 x", "wide"],
            ["a\x1b[31m", "a\x1b[31m ü", "ü\t"],
            ["long", "long " + "argument " * 5 + "end", "what it does"]]


def test_commands_are_lines_with_tabs_for_a_program(server):
    it = server(reply(COMMANDS))
    done = run(it, "commands")
    expected = "".join("\t".join(texts) + "\n" for texts in COMMANDS).encode()
    assert outcome(done) == (0, expected, b"")
    assert it.requests == [["COMMANDS"]]


def test_commands_are_columns_for_a_person(server, terminal):
    session = terminal(server(reply(COMMANDS)).address, "commands", locale="C.UTF-8")
    assert session.wait() == 0
    assert session.text.replace("\r\n", "\n") == (
        "disk path    free space\n"
        "du\n"
        "日本 x       wide\n"
        "a\\x1b[31m ü  ü\\t\n"
        "long argument argument argument argument argument end\n"
        "             what it does\n")


def test_commands_of_later_versions_are_listed(server):
    it = server(reply([["disk", "disk path", "free space", [1, ["x"]], None], ["a", "b", "c", 1]]))
    assert run(it, "commands").stdout == b"disk\tdisk path\tfree space\na\tb\tc\n"


def test_commands_are_none_or_many(server):
    assert outcome(run(server(reply([])), "commands")) == (0, b"", b"")
    many = [[f"c{i}", f"c{i} x", "text"] for i in range(5000)]
    assert len(run(server(reply(many)), "commands").stdout.splitlines()) == 5000


@pytest.mark.parametrize("data", [
    b"+OK\r\n", b"*1\r\n+OK\r\n", b"*1\r\n*2\r\n$1\r\na\r\n$1\r\na\r\n", b"$-1\r\n",
    b"*1\r\n*3\r\n:1\r\n:2\r\n:3\r\n", b"*1\r\n*3\r\n$9000\r\n" + b"x" * 9000])
def test_commands_that_make_no_sense_are_refused(server, data):
    done = run(server(data), "commands")
    assert (done.returncode, done.stdout) == (1, b"")
    assert re.fullmatch(rb"pollcat: the server answered .+: is it a pollard\?\n", done.stderr)


def test_commands_have_a_bound(server):
    def endless(session, *words):
        session.send(b"*2000000000\r\n")
        while True:
            session.send(reply(["a", "a" * 1000, "a" * 1000]) * 100)

    done = run(server(endless), "commands")
    assert outcome(done) == (1, b"", b"pollcat: the server says too much at once\n")


# ls


def test_ls_prints_every_page(server):
    it = server(Files(**{name: b"" for name in ("a", "b", "c d", "e/", "f\x1b")}))
    assert outcome(run(it, "ls")) == (0, b"a\nb\nc d\ne/\nf\x1b\n", b"")
    assert [words[1] for words in it.requests] == ["0", "2", "4"]


def pages(*names, of=2):
    """Each SCAN gives the next of them, whatever is matched."""
    def answer(session, verb, cursor, *options):
        at = int(cursor)
        more = str(at + of) if at + of < len(names) else "0"
        return reply([more, list(names[at : at + of])])

    return answer


def test_ls_sorts_by_bytes(server):
    names = ["b", "\u00e9", "B", "a/", "a b", "A", "a", "Z", "10", "9"]
    done = run(server(pages(*names)), "ls", env={"LC_ALL": "C.UTF-8"})
    assert done.stdout.decode().splitlines() == sorted(names, key=str.encode)


TREE = {"x": b"1", "g*/": b"", "g*/in": b"", "d/": b"", "d/one": b"22", "d/sub/": b"", "empty/": b"", "other": b""}


class Tree(Files):
    """SCAN as pollard has it: one folder at a time."""

    def scan(self, session, cursor, *options):
        match = dict(zip(options[::2], options[1::2])).get("MATCH", "*")
        folder, _, glob = match.rpartition("/")
        folder += "/" if folder else ""
        names = [n for n in self.files if n.startswith(folder) and n != folder
                 and fnmatch.fnmatchcase(n[len(folder):].removesuffix("/"), glob or "*")]
        return reply(["0", [n for n in names if "/" not in n[len(folder):].rstrip("/")]])


@pytest.mark.parametrize("name, names", [
    ("d", ["d/one", "d/sub/"]), ("d/", ["d/one", "d/sub/"]), ("d//", ["d/one", "d/sub/"]),
    ("d/*", ["d/one", "d/sub/"]), ("d*", ["d/"]), ("empty", []), ("empty/", []), ("d/sub", []),
    ("x", ["x"]), ("d/one", ["d/one"]), ("g*/", ["g*/in"]), ("g*/in", ["g*/in"]), ("?", ["d/", "x"]),
    ("[xy]", ["x"])])
def test_ls_lists_what_is_in_a_folder(server, name, names):
    done = run(server(Tree(**TREE)), "ls", name)
    assert (done.returncode, done.stdout.decode().splitlines(), done.stderr) == (0, names, b"")


@pytest.mark.parametrize("name, reason", [
    ("none", "there is no such file or folder on the server"),
    ("none/", "there is no such folder on the server"),
    ("x/", "there is no such folder on the server"),
    ("d/none", "there is no such file or folder on the server"),
    ("none/x", "there is no such file or folder on the server"),
    ("n*", "nothing on the server matches"),
    ("n?", "nothing on the server matches"),
    ("[n]", "nothing on the server matches"),
    ("g*/none", "there is no such file or folder on the server"),
    ("empty/*", "nothing on the server matches")])
@pytest.mark.parametrize("option", [[], ["-l"], ["--json"]])
def test_ls_fails_where_there_is_nothing_of_that_name(server, name, reason, option):
    done = run(server(Tree(**TREE)), "ls", *option, name)
    assert outcome(done) == (1, b"", f"pollcat: {name}: {reason}\n".encode())


def test_ls_of_a_server_without_files_is_no_failure(server):
    assert outcome(run(server(Tree()), "ls")) == (0, b"", b"")


def test_ls_sorts_in_parts_where_there_are_too_many(server):
    name = "{:04000}"

    def answer(session, verb, cursor, *options):
        at = int(cursor)
        names = [name.format(i) for i in range(at + 1000, at, -1)]
        return reply([str(at + 1000) if at < 17000 else "0", names])

    done = run(server(answer), "ls", timeout=120)
    assert done.returncode == 0
    assert done.stderr == b"pollcat: more than 64 MiB of names: they are sorted in parts\n"
    assert done.stdout.split() == [name.format(i).encode() for i in range(1, 18001)]


def test_ls_matches_on_the_server(server):
    it = server(Files(aa=b"", ab=b"", b=b""))
    assert run(it, "ls", "a*").stdout == b"aa\nab\n"
    assert it.requests == [["SCAN", "0", "COUNT", "1000", "MATCH", "a*"]]


def test_ls_escapes_names_on_a_terminal(server, terminal):
    session = terminal(server(Files(**{"f\x1b[31m\\\n": b""})).address, "ls")
    session.expect(re.escape("f\\x1b[31m\\\\\\n\r\n"))
    assert session.wait() == 0


@pytest.mark.parametrize("option", ["-l", "--long"])
def test_ls_shows_sizes_and_times_asked_for_all_at_once(server, option):
    files = Files(**{"a": b"12345", "b/": b"", "c": b"1" * 70000})
    files.page = 10
    it = server(files)
    done = run(it, "ls", option, env={"TZ": "UTC"})
    assert done.stdout.decode().splitlines() == [
        "             5  2023-11-14 22:13  a",
        "             -  -                 b/",
        "         70000  2023-11-14 22:13  c",
    ]
    assert [words[:2] for words in it.requests[1:]] == [["STAT", "a"], ["STAT", "c"]]


def test_ls_pipelines_however_many_there_are(server):
    files = Files(**{f"{i:05}" * 20: b"" for i in range(5000)})
    files.page = 5000
    assert len(run(server(files), "ls", "-l").stdout.splitlines()) == 5000


def test_ls_goes_on_when_a_file_is_gone_or_refused(server):
    files = Files(a=b"", b=b"", c=b"")

    def stat(session, name):
        return {
            "a": bulk(None),
            "b": reply(Exception("NOPERM b")),
            "c": Files.stat(files, session, name),
        }[name]

    files.stat = stat
    done = run(server(files), "ls", "-l")
    assert done.returncode == 1
    assert [line.split()[-1] for line in done.stdout.splitlines()] == [b"a", b"b", b"c"]
    assert done.stderr == b"pollcat: NOPERM b\n"


@pytest.mark.parametrize(
    "data",
    [
        b"*1\r\n$1\r\n0\r\n",
        b"*2\r\n$1\r\n0\r\n$-1\r\n",
        b"*2\r\n:0\r\n*0\r\n",
        b"+OK\r\n",
        b"*2\r\n$1\r\n0\r\n*1\r\n:5\r\n",
        b"*2\r\n$1\r\n0\r\n*1\r\n$5000\r\n" + b"x" * 5000,
        b"*2\r\n$1\r\n0\r\n*1\r\n$1\r\n\0\r\n",
        b"*2\r\n$100\r\n" + b"1" * 100,
    ],
)
def test_ls_refuses_what_makes_no_sense(server, data):
    done = run(server(data), "ls")
    assert (done.returncode, done.stdout) == (1, b"")
    assert re.fullmatch(rb"pollcat: the server answered .+: is it a pollard\?\n", done.stderr)


@pytest.mark.parametrize("data, came", [
    (b"+OK\r\n", "the status 'OK'"), (b":5\r\n", "the number 5"), (b"$-1\r\n", "nil"),
    (b"*3\r\n", "a list of 3"), (b"$3\r\na\x1b[\r\n", r"3 bytes, 'a\x1b['"),
    (b"$0\r\n\r\n", "0 bytes, ''"),
    (b"$100\r\n" + b"x" * 100 + b"\r\n", "100 bytes, '" + "x" * 60 + "'..."),
    (b"*2\r\n$1\r\n0\r\n:7\r\n", "the number 7")])
def test_what_is_not_expected_is_shown(server, data, came):
    done = run(server(data), "ls")
    assert done.returncode == 1
    wanted = "a list of names" if came.endswith("7") else "a cursor and a list of names"
    assert done.stderr.decode() == (
        f"pollcat: the server answered {came} where {wanted} was expected: is it a pollard?\n")


@pytest.mark.parametrize("option", [[], ["-l"]])
def test_ls_has_a_bound_for_one_page(server, option):
    def endless(session, *words):
        session.send(b"*2\r\n$1\r\n0\r\n*2000000000\r\n")
        while True:
            session.send(bulk("x" * 4000) * 100)

    output = {"capture_output": False, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    done = run(server(endless), "ls", *option, **output)
    assert (done.returncode, done.stderr) == (1, b"pollcat: the server says too much at once\n")


def test_ls_ends_where_the_names_begin_anew(server):
    it = server(reply(["7", ["a"]]))
    done = run(it, "ls")
    assert outcome(done) == (1, b"", b"pollcat: the server's names have no end\n")
    assert [words[1] for words in it.requests] == ["0", "7"]


@pytest.mark.parametrize("names", [[], ["a"]])
def test_ls_ends_where_no_page_is_the_last(server, names):
    cursors = itertools.count(1)

    def ahead(session, *words):  # of the questions, for it is quicker
        while True:
            session.send(b"".join(reply([str(next(cursors)), names]) for _ in range(1000)))

    done = run(server(ahead), "ls", timeout=60)
    assert (done.returncode, done.stderr) == (1, b"pollcat: the server's names have no end\n")


# call


NESTED = reply([1, [b'a"\n\\\xff', [], None], Exception("ERR x")]).replace(
    b"*3\r\n:", b"*4\r\n+OK\r\n:"
)
READABLE = r"""1) OK
2) (integer) 1
3) 1) "a\"\n\\\xff"
   2) (empty array)
   3) (nil)
4) (error) ERR x
"""


def test_call_prints_raw_text_for_a_program(server):
    it = server(NESTED)
    assert outcome(run(it, "call", "GET", "", "ü")) == (0, b'OK\n1\na"\n\\\xff\n\nERR x\n', b"")
    assert it.requests == [["GET", "", "ü"]]


@pytest.mark.parametrize("piece", [None, 1])
def test_call_prints_readable_text_for_a_person(server, terminal, piece):
    def answer(session, *words):
        session.piece = piece
        return NESTED

    session = terminal(server(answer).address, "call", "GET")
    assert session.wait() == 0
    assert session.text.replace("\r\n", "\n") == READABLE


def test_call_aligns_the_numbers(server, terminal):
    session = terminal(server(reply([1] * 9 + [[2, 3]])).address, "call", "GET")
    assert session.wait() == 0
    assert session.text.replace("\r\n", "\n").endswith(
        " 9) (integer) 1\n10) 1) (integer) 2\n    2) (integer) 3\n"
    )


def test_call_prints_an_error_on_standard_error(server):
    done = run(server(reply(Exception("ERR no"))), "call", "GET")
    assert outcome(done) == (1, b"", b"pollcat: ERR no\n")


def test_call_hears_what_was_said_before_the_connection_closed(server):
    def answer(session, *words):
        session.send(b"-ERR too many clients\r\n")
        session.conn.shutdown(socket.SHUT_RDWR)

    done = run(server(answer), "call", "PING", "x" * 100_000)
    assert outcome(done) == (1, b"", b"pollcat: ERR too many clients\n")


@pytest.mark.parametrize(
    "data", [b"x", b"$5\r\nab", b"*1\r\n" * 17, b"+" + b"x" * 10000, b"*2147483648\r\n", b"_\r\n"]
)
def test_call_refuses_garbage(server, data):
    def answer(session, *words):
        session.send(data)
        session.conn.shutdown(socket.SHUT_WR)

    done = run(server(answer), "call", "GET")
    assert done.returncode == 1
    assert re.fullmatch(rb"pollcat: (reply not understood: .+|the server closed .+)\n", done.stderr)


@pytest.fixture
def redis(tmp_path):
    need("redis-server")
    path = str(tmp_path / "redis")
    command = ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", tmp_path]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until = time.monotonic() + DEADLINE_S

    def listens():
        with socket.socket(socket.AF_UNIX) as sock:
            return sock.connect_ex(path) == 0  # its name is there before it listens

    while not listens():
        assert time.monotonic() < until
        select.select([], [], [], 0.01)

    class Redis:
        address = f"unix:{path}"

    yield Redis
    process.terminate()
    process.wait()


def test_call_and_ls_talk_to_redis(redis):
    assert run(redis, "call", "SET", "key", "0123456789").stdout == b"OK\n"
    assert run(redis, "call", "GETRANGE", "key", "2", "-2").stdout == b"2345678\n"
    assert run(redis, "call", "GET", "none").stdout == b"\n"
    assert run(redis, "call", "RPUSH", "list", *map(str, range(100))).stdout == b"100\n"
    assert run(redis, "call", "LRANGE", "list", "0", "2").stdout == b"0\n1\n2\n"
    assert sorted(run(redis, "ls").stdout.split()) == [b"key", b"list"]
    assert run(redis, "call", "COMMAND").returncode == 0
    assert run(redis, "call", "NONSENSE").returncode == 1


# JSON


RESULT = ["exit", 0, "signal", None, "timed_out", 0, "truncated", 1, "stdout", b"a\n\xff",
          "stderr", "\u00fc", "duration_ms", 12]


def result(**changes):
    values = dict(zip(RESULT[::2], RESULT[1::2]), **changes)
    return reply([text for pair in values.items() for text in pair])


def parse(data):
    """What Python and jq make of it, which agree but for bytes that are no UTF-8."""
    if shutil.which("jq"):
        subprocess.run(["jq", "-e", "."], input=data, stdout=subprocess.DEVNULL, check=True)
    return json.loads(data)


def as_bytes(text):
    return text.encode(errors="surrogateescape")


@pytest.mark.parametrize("piece", [None, 1])
def test_run_is_an_object(server, piece):
    def answer(session, *words):
        session.piece = piece
        return result()

    it = server(answer)
    done = run(it, "run", "--json", "disk", "--json", "a b")
    value = parse(done.stdout)
    assert (done.returncode, done.stderr) == (0, b"")
    assert list(value) == ["command", *RESULT[::2]]
    assert as_bytes(value.pop("stdout")) == b"a\n\xff"
    assert value == {"command": "disk", "exit": 0, "signal": None, "timed_out": False,
                     "truncated": True, "stderr": "\u00fc", "duration_ms": 12}
    assert it.requests == [["RUN", "disk", "--json", "a b"]]


@pytest.mark.parametrize("changes, status", [
    ({"exit": 7}, 7), ({"exit": None, "signal": "TERM"}, 128 + signal.SIGTERM),
    ({"exit": None, "signal": "BOTHER"}, 255), ({"timed_out": 1}, 124),
    ({"exit": None, "signal": "KILL", "timed_out": 1}, 124),
    ({"later": [1, [None, ["x"]]], "exit": 3}, 3)])
def test_run_has_the_status_that_it_has_without_json(server, changes, status):
    done = run(server(result(**changes)), "run", "--json", "x")
    value = parse(done.stdout)
    assert (done.returncode, done.stderr) == (status, b"")
    for name in set(changes) - {"timed_out"}:
        assert value[name] == changes[name]
    assert value["timed_out"] is bool(changes.get("timed_out"))


def test_run_that_is_refused_says_so_in_its_object(server):
    done = run(server(reply(Exception('NOPERM "no"'))), "run", "--json", "x")
    assert (done.returncode, done.stderr) == (255, b"")
    assert parse(done.stdout) == {"command": "x", "error": 'NOPERM "no"'}


@pytest.mark.parametrize("data", [
    b"+OK\r\n", reply(["exit"]), reply(["exit", 256]), reply(["exit", -1]), reply(["exit", "0"]),
    reply(["signal", 5, "exit", 0]), reply(["timed_out", "no", "exit", 0]),
    reply(["truncated", None, "exit", 0]), reply(["stdout", "x"]),
    reply([]), reply(["exit", None, "signal", None]), reply(["x" * 100, 1, "exit", 0]), b"x"])
def test_a_result_that_makes_no_sense_is_refused(server, data):
    done = run(server(data), "run", "--json", "x")
    assert done.returncode == 255
    assert re.fullmatch(rb"pollcat: .+\n", done.stderr)


def test_ls_is_an_array_of_objects(server):
    files = Files(**{"a": b"12345", 'b"/': b"", "\udcff": b""})
    it = server(files)
    it.answer = lambda session, verb, *args: (
        b"*2\r\n$1\r\n0\r\n*3\r\n$1\r\na\r\n$3\r\nb\"/\r\n$1\r\n\xff\r\n"
        if verb == "SCAN" else bulk(None) if args[0] != "a" else files(session, verb, *args))
    done = run(it, "ls", "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    nothing = {"size": None, "mtime": None, "etag": None}
    assert parse(done.stdout) == [
        {"name": "a", "type": "file", "size": 5, "mtime": 1_700_000_000, "etag": "etag-a-5"},
        {"name": 'b"/', "type": "folder", **nothing},
        {"name": "\udcff", "type": "file", **nothing}]


def test_ls_of_nothing_is_an_empty_array(server):
    assert outcome(run(server(Tree()), "ls", "--json")) == (0, b"[]\n", b"")


def test_commands_are_an_array_of_objects(server):
    done = run(server(reply(COMMANDS)), "commands", "--json")
    names = ("name", "usage", "description")
    assert parse(done.stdout) == [dict(zip(names, texts)) for texts in COMMANDS]
    assert outcome(run(server(reply([])), "commands", "--json")) == (0, b"[]\n", b"")


@pytest.mark.parametrize("piece", [None, 1])
def test_call_is_the_reply(server, piece):
    def answer(session, *words):
        session.piece = piece
        return NESTED

    done = run(server(answer), "call", "--json", "GET", "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    value = parse(done.stdout)
    assert as_bytes(value[2][0]) == b'a"\n\\\xff'
    value[2][0] = None
    assert value == ["OK", 1, [None, [], None], {"error": "ERR x"}]
    assert done.stdout.count(b"\n") == 1


def anything(random, depth=0):
    """A value of a reply: numbers, nil, arrays of them, and bytes as they come or as text."""
    kind = random.randrange(6 if depth < 5 else 4)
    if kind == 0:
        return random.choice([0, 1, -1, 1 << 62, -(1 << 63), (1 << 63) - 1])
    if kind == 1:
        return None
    if kind == 2:
        return random.randbytes(random.randrange(40))
    if kind == 3:
        points = [random.choice([0x22, 0x5C, 0x9B, 0xE9, 0x20AC, 0x1F600, random.randrange(128)])
                  for _ in range(random.randrange(20))]
        return "".join(map(chr, points)).encode()
    return [anything(random, depth + 1) for _ in range(random.randrange(6))]


def with_bytes(value):
    if isinstance(value, list):
        return [with_bytes(each) for each in value]
    return as_bytes(value) if isinstance(value, str) else value


@pytest.mark.parametrize("seed", range(5))
def test_python_reads_from_json_what_was_replied(server, seed):
    random = Random(seed)
    value = [anything(random) for _ in range(200)]
    done = run(server(reply(value)), "call", "--json", "X")
    assert (done.returncode, done.stderr) == (0, b"")
    assert with_bytes(json.loads(done.stdout)) == value


def test_call_that_is_refused_is_an_object_with_the_error(server):
    done = run(server(reply(Exception("ERR no"))), "call", "--json", "GET")
    assert outcome(done) == (1, b'{"error":"ERR no"}\n', b"")


@pytest.mark.parametrize("args", [["call", "--json", "GET"], ["run", "--json", "x"]])
def test_json_needs_little_memory_for_much(server, args):
    block, count = b"\xff" * (1 << 20), 20
    whole, looked = threading.Event(), threading.Event()

    def answer(session, *words):
        head = b"" if words[0] == "GET" else b"*4\r\n$4\r\nexit\r\n:0\r\n$6\r\nstdout\r\n"
        session.send(head + b"$%d\r\n" % (len(block) * count))
        for _ in range(count):
            session.send(block)
        whole.set()
        assert looked.wait(200)
        return b"\r\n"

    it = server(answer)
    client = subprocess.Popen([POLLCAT, it.address, *args], stdout=subprocess.DEVNULL)
    assert whole.wait(200)
    peak = int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{client.pid}/status").read_text())[1])
    looked.set()
    assert client.wait(DEADLINE_S) == 0
    assert SANITIZED or peak < 8 << 10


# pollard itself


CONFIGURATION = """
[daemon]
log_target = stderr
[listener main]
listen = tcp:127.0.0.1:0
protocol = resp
services = files commands
allow = 127.0.0.0/8
[service files]
root = {root}
[command shell]
exec = /bin/sh -c {{script}}
arg.script = regex .*
[command slow]
exec = /bin/sleep 1000
timeout = 200ms
description = sleeps
[command missing]
exec = /none/such
"""


@pytest.fixture
def real(pollard, tmp_path):
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "a b").write_bytes(b"12345")
    (root / "folder" / "data").write_bytes(noise(3_000_000))
    started = pollard(CONFIGURATION.format(root=root))
    started.address = f"127.0.0.1:{started.port('main')}"
    started.root = root
    return started


def test_pollard_lists_and_gives_its_files(real, here):
    assert run(real, "ls").stdout.splitlines() == [b"a b", b"empty/", b"folder/"]
    for name in ("folder", "folder/", "folder/*", "folder/data"):
        assert run(real, "ls", name).stdout == b"folder/data\n"
    assert outcome(run(real, "ls", "empty")) == outcome(run(real, "ls", "empty/")) == (0, b"", b"")
    for name in ("none", "none/", "folder/none", "folder/data/", "x*"):
        assert run(real, "ls", name).returncode == 1
    listed = parse(run(real, "ls", "--json").stdout)
    assert [(each["name"], each["type"], each["size"]) for each in listed] == [
        ("a b", "file", 5), ("empty/", "folder", None), ("folder/", "folder", None)]
    assert re.search(rb"^ +5  .+  a b$", run(real, "ls", "-l").stdout, re.M)
    done = run(real, "get", "folder/data", "--verify")
    assert outcome(done) == (0, b"", verified("folder/data", noise(3_000_000), "data"))
    assert (here / "data").read_bytes() == noise(3_000_000)
    assert run(real, "get", "none").returncode == 1
    assert run(real, "get", "../root/a b", "-o", "-").returncode == 1


def test_pollard_resumes_a_download_and_tells_of_a_change(real, here):
    etag = run(real, "call", "STAT", "folder/data").stdout.splitlines()[-1]
    (here / "data.part").write_bytes(noise(3_000_000)[:1_234_567])
    (here / "data.part.etag").write_bytes(etag)
    done = run(real, "get", "folder/data", "--resume", "--verify")
    assert outcome(done) == (0, b"", verified("folder/data", noise(3_000_000), "data"))
    assert (here / "data").read_bytes() == noise(3_000_000)

    (here / "data.part").write_bytes(b"123")
    (here / "data.part.etag").write_bytes(etag)
    (real.root / "folder" / "data").write_bytes(b"another")
    done = run(real, "get", "folder/data", "--resume")
    assert done.returncode == 0 and b"3 bytes is discarded" in done.stderr
    assert (here / "data").read_bytes() == b"another"


def test_pollard_runs_a_command_and_ends_it_with_its_caller(real):
    done = run(real, "run", "shell", "echo out; echo err >&2; exit 7")
    assert outcome(done) == (7, b"out\n", b"err\n")
    assert run(real, "run", "shell", "kill -KILL $$").returncode == 128 + signal.SIGKILL
    assert run(real, "run", "none").returncode == 255
    expected = (b"pollcat: the command was ended by signal TERM\n"
                b"pollcat: the time that the command may take was over\n")
    assert outcome(run(real, "run", "slow")) == (124, b"", expected)
    assert outcome(run(real, "run", "missing")) == (
        255, b"", b"pollcat: ERR missing: cannot be run: /none/such is not there\n")
    with start(real, "run", "shell", "echo going; exec sleep 1000") as client:
        assert os.read(client.stdout.fileno(), 100) == b"going\n"
        client.send_signal(signal.SIGINT)
        assert client.wait(DEADLINE_S) == -signal.SIGINT
    real.wait_log("signal=TERM ms=")


def test_pollard_lists_its_commands(real):
    done = run(real, "commands")
    assert done.stdout == b"shell\tshell script\t\nslow\tslow\tsleeps\nmissing\tmissing\t\n"
    done = run(real, "run", "--json", "shell", "echo out; echo err >&2; exit 7")
    value = parse(done.stdout)
    assert done.returncode == 7 and value.pop("duration_ms") >= 0
    assert value == {"command": "shell", "exit": 7, "signal": None, "timed_out": False,
                     "truncated": False, "stdout": "out\n", "stderr": "err\n"}
    assert run(real, "run", "--json", "slow").returncode == 124


# Use


@pytest.mark.parametrize(
    "args",
    [
        ["run"],
        ["get"],
        ["get", "a", "b", "-o", "x"],
        ["get", "a", "b", "-o", "-"],
        ["get", "a", "b", "-o", ""],
        ["get", "a", "-o"],
        ["get", "a", "--nonsense"],
        ["get", "a", "-o", "-", "--resume"],
        ["get", "a", "-o", "-", "--verify"],
        ["get", "-x", "a"],
        ["ls", "a", "b"],
        ["ls", "-x"],
        ["call"],
        ["call", "--json"],
        ["call", "--nonsense", "PING"],
        ["run", "--json"],
        ["run", "--nonsense", "x"],
        ["commands", "x"],
        ["commands", "-x"],
        ["nonsense"],
        ["get", "a", "-o", ""],
    ],
)
def test_wrong_use_is_one_line_and_asks_nobody(server, args):
    it = server(b"")
    done = run(it, *args)
    assert (done.returncode, done.stdout) == (2, b"")
    assert re.fullmatch(rb"pollcat: .+\n", done.stderr)
    assert it.requests == []


def test_a_subcommand_needs_a_stream():
    done = subprocess.run([POLLCAT, "udp:127.0.0.1:9", "ls"], capture_output=True)
    assert outcome(done) == (2, b"", b"pollcat: ls: udp carries no requests, use tcp: or unix:\n")


SUBCOMMANDS = ("run", "commands", "get", "ls", "call")


def test_help_lists_the_subcommands():
    text = subprocess.run([POLLCAT, "--help"], capture_output=True, text=True).stdout
    assert tuple(re.findall(r"^  (\w+) ", text.partition("Subcommands")[2], re.M)) == SUBCOMMANDS


@pytest.mark.parametrize("name", SUBCOMMANDS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_each_subcommand_explains_itself(name, option):
    done = subprocess.run([POLLCAT, "localhost:7", name, option], capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(f"usage: pollcat ADDRESS {name} ".encode())
    assert b"\n  -h, --help " in done.stdout


@pytest.mark.parametrize("args", [
    ["--help"], ["ping", "--help"], *(["x:7", name, "--help"] for name in SUBCOMMANDS)])
def test_help_is_at_most_80_columns_wide(args):
    done = subprocess.run([POLLCAT, *args], capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 0 and done.stdout.startswith("usage: pollcat")
    assert len(done.stdout.splitlines()) > 3
    assert all(len(line) <= 80 for line in done.stdout.splitlines()), done.stdout


# The prompt of --resp


@pytest.fixture
def editing(tmp_path):
    """Without libedit there is no completion."""
    if b"libedit" not in subprocess.run(["ldd", POLLCAT], capture_output=True).stdout:
        pytest.skip("built without libedit")


def arguments(session, *words):
    return reply(list(words))


@pytest.mark.parametrize("option", ["-R", "--resp"])
def test_typed_lines_are_requests_and_replies_are_readable(server, terminal, option):
    it = server(arguments)
    session = terminal(option, it.address)
    session.expect(">: ")
    session.type("""get 'a b' "c\\"d" e\\ f '' \n""")
    session.expect(r'1\) "get"\r\n2\) "a b"\r\n3\) "c\\"d"\r\n4\) "e f"\r\n5\) ""\r\n>: ')
    session.type("\x04")
    assert session.wait() == 0
    assert it.requests == [["get", "a b", 'c"d', "e f", ""]]
    assert it.wait_end() == "eof"


def test_an_error_reply_is_printed_and_the_prompt_goes_on(server, terminal):
    session = terminal("-R", server(reply(Exception("ERR no"))).address)
    session.expect(">: ")
    session.type("x\n")
    session.expect(r"\(error\) ERR no\r\n>: ")
    session.type("\x04")
    assert session.wait() == 0


@pytest.mark.parametrize("line", ["get 'a", 'get "a', "get a\\"])
def test_a_line_that_lacks_its_end_is_not_sent(server, terminal, line):
    it = server(arguments)
    session = terminal("-R", it.address)
    session.expect(">: ")
    session.type(line + "\n")
    session.expect(r"not sent: .+\r\n>: ")
    session.type("\x04")
    assert session.wait() == 0
    assert it.requests == []


def test_no_prompt_gets_into_the_middle_of_a_reply(server, terminal):
    go = threading.Event()

    def answer(session, *words):
        session.send(b"*2\r\n$4\r\nab")
        assert go.wait(DEADLINE_S)
        return b"cd\r\n:5\r\n"

    session = terminal("-R", server(answer).address)
    session.expect(">: ")
    session.type("x\n")
    session.expect(r'1\) "ab')
    go.set()
    session.expect(r'\Acd"\r\n2\) \(integer\) 5\r\n>: ')
    session.type("\x04")
    assert session.wait() == 0


def test_a_server_that_speaks_otherwise_is_left(server, terminal):
    session = terminal("-R", server(b"HELLO\n").address)
    session.expect(">: ")
    session.type("x\n")
    session.expect("pollcat: reply not understood, .* leave out -R: Protocol error\r\n")
    assert session.wait() == 1


def test_an_open_prompt_asks_the_server_for_nothing(server, terminal):
    it = server(arguments)
    session = terminal("-R", it.address)
    session.expect(">: ")
    session.type("\x04")
    assert session.wait() == 0
    assert it.requests == [] and it.wait_end() == "eof"


@pytest.mark.parametrize(
    "typed, sent",
    [
        ("pi\t", ["ping"]),
        ("PI\t", ["PING"]),
        ("run di\t", ["run", "disk"]),
        ("STREAM da\tx", ["STREAM", "date", "x"]),
        ("get on\t", ["get", "one"]),
        ("get fol\tin\t", ["get", "folder/inside"]),
        ("stat with\t", ["stat", "with space"]),
        ("stat with\\ s\t", ["stat", "with space"]),
        ("stat st\t", ["stat", "star*[name"]),
        ("stat star\\*\t", ["stat", "star*[name"]),
        ("exists one on\t", ["exists", "one", "one"]),
        ("get one on\t", ["get", "one", "on"]),
        ("get none\t", ["get", "none"]),
        ("nonsense \t", ["nonsense"]),
        ("get 'on\t'", ["get", "on"]),
    ],
)
def test_tab_completes(server, terminal, editing, typed, sent):
    names = {name: b"" for name in ("one", "folder/", "folder/inside", "with space", "star*[name")}

    class Answers(Files):
        def scan(self, session, cursor, *options):
            match = dict(zip(options[::2], options[1::2]))["MATCH"]
            assert match.endswith("*")
            prefix = re.sub(r"\\(.)", r"\1", match[:-1])
            names = [name for name in sorted(self.files) if name.startswith(prefix)]
            depth = prefix.count("/")
            return reply(["0", [n for n in names if n.rstrip("/").count("/") == depth]])

    files = Answers(**names)
    asked = ("SCAN", "COMMAND", "COMMANDS")
    it = server(
        lambda session, *words: files(session, *words) if words[0] in asked else reply(words)
    )
    session = terminal("-R", it.address)
    session.expect(">: ")
    session.type(typed + "\n")
    session.expect(r'(?s)\r\x1b\[K1\) ".+\r\n>: ')
    session.type("\x04")
    assert session.wait() == 0
    assert [words for words in it.requests if words[0] not in asked] == [sent]
    assert sum(words[0] in asked for words in it.requests) <= typed.count("\t")


def test_tab_asks_over_one_connection_however_often(server, terminal, editing):
    it = server(Files(one=b""))
    session = terminal("-R", it.address)
    session.expect(">: ")
    session.type("ru\tdi\t\x15stat on\t\n")
    session.expect('etag-one-0"\r\n>: ')
    session.type("\x04")
    assert session.wait() == 0
    assert [words[0] for words in it.requests] == ["COMMAND", "COMMANDS", "SCAN", "stat"]
    assert it.connections == 2


def test_tab_shows_what_there_is_to_choose_from(server, terminal, editing):
    session = terminal("-R", server(Files(aa=b"", ab=b"", b=b"")).address)
    session.expect(">: ")
    session.type("get a\t\t")
    session.expect(r"aa +ab")
    session.type("\x03")
    assert session.wait() == -signal.SIGINT


def test_tab_survives_a_server_that_hangs_up_or_lies(server, terminal, editing):
    def answer(session, verb, *args):
        if verb == "COMMAND":
            return b"*2000000000\r\n:1\r\n"
        if verb == "SCAN" and it.connections < 3:
            session.conn.shutdown(socket.SHUT_RDWR)
            return None
        return reply(Exception("ERR loud") if verb == "SCAN" else [verb, *args])

    it = server(answer)
    session = terminal("-R", it.address)
    session.expect(">: ")
    session.type("x\tget y\tz\n")
    session.expect(r'1\) "xget"\r\n2\) "yz"\r\n>: ')
    session.type("stat y\tz\n")
    session.expect(r'1\) "stat"\r\n2\) "yz"\r\n>: ')
    session.type("\x04")
    assert session.wait() == 0
    assert "loud" not in session.text and "pollcat:" not in session.text


@pytest.mark.parametrize("rows, pause", [(10000, 0), (1, 0.01)])
def test_tab_gives_up_a_server_that_comes_to_no_end(server, terminal, editing, rows, pause):
    def answer(session, verb, *args):
        if verb != "COMMAND":
            return reply([verb, *args])
        session.send(b"*2000000000\r\n")
        while True:
            session.send(reply(["verb", 1]) * rows)
            select.select([], [], [], pause)

    session = terminal("-R", server(answer).address)
    session.expect(">: ")
    session.type("x\ty\n")
    session.expect(r'1\) "xy"\r\n>: ')
    session.type("\x04")
    assert session.wait() == 0


def test_tab_gives_up_a_server_that_takes_no_second_connection(terminal, editing):
    with socket.socket() as listener, contextlib.ExitStack() as callers:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        session = terminal("-R", "127.0.0.1:%d" % listener.getsockname()[1])
        session.expect(">: ")
        conn, _ = listener.accept()
        conn.settimeout(DEADLINE_S)
        for _ in range(10):  # until the backlog is full
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        with conn:
            session.type("x\ty\n")
            assert read_request(conn.makefile("rb")) == [b"xy"]
            session.type("\x04")
            conn.shutdown(socket.SHUT_WR)
            assert session.wait() == 0


def test_tab_shows_no_control_characters(server, terminal, editing):
    names = {"aa\x9b31m": b"", "ab\x1b[31m": b"", "ac": b"", "ad\u00e9": b""}
    session = terminal("-R", server(Files(**names)).address, locale="C.UTF-8")
    session.expect(">: ")
    session.type("get a\t\t")
    session.expect("ac +ad\u00e9")
    session.type("\x03")
    assert session.wait() == -signal.SIGINT
    assert "\x9b" not in session.text and "31m" not in session.text


def test_an_interrupt_of_the_prompt_resets_the_connection(server, terminal):
    asked = threading.Event()
    it = server(lambda session, *words: asked.set())
    session = terminal("-R", it.address)
    session.expect(">: ")
    session.type("RUN x\n")
    assert asked.wait(DEADLINE_S)
    session.type("\x03")
    assert session.wait() == -signal.SIGINT
    assert it.wait_end() == "reset"


def test_the_prompt_of_requests_needs_a_terminal_and_a_stream(server):
    it = server(b"")
    for args in (["-R", it.address], ["-R", "udp:127.0.0.1:9"], ["-R", it.address, "ls"]):
        done = subprocess.run([POLLCAT, *args], capture_output=True, stdin=subprocess.DEVNULL)
        assert (done.returncode, done.stdout) == (2, b"")
        assert re.fullmatch(rb"pollcat: .+\n", done.stderr)
