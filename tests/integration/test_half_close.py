# SPDX-License-Identifier: MIT
"""Callers who leave, or stop sending, or stop reading, in the middle of anything: nothing spins,
nothing is left behind, and who only stopped sending gets the whole answer."""

import contextlib
import hashlib
import io
import os
import re
import select
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import DEADLINE_S, SANITIZED, ask, fill, ini, need, receive, receive_all, reset, wait_for
from talk import Client, Refusal, children, open_files, pack, talking
from test_commands import waiting

HUGE = 1 << 40  # of holes; more than anybody reads in the time of a test
RAW = ["upper", "echo", "discard", "chargen", "daytime", "time"]


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "small").write_bytes(b"x" * 20_000)
    for name in ("huge", "other", "third"):
        with open(folder / name, "wb") as file:
            file.truncate(HUGE)
    for n in range(300):
        (folder / f"n{n:04}").touch()
    return folder


@pytest.fixture
def server(pollard, talking, root, tmp_path, request):
    """It has all services and no deadline: who does nothing stays."""
    forever = {"idle_timeout": 0, "write_timeout": 0, "allow": "127.0.0.1"}
    listeners = {
        name: {**forever, "listen": f"tcp:127.0.0.1:0 unix:{tmp_path}/{name}", "services": name}
        for name in RAW}
    listeners["main"] = {
        **forever, "listen": f"tcp:127.0.0.1:0 unix:{tmp_path}/main", "protocol": "resp",
        "services": "files commands", "max_owed": "64k"}
    shell = "exec = /bin/sh -c {script}\narg.script = regex .*\n"
    text = ini(daemon={"log_level": "info"}, **listeners)
    text += f"\n[service files]\nroot = {root}\nmax_digests = 2\n"
    text += f"[command sh]\n{shell}max_running = 100\nmax_input = 1G\n"
    text += f"[command one]\n{shell}max_running = 1\nmax_waiting = 100\nmax_input = 1G\n"
    text += "[command none]\nexec = /nowhere/none\n"
    return talking(pollard(text, prefix=getattr(request, "param", ())))


# What a caller can be in the middle of: a listener, and what it does there.


def nothing(sock):
    pass


def asks(*requests):
    def do(sock):
        sock.sendall(b"".join(requests))

    return do


def writes_much(sock):
    fill(sock, b"x" * (1 << 25))


def asks_much(request, then=b""):
    """Until it is not read any more."""
    def do(sock):
        fill(sock, request * ((8 << 20) // len(request)) + then)

    return do


def reads_some_of(request):
    def do(sock):
        sock.sendall(request)
        receive(sock, 1 << 20)

    return do


SITUATIONS = {
    **{f"{name}, silent": (name, nothing) for name in RAW},
    "upper, much that nobody reads": ("upper", writes_much),
    "echo, much that nobody reads": ("echo", writes_much),
    "discard, some": ("discard", asks(b"x" * 100_000)),
    "chargen, some that is read": ("chargen", reads_some_of(b"x")),
    "silent": ("main", nothing),
    "half a request": ("main", asks(b"*2\r\n$3\r\nGE")),
    "an answer that nobody reads": ("main", asks_much(pack("GET", "small"))),
    "scans that nobody reads": ("main", asks_much(pack("SCAN", 0, "COUNT", 1000))),
    "an end after answers that nobody reads":
        ("main", asks(pack("GET", "small") * 1000, pack("QUIT"))),
    "an error after answers that nobody reads":
        ("main", asks(pack("GET", "small") * 1000, b"*x\r\n")),
    "a file that nobody reads": ("main", asks(pack("GET", "huge"))),
    "a file of which some is read": ("main", reads_some_of(pack("GET", "huge"))),
    "a file, and more asked than is read ahead":
        ("main", asks_much(pack("GET", "huge") + b"PING\r\n")),
    "a run": ("main", asks(pack("RUN", "sh", "exec sleep 1000"))),
    "a run, and requests behind it": ("main", asks(pack("RUN", "sh", "exec sleep 1000") * 3)),
    "a run, and more asked than is read ahead":
        ("main", asks(pack("RUN", "sh", "exec sleep 1000") * 2000)),
    "a run that waits for a place": ("main", asks(pack("RUN", "one", "exec sleep 1000"))),
    "a silent stream": ("main", asks(pack("STREAM", "sh", "exec sleep 1000"))),
    "a stream that nobody reads": ("main", asks(pack("STREAM", "sh", "exec yes"))),
    "a stream of which some is read": ("main", reads_some_of(pack("STREAM", "sh", "exec yes"))),
    "a pipe that gets nothing": ("main", asks(pack("PIPE", "sh", "exec cat"))),
    "a pipe, and half of its input":
        ("main", asks(pack("PIPE", "sh", "exec cat"), pack("INPUT", "abc")[:-3])),
    "a pipe of which nobody reads what comes back":
        ("main", asks(pack("PIPE", "sh", "exec cat"), pack("INPUT", bytes(1000)) * 150)),
    "a pipe that does not read":
        ("main", asks(pack("PIPE", "sh", "exec sleep 1000"), pack("INPUT", bytes(1000)) * 150)),
    "a pipe that has ended its input and reads no more":
        ("main", asks(pack("PIPE", "sh", "exec 0<&-; exec sleep 1000"),
                      pack("INPUT", bytes(1000)) * 150)),
    "a pipe, and requests behind it":
        ("main", asks(pack("PIPE", "sh", "exec sleep 1000"), b"PING\r\n" * 3)),
    "a pipe that waits for a place":
        ("main", asks(pack("PIPE", "one", "exec sleep 1000"), pack("INPUT", bytes(1000)) * 100)),
    "input that nothing takes": ("main", asks(pack("INPUT", bytes(1000)) * 150)),
    "a digest": ("main", asks(pack("SHA256", "huge"))),
    "digests, and requests behind them":
        ("main", asks(pack("SHA256", "huge"), pack("SHA256", "other"), b"PING\r\n")),
}


# What it does then.


def closes(sock):
    sock.close()


def resets(sock):
    if sock.family == socket.AF_UNIX:
        sock.close()
    else:
        reset(sock)


def shuts(how):
    return lambda sock: sock.shutdown(how)


def shuts_one_by_one(sock):
    sock.shutdown(socket.SHUT_RD)
    sock.shutdown(socket.SHUT_WR)


ACTIONS = [nothing, shuts(socket.SHUT_RD), shuts(socket.SHUT_WR), shuts(socket.SHUT_RDWR),
           shuts_one_by_one, closes, resets]


def sockets(server):
    return sum(name.startswith("socket:") for name in open_files(server.pid))


def busy(server, seconds):
    """The part of the time that it is busy for."""
    began, before = time.monotonic(), server.cpu()
    select.select([], [], [], seconds)
    return (server.cpu() - before) / (time.monotonic() - began)


def check_quiet(server, name):
    """Whatever it had to do at once is soon done, and then it has nothing to do."""
    part = 1
    end = time.monotonic() + (3 if SANITIZED else 1) * DEADLINE_S
    while part > 0.1 and time.monotonic() < end:
        part = busy(server, 0.3)
    assert part <= 0.1, f"{name}: busy for {part * 100:.0f} % of the time"


NO_QUEUE = ["prlimit", "--sigpending=0:0"]  # what happens on who is asleep is told of once for all


@pytest.mark.parametrize(
    "server, transport", [((), "tcp"), ((), "unix"), (NO_QUEUE, "tcp"), (NO_QUEUE, "unix")],
    ids=["tcp", "unix", "tcp, no queue", "unix, no queue"], indirect=["server"])
@pytest.mark.parametrize("name", SITUATIONS)
def test_who_does_anything_in_the_middle_of_anything_makes_nothing_spin(
        server, tmp_path, name, transport):
    """Some do it at once, the others when they have been asleep."""
    listener, do = SITUATIONS[name]
    where = listener if transport == "tcp" else tmp_path / listener
    before = sockets(server)
    with contextlib.ExitStack() as stack:
        holder = stack.enter_context(Client(server.connect("main")))
        holder.send(("RUN", "one", "exec sleep 1000"))
        wait_for(lambda: children(server.pid), "run that holds the place")
        socks = [stack.enter_context(server.connect(where)) for _ in range(2 * len(ACTIONS))]
        with ThreadPoolExecutor(len(socks)) as pool:
            list(pool.map(do, socks))
        for some in socks[::2], socks[1::2]:
            for sock, act in zip(some, ACTIONS):
                act(sock)
            check_quiet(server, name)
        with server.connect("upper") as sock:
            assert ask(sock, b"hello") == b"HELLO"
    wait_for(lambda: sockets(server) == before, "end of all connections")
    wait_for(lambda: not children(server.pid), "end of all commands")


# Who has only stopped sending, and who has gone.


def parse(data, count):
    """So many replies, and nothing behind them."""
    reader = object.__new__(Client)
    reader.file = io.BytesIO(data)
    replies = [reader.read() for _ in range(count)]
    assert reader.file.read() == b""
    return replies


def run_of(text, **differs):
    pairs = {"exit": 0, "signal": None, "timed_out": 0, "truncated": 0, "stdout": text,
             "stderr": b"", **differs}
    return [part for name, value in pairs.items() for part in (name.encode(), value)]


ANSWERS = {
    "a run": (b"RUN sh 'sleep 0.3; echo out'\r\n", [run_of(b"out\n")]),
    "a run that fails": (b"RUN sh 'sleep 0.3; exit 3'\r\n", [run_of(b"", exit=3)]),
    "a run of a program that is not there": (b"RUN none\r\n", ["ERR none: cannot be run: "]),
    "a run that is refused": (b"RUN sh\r\n", ["ERR 0 arguments where 1 "]),
    "runs one after the other":
        (b"RUN sh 'sleep 0.1; echo a'\r\nRUN one 'sleep 0.1; echo b'\r\nPING\r\n"
         b"RUN sh 'sleep 0.1; echo c'\r\n",
         [run_of(b"a\n"), run_of(b"b\n"), "PONG", run_of(b"c\n")]),
    "a stream": (b"STREAM sh 'sleep 0.1; echo a; sleep 0.3; echo b >&2'\r\n",
                 [[b"stdout", b"a\n"], [b"stderr", b"b\n"], [b"exit", 0]]),
    "a silent stream": (b"STREAM sh 'sleep 0.3; exit 4'\r\nPING\r\n", [[b"exit", 4], "PONG"]),
    "a digest": (b"SHA256 some\r\nSHA256 some\r\nSHA256 none\r\n",
                 [hashlib.sha256(bytes(1 << 24)).hexdigest().encode()] * 2 + [None]),
}


@pytest.mark.parametrize("transport", ["tcp", "unix"])
@pytest.mark.parametrize("name", ANSWERS)
def test_who_only_stops_sending_gets_the_whole_answer(server, root, tmp_path, name, transport):
    need("nc")
    with open(root / "some", "wb") as file:
        file.truncate(1 << 24)
    request, expected = ANSWERS[name]
    where = ["127.0.0.1", str(server.port())] if transport == "tcp" else ["-U", tmp_path / "main"]
    done = subprocess.run(
        ["nc", "-N", *where], input=request, capture_output=True, timeout=DEADLINE_S)
    said = done.stdout.replace(pack("stdout", ""), b"")  # that a stream goes on
    replies = parse(said, len(expected))
    for reply, wanted in zip(replies, expected):
        if isinstance(reply, Refusal):
            assert reply.startswith(wanted)
        elif isinstance(reply, list) and len(reply) == 14:
            assert reply[:12] == wanted
        else:
            assert reply == wanted


@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_who_stops_sending_and_waits_for_a_place_gets_the_whole_answer(
        server, tmp_path, transport):
    flag = tmp_path / "flag"
    holder = server.client()
    holder.send(("RUN", "one", waiting(flag)))
    wait_for(lambda: children(server.pid), "run that holds the place")
    with contextlib.ExitStack() as stack:
        where = "main" if transport == "tcp" else tmp_path / "main"
        socks = [stack.enter_context(server.connect(where)) for _ in range(5)]
        for sock in socks:
            sock.sendall(pack("RUN", "one", "sleep 0.05; echo out") * 2)
            sock.shutdown(socket.SHUT_WR)
        assert server.client()("PING") == "PONG"
        flag.touch()
        for sock in socks:
            for reply in parse(receive_all(sock), 2):
                assert reply[:12] == run_of(b"out\n")
    assert holder.read()[1] == 0


def check_stopped(server, most_ms=5000):
    """Nothing runs any more, nothing begins any more, and nothing has run for long."""
    def still():  # not only between one that ends and the next
        return not any(children(server.pid) for _ in range(100))

    wait_for(still, "end of all commands", timeout=8)
    times = [int(ms) for ms in re.findall(r"job command=\S+ .* ms=(\d+) ", server.log())]
    assert times and max(times) < most_ms


@pytest.mark.parametrize("transport", ["tcp", "unix"])
@pytest.mark.parametrize("name", ["sh", "one"])
def test_a_client_that_gives_up_and_asks_again_leaves_nothing_running(
        server, tmp_path, name, transport):
    redis = pytest.importorskip("redis")
    retry = pytest.importorskip("redis.retry").Retry(redis.backoff.NoBackoff(), 3)
    options = dict(socket_timeout=0.3, retry=retry, retry_on_timeout=True)
    if transport == "tcp":
        client = redis.Redis(port=server.port(), **options)
    else:
        client = redis.Redis(unix_socket_path=str(tmp_path / "main"), **options)
    with pytest.raises(redis.exceptions.TimeoutError):
        client.execute_command("RUN", name, "exec sleep 1000")
    check_stopped(server)
    client.close()


@pytest.mark.parametrize("leave", [closes, resets])
def test_who_leaves_while_waiting_for_a_place_is_not_run_for_long(server, leave):
    """Over TCP, who has gone looks like who has stopped sending until it is told something."""
    holder = server.client()
    holder.send(("RUN", "one", "exec sleep 1000"))
    wait_for(lambda: children(server.pid), "run that holds the place")
    socks = [server.connect() for _ in range(20)]
    for sock in socks:
        sock.sendall(pack("RUN", "one", "exec sleep 1000"))
    assert server.client()("PING") == "PONG"
    for sock in socks:
        leave(sock)
    holder.close()
    check_stopped(server)


def test_a_digest_that_fails_after_its_reply_has_begun_ends_the_connection_alone(server):
    with server.connect("main") as sock:
        sock.sendall(pack("SHA256", "huge"))
        sock.shutdown(socket.SHUT_WR)
        assert receive(sock, 5) == b"$64\r\n"
        (child,) = wait_for(lambda: children(server.pid), "digest")
        os.kill(child, signal.SIGKILL)
        assert receive_all(sock) == b""
    assert server.client()("PING") == "PONG"
