# SPDX-License-Identifier: MIT
"""Standard input of commands: all of it and its end, as slowly as the command reads, and never a
part that could be taken for the whole."""

import contextlib
import fcntl
import hashlib
import os
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
from conftest import DEADLINE_S, SANITIZED, fill, need, wait_for
from talk import Client, Refusal, children, is_refused, open_files, pack, talking  # noqa: F401
from test_commands import SHELL, config, no_children, stream, waiting
from test_pollcat import POLLCAT, noise, terminal  # noqa: F401
from test_pollcat_requests import Server, reply

END = ("INPUT",)
MARKS_END = "cat >/dev/null && touch {}/whole"
PIPE_BYTES = 65536  # that a pipe holds
MAX_OWED = 256 << 10


@pytest.fixture
def serve(pollard, talking, tmp_path):
    """A server with the commands sh, one (one at a time) and none (which takes no input), on a
    TCP and a UNIX socket."""
    def start(main=None, daemon=None, **keys):
        keys = {**SHELL, "max_input": "1G", **keys}
        listen = {"listen": f"tcp:127.0.0.1:0 unix:{tmp_path}/sock", "max_owed": MAX_OWED,
                  "idle_timeout": 0, "write_timeout": 0}
        server = talking(pollard(config(
            main={**listen, **(main or {})}, daemon=daemon or {},
            commands={"sh": keys, "one": {**keys, "max_running": 1}, "none": SHELL})))
        server.unix = str(tmp_path / "sock")
        return server

    return start


@pytest.fixture
def server(serve):
    return serve()


@pytest.fixture(params=["tcp", "unix"])
def where(request, tmp_path):
    return "main" if request.param == "tcp" else str(tmp_path / "sock")


def inputs(data, chunk=16384):
    return [("INPUT", data[at : at + chunk]) for at in range(0, len(data), chunk)]


def in_background(function, *arguments):
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


def payload(data):
    """The requests that give it, and its end."""
    return b"".join(pack(*words) for words in [*inputs(data), END])


def unread(sock):
    """Bytes that have come."""
    return struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, bytes(4)))[0]


def settled(measure, still=20):
    """What it measures once that has not changed for a while."""
    last = [measure()]

    def unchanged():
        last.append(measure())
        return len(last) > still and len(set(last[-still:])) == 1

    wait_for(unchanged, "end of changes")
    return last[-1]


# Whole


def test_a_command_gets_its_input_and_the_end_of_it(server, where):
    client = server.client(where)
    client.send(("PIPE", "sh", "cat; echo end"), ("INPUT", b"one\0\r\n"), ("INPUT", b"two"), END)
    assert stream(client) == (b"one\0\r\ntwoend\n", b"", [b"exit", 0])


def test_its_answers_come_while_it_still_gets_input(server, where):
    client = server.client(where)
    client.send(("PIPE", "sh", "cat; echo end >&2; exit 3"))
    for word in (b"one", b"two"):
        client.send(("INPUT", word))
        assert client.read() == [b"stdout", word]
    client.send(END)
    assert stream(client) == (b"", b"end\n", [b"exit", 3])


def test_a_request_behind_it_is_answered_behind_it(server, where):
    """All of it in one write."""
    client = server.client(where)
    client.send(("PING",), ("PIPE", "sh", "wc -c"), ("INPUT", b"12345"), END, ("ECHO", "a"),
                ("RUN", "sh", "cat"))
    assert client.read() == "PONG"
    assert stream(client) == (b"5\n", b"", [b"exit", 0])
    assert client.read() == b"a"
    assert client.read()[:2] == [b"exit", 0]


def test_bytes_one_by_one_are_the_same(server):
    client = server.client()
    for byte in pack("PIPE", "sh", "cat") + pack("INPUT", "a\r\n") + pack("INPUT") + b"PING\r\n":
        client.sock.sendall(bytes([byte]))
    assert stream(client) == (b"a\r\n", b"", [b"exit", 0])
    assert client.read() == "PONG"


@pytest.mark.parametrize("words", [(), ("",), ("", "")])
def test_input_of_no_length_is_its_end(server, words):
    client = server.client()
    client.send(("pipe", "sh", "cat; echo end"), ("input", "a", "", "b"), ("Input", *words))
    assert stream(client) == (b"abend\n", b"", [b"exit", 0])


@pytest.mark.parametrize("behind", [("PING",), ("RUN", "sh", "exit 1")])
def test_any_other_request_is_the_end_of_input(server, behind):
    client = server.client()
    client.send(("PIPE", "sh", "cat"), ("INPUT", "a"), behind, ("INPUT", "b"), END, ("ECHO", "c"))
    assert stream(client) == (b"a", b"", [b"exit", 0])
    assert client.read()[:2] in ("PO", [b"exit", 1])
    assert client.read() == b"c"


@pytest.mark.parametrize("words", [
    ("PIPE", "none", "cat"), ("PIPE", "nowhere"), ("PIPE", "sh"), ("PIPE",),
    ("RUN", "sh", "exit 1"), ("STREAM", "sh", "exit 0"), ("PING",)])
def test_input_that_nothing_takes_is_never_answered(server, words):
    client = server.client()
    client.send(words, ("INPUT", "a"), ("INPUT", "b", "c"), ("INPUT", ""), END, ("ECHO", "next"))
    assert client.read() is not None
    assert client.read() == b"next"


def test_a_command_without_max_input_is_refused_and_told_of_it(server):
    client = server.client()
    assert client("PIPE", "none", "cat") == Refusal(
        "ERR command 'none' takes no input: its max_input is 0")
    assert client.pairs("RUN", "none", "readlink /proc/self/fd/0")["stdout"] == b"/dev/null\n"


def test_run_and_stream_give_no_input(server):
    client = server.client()
    client.send(("RUN", "sh", "cat; readlink /proc/self/fd/0"), ("INPUT", "x"), END)
    assert client.read()[9] == b"/dev/null\n"
    client.send(("STREAM", "sh", "cat"), ("INPUT", "x"), END)
    assert stream(client) == (b"", b"", [b"exit", 0])


def test_who_asks_what_there_is_sees_which_take_input(server):
    assert [row[1] for row in server.client()("COMMANDS")] == [
        b"sh script < input", b"one script < input", b"none script"]


@pytest.mark.parametrize("chunk", [16384, 60_000, 1])
def test_much_input_arrives_byte_for_byte(server, where, chunk):
    size = 200_000 if chunk == 1 else (10 if SANITIZED else 50) << 20
    data = noise(size)
    client = server.client(where)
    client.send(("PIPE", "sh", "sha256sum"), *inputs(data, chunk), END)
    expected = hashlib.sha256(data).hexdigest().encode() + b"  -\n"
    assert stream(client) == (expected, b"", [b"exit", 0])


def test_a_long_input_in_one_request_passes_where_less_is_read_ahead(serve):
    server = serve(main={"max_request": "2M", "max_owed": "4k"})
    data = noise((2 << 20) - 100)
    client = server.client()
    client.send(("PIPE", "sh", "sleep 0.2; sha256sum"), ("INPUT", data), END)
    expected = hashlib.sha256(data).hexdigest().encode() + b"  -\n"
    assert stream(client) == (expected, b"", [b"exit", 0])


def test_both_directions_at_once_with_a_slow_reader(server, where):
    data = noise(8 << 20)
    client = server.client(where)
    writer = in_background(lambda: client.send(("PIPE", "sh", "cat"), *inputs(data), END))
    got = bytearray()
    for n in range(10**9):
        if n < 50:
            select.select([], [], [], 0.01)
        reply = client.read()
        if reply[0] != b"stdout":
            break
        got += reply[1]
    writer.join(DEADLINE_S)
    assert (got == data, reply) == (True, [b"exit", 0])


def test_a_command_may_say_much_before_it_reads(server, where):
    """A caller who reads as it writes is never stuck."""
    client = server.client(where)
    data = noise(1 << 20)
    writer = in_background(lambda: client.send(
        ("PIPE", "sh", "seq 300000; sha256sum"), *inputs(data), END))
    expected = "".join(f"{n}\n" for n in range(1, 300_001)) + hashlib.sha256(data).hexdigest()
    assert stream(client) == (expected.encode() + b"  -\n", b"", [b"exit", 0])
    writer.join(DEADLINE_S)


def test_a_client_of_redis_can_do_it(server, where):
    redis = pytest.importorskip("redis")
    options = {"port": server.port()} if where == "main" else {"unix_socket_path": where}
    client = redis.Redis(**options, single_connection_client=True)
    connection = client.connection
    connection.send_command("PIPE", "sh", "tr a-z A-Z")
    for data in b"hello ", b"world", b"":
        connection.send_command("INPUT", data)
    parts = []
    while (reply := connection.read_response())[0] == b"stdout":
        parts.append(reply[1])
    assert (b"".join(parts), reply) == (b"HELLO WORLD", [b"exit", 0])
    assert client.ping()
    client.close()


# As slowly as the command reads


def test_a_command_that_does_not_read_bounds_what_is_taken_and_costs_nothing(server, where):
    client, other = server.client(where), server.client()
    client.send(("PIPE", "sh", "echo on; exec sleep 1000"))
    assert client.read() == [b"stdout", b"on\n"]
    before = server.rss()
    sent = fill(client.sock, payload(bytes(32 << 20)))
    # pipe, one request, what is read ahead in at most twice the memory, and two sockets
    assert sent < 16 << 20
    assert sent > PIPE_BYTES + MAX_OWED
    if not SANITIZED:
        assert server.rss() - before < 2048
    began, busy = time.monotonic(), server.cpu()
    select.select([], [], [], 1)
    assert (server.cpu() - busy) / (time.monotonic() - began) < 0.1
    assert other("PING") == "PONG"
    client.reset()
    no_children(server)


def test_a_command_that_reads_late_gets_all(server, where, tmp_path):
    data = noise(4 << 20)
    client = server.client(where)
    client.send(("PIPE", "sh", f"{waiting(tmp_path / 'go')}; sha256sum"))
    sent = fill(client.sock, payload(data))
    assert PIPE_BYTES + MAX_OWED < sent
    (tmp_path / "go").touch()
    writer = in_background(client.sock.sendall, payload(data)[sent:])
    expected = hashlib.sha256(data).hexdigest().encode() + b"  -\n"
    assert stream(client) == (expected, b"", [b"exit", 0])
    writer.join(DEADLINE_S)


@pytest.mark.parametrize("script", [
    "head -c 10 | wc -c", "exec 0<&-; sleep 0.3; echo 10", "echo 10"])
def test_a_command_may_end_its_input_early_however_much_comes(server, where, script):
    """Who writes all before it reads is not stuck, either."""
    client = server.client(where)
    client.send(("PIPE", "sh", script), *inputs(bytes(32 << 20)), END, ("PING",))
    assert stream(client) == (b"10\n", b"", [b"exit", 0])
    assert client.read() == "PONG"


def test_input_is_thrown_away_when_a_command_has_ended_that_is_not_read_from(server, tmp_path):
    """It has said more than goes out, a runaway holds its input open, and its caller writes all
    before it reads."""
    client = server.client()
    runaway = f"setsid sh -c 'echo $$ >{tmp_path}/pid; exec sleep 1000' <&3 >/dev/null 2>&1"
    try:
        client.send(("PIPE", "sh", f"exec 3<&0; {runaway} & {waiting(tmp_path / 'pid')}; "
                     f"head -c 30000000 /dev/zero & {waiting(tmp_path / 'go')}; exit 0"))
        wait_for(lambda: unread(client.sock) > 0, "output")
        settled(lambda: unread(client.sock))
        data = payload(bytes(32 << 20))
        sent = fill(client.sock, data)
        assert sent < len(data)
        (tmp_path / "go").touch()
        client.sock.sendall(data[sent:] + b"PING\r\n")
        out, _, end = stream(client)
        assert set(out) <= {0} and end == [b"exit", 0]
        assert client.read() == "PONG"
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_input_waits_with_who_waits_for_a_place(server, where, tmp_path):
    holder, client, other = server.client(), server.client(where), server.client()
    holder.send(("RUN", "one", waiting(tmp_path / "go")))
    wait_for(lambda: children(server.pid), "run that holds the place")
    data = noise(24 << 20)  # more than all buffers between us
    client.send(("PIPE", "one", "sha256sum"))
    sent = fill(client.sock, payload(data))
    assert MAX_OWED < sent < len(data)
    assert other("PING") == "PONG"
    (tmp_path / "go").touch()
    writer = in_background(client.sock.sendall, payload(data)[sent:] + b"PING\r\n")
    expected = hashlib.sha256(data).hexdigest().encode() + b"  -\n"
    assert stream(client) == (expected, b"", [b"exit", 0])
    assert client.read() == "PONG"
    writer.join(DEADLINE_S)


def test_who_waited_is_judged_by_the_configuration_of_then(serve, tmp_path):
    server = serve()
    holder, client = server.client(), server.client()
    holder.send(("RUN", "one", waiting(tmp_path / "go")))
    wait_for(lambda: children(server.pid), "run that holds the place")
    client.send(("PIPE", "one", "cat"), ("INPUT", "a"), END, ("PING",))
    text = Path(server.path).read_text()
    server.reload(text.replace("max_input = 1G", "max_input = 0"))
    server.wait_log("reload")
    wait_for(lambda: server.client()("PIPE", "sh", "cat").startswith("ERR"), "reload")
    (tmp_path / "go").touch()
    assert is_refused(client.read())
    assert client.read() == "PONG"


# Too much


@pytest.mark.parametrize("sizes", [[1001], [1000, 1], [500, 500, 500], [10_000_000]])
def test_more_than_max_input_stops_the_command_with_an_error(serve, where, tmp_path, sizes):
    server = serve(max_input=1000)
    client = server.client(where)
    requests = [each for size in sizes for each in inputs(bytes(size), 60_000)]
    client.send(("PIPE", "sh", MARKS_END.format(tmp_path)), *requests, END, ("PING",))
    out, err, end = stream(client)
    assert end == Refusal("ERR sh: more input than its max_input, 1000 bytes")
    assert client.read() == "PONG"
    assert not (tmp_path / "whole").exists()
    no_children(server)
    server.wait_log("too_much_input command=sh")


def test_a_command_that_is_stopped_for_too_much_gets_no_more_and_no_end(serve, tmp_path):
    client = serve(max_input=1000).client()
    client.send(("PIPE", "sh", "trap '' TERM; echo on; cat && echo whole"), ("INPUT", "a"))
    out = b""
    while out != b"on\na":
        out += client.read()[1]
    client.send(("INPUT", bytes(1000)), ("INPUT", "b"), END, ("PING",))
    out, err, end = stream(client)
    assert (out, err, is_refused(end), client.read()) == (b"", b"", True, "PONG")


def test_what_a_command_does_not_take_is_not_too_much(serve, tmp_path):
    client = serve(max_input=20_000).client()
    client.send(("PIPE", "sh", f"exec 0<&-; echo closed; {waiting(tmp_path / 'go')}"))
    assert client.read() == [b"stdout", b"closed\n"]
    client.send(*inputs(bytes(1 << 20)))
    (tmp_path / "go").touch()
    client.send(*inputs(bytes(1 << 20)), END, ("PING",))
    assert stream(client) == (b"", b"", [b"exit", 0])
    assert client.read() == "PONG"


def test_max_input_may_be_used_up(serve):
    client = serve(max_input=1000).client()
    client.send(("PIPE", "sh", "wc -c"), ("INPUT", bytes(999)), ("INPUT", "x"), END)
    assert stream(client) == (b"1000\n", b"", [b"exit", 0])


def test_too_much_is_an_error_also_for_who_has_stopped_sending(serve, where):
    client = serve(max_input=1000).client(where)
    client.send(("PIPE", "sh", "sleep 0.3; cat"), *inputs(bytes(10_000), 500), END, ("PING",))
    client.sock.shutdown(socket.SHUT_WR)
    assert is_refused(stream(client)[2])
    assert client.read() == "PONG"
    assert client.ended()


# Who stops sending, and who has gone


def test_who_stops_sending_has_ended_its_input(server, where):
    client = server.client(where)
    client.send(("PIPE", "sh", "cat; sleep 0.2; echo end"), ("INPUT", "a"))
    client.sock.shutdown(socket.SHUT_WR)
    assert stream(client) == (b"aend\n", b"", [b"exit", 0])
    assert client.ended()


def test_nc_can_do_it(server, where):
    need("nc")
    address = ["127.0.0.1", str(server.port())] if where == "main" else ["-U", where]
    data = b"PIPE sh 'tr a-z A-Z; sleep 0.2'\r\n" + b'INPUT "a b" c\r\n' * 1000
    done = subprocess.run(["nc", "-N", *address], input=data, capture_output=True,
                          timeout=DEADLINE_S)
    parts = re.findall(rb"\*2\r\n\$6\r\nstdout\r\n\$\d+\r\n(.*?)\r\n(?=[*])", done.stdout)
    assert b"".join(parts) == b"A BC" * 1000
    assert done.stdout.endswith(b"*2\r\n$4\r\nexit\r\n:0\r\n")


@pytest.mark.parametrize("tail", [b"", pack("INPUT", "abc")[:-4]])
@pytest.mark.parametrize("on_disconnect, stubborn, ended_by", [
    ("stop", "", "TERM"), ("continue", "", "TERM"), ("continue", "trap '' TERM; ", "KILL")])
def test_who_breaks_off_has_its_command_stopped_without_an_end_of_input(
        serve, where, tmp_path, on_disconnect, stubborn, ended_by, tail):
    server = serve(on_disconnect=on_disconnect)
    client = server.client(where)
    script = f"{stubborn}echo on; {MARKS_END.format(tmp_path)}"
    client.send(("PIPE", "sh", script), ("INPUT", "a"))
    assert client.read() == [b"stdout", b"on\n"]
    client.sock.sendall(tail)
    if where == "main":
        client.reset()
    else:
        client.close()
    no_children(server)
    assert not (tmp_path / "whole").exists()
    assert f"signal={ended_by}" in server.wait_log("job command=sh")


def test_half_a_request_is_not_the_end_of_input(server, where, tmp_path):
    client = server.client(where)
    client.send(("PIPE", "sh", MARKS_END.format(tmp_path)))
    client.sock.sendall(pack("INPUT", "abc")[:-4])
    client.sock.shutdown(socket.SHUT_WR)
    assert stream(client)[2] == Refusal(
        "ERR Protocol error: the connection ends within a request")
    assert client.ended()
    no_children(server)
    assert not (tmp_path / "whole").exists()


@pytest.mark.parametrize("garbage, reason", [
    (b"*x\r\n", "invalid multibulk length"),
    (b"*2\r\n$5\r\nINPUT\r\n$65530\r\n", "the request is too long")])
def test_what_is_no_request_is_not_the_end_of_input(server, where, tmp_path, garbage, reason):
    client = server.client(where)
    client.send(("PIPE", "sh", MARKS_END.format(tmp_path)), ("INPUT", "a"))
    client.sock.sendall(garbage)
    assert stream(client)[2] == Refusal(f"ERR Protocol error: {reason}")
    assert client.ended()
    no_children(server)
    assert not (tmp_path / "whole").exists()


def test_who_has_gone_is_noticed_by_a_command_that_does_not_read(server):
    """It looks like one who has only stopped sending, until something is said."""
    client = server.client()
    client.send(("PIPE", "sh", "exec sleep 1000"), *inputs(bytes(100_000)))
    wait_for(lambda: children(server.pid), "command")
    client.close()
    no_children(server)


def test_a_command_whose_input_has_ended_may_go_on_without_its_caller(serve, tmp_path):
    server = serve(on_disconnect="continue")
    client = server.client()
    client.send(("PIPE", "sh", f"cat; {waiting(tmp_path / 'go')}; touch {tmp_path}/whole"),
                ("INPUT", "a"), END)
    assert client.read() == [b"stdout", b"a"]
    settle = server.client()
    assert settle("PING") == "PONG"
    client.reset()
    wait_for(lambda: settle("PING") and "reason=reset" in server.log(), "end of the connection")
    (tmp_path / "go").touch()
    wait_for((tmp_path / "whole").exists, "end of the command")
    assert "exit=0" in server.wait_log("job command=sh")


def test_its_time_goes_on_while_it_waits_for_input(serve, where):
    client = serve(timeout="1s").client(where)
    client.send(("PIPE", "sh", "exec cat"), ("INPUT", "a"))
    assert stream(client) == (b"a", b"", [b"signal", b"TERM", b"timed_out"])
    client.send(("INPUT", "b"), END, ("PING",))
    assert client.read() == "PONG"


def test_a_drain_waits_for_the_rest_of_the_input(server, where):
    client, idle = server.client(where), server.client()
    client.send(("PIPE", "sh", "cat; echo end"), ("INPUT", "a"))
    assert client.read() == [b"stdout", b"a"]
    server.signal(signal.SIGTERM)
    assert idle.ended()
    data = noise(1 << 20)
    writer = in_background(lambda: client.send(*inputs(data), END))
    assert stream(client) == (data + b"end\n", b"", [b"exit", 0])
    writer.join(DEADLINE_S)
    assert client.ended()
    client.close()
    assert server.wait() == 0


def test_many_at_once_do_not_see_each_others_input(server):
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(server.connect("main"))) for _ in range(4)]
        data = [noise(300_000 + n) for n in range(4)]
        for client, each in zip(clients, data):
            client.send(("PIPE", "sh", "sha256sum"), *inputs(each, 1000), END)
        for client, each in zip(clients, data):
            assert stream(client)[0].startswith(hashlib.sha256(each).hexdigest().encode())
    before = len(open_files(server.pid))
    client = server.client()
    client.send(("PIPE", "sh", "true"), END)
    stream(client)
    client.close()
    wait_for(lambda: len(open_files(server.pid)) <= before, "end of all descriptors")


# pollcat


@pytest.fixture
def pollcat(server, where):
    if not os.access(POLLCAT, os.X_OK):
        pytest.skip(f"{POLLCAT} is not built")
    return [POLLCAT, f"127.0.0.1:{server.port()}" if where == "main" else f"unix:{where}", "run"]


def outcome(done):
    return done.returncode, done.stdout, done.stderr


def test_pollcat_sends_its_input_and_passes_both_outputs_on(pollcat):
    data = noise((10 if SANITIZED else 50) << 20)
    done = subprocess.run([*pollcat, "--stdin", "sh", "tee /dev/stderr | sha256sum; exit 4"],
                          input=data, capture_output=True, timeout=3 * DEADLINE_S)
    assert outcome(done) == (4, hashlib.sha256(data).hexdigest().encode() + b"  -\n", data)


def test_pollcat_without_the_option_reads_nothing(pollcat):
    read, write = os.pipe()
    with open(read) as stdin:
        os.write(write, b"for somebody else\n")
        os.close(write)
        done = subprocess.run([*pollcat, "sh", "cat; echo end"], stdin=stdin, capture_output=True,
                              timeout=DEADLINE_S)
        assert outcome(done) == (0, b"end\n", b"")
        assert stdin.read() == "for somebody else\n"


@pytest.mark.parametrize("script", ["head -c 10 | wc -c", "echo 10"])
def test_pollcat_ends_with_the_command_whatever_its_input_does(pollcat, script):
    for silent in True, False:
        with subprocess.Popen([*pollcat, "--stdin", "sh", script], bufsize=0,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as client:
            with contextlib.suppress(BrokenPipeError):
                client.stdin.write(bytes(20))
                while not silent and client.poll() is None:
                    client.stdin.write(bytes(1 << 20))
            assert client.wait(DEADLINE_S) == 0
            assert (client.stdout.read(), client.stderr.read()) == (b"10\n", b"")


def test_pollcat_is_interactive(pollcat):
    with subprocess.Popen([*pollcat, "--stdin", "sh", "exec cat"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as client:
        for word in b"one\n", b"two\n":
            os.write(client.stdin.fileno(), word)
            assert os.read(client.stdout.fileno(), 100) == word
        client.stdin.close()
        assert client.wait(DEADLINE_S) == 0


def test_pollcat_does_not_count_silence_while_there_is_no_input(serve):
    server = serve()
    with subprocess.Popen([POLLCAT, "-t", "300ms", f"unix:{server.unix}", "run", "--stdin", "sh",
                           "read x; echo $x; exec sleep 1000"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as client:
        assert not select.select([client.stdout, client.stderr], [], [], 1)[0]
        client.stdin.write(b"one\n")
        client.stdin.flush()
        assert os.read(client.stdout.fileno(), 100) == b"one\n"
        assert not select.select([client.stdout, client.stderr], [], [], 1)[0]
        client.stdin.close()
        assert client.wait(DEADLINE_S) == 255
        assert client.stderr.read() == b"pollcat: no answer\n"
    no_children(server)


def test_pollcat_counts_the_silence_of_who_takes_no_input(serve):
    server = serve()
    with subprocess.Popen([POLLCAT, "-t", "300ms", f"unix:{server.unix}", "run", "--stdin", "sh",
                           "exec sleep 1000"], stdin=subprocess.PIPE,
                          stderr=subprocess.PIPE) as client:
        with contextlib.suppress(BrokenPipeError):
            client.stdin.write(bytes(32 << 20))
        assert client.wait(DEADLINE_S) == 255
        assert client.stderr.read() == b"pollcat: no answer\n"
        with contextlib.suppress(BrokenPipeError):
            client.stdin.close()
    no_children(server)


def test_pollcat_reads_no_more_than_is_taken(pollcat, server):
    with subprocess.Popen([*pollcat, "--stdin", "sh", "exec sleep 1000"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as client:
        os.set_blocking(client.stdin.fileno(), False)
        written = [0]

        def write():
            with contextlib.suppress(BlockingIOError):
                while True:
                    written[0] += os.write(client.stdin.fileno(), bytes(65536))
            return written[0]

        assert PIPE_BYTES < settled(write, still=50) < 16 << 20
        rss = int(re.search(r"VmRSS:\s+(\d+)",
                            Path(f"/proc/{client.pid}/status").read_text())[1])
        assert SANITIZED or rss < 16 << 10
        client.terminate()
        client.stdin.close()
    no_children(server)


def test_pollcat_says_much_before_it_is_read(pollcat):
    """The command writes before it reads; pollcat does both at once."""
    data = noise(2 << 20)
    done = subprocess.run([*pollcat, "--stdin", "sh", "seq 300000; sha256sum"], input=data,
                          capture_output=True, timeout=DEADLINE_S)
    expected = "".join(f"{n}\n" for n in range(1, 300_001)) + hashlib.sha256(data).hexdigest()
    assert outcome(done) == (0, expected.encode() + b"  -\n", b"")


def test_pollcat_that_is_interrupted_stops_the_command(pollcat, server, tmp_path):
    with subprocess.Popen(
            ["env", "--default-signal", *pollcat, "--stdin", "sh",
             "echo on; " + MARKS_END.format(tmp_path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        client.stdin.write(b"a part")
        client.stdin.flush()
        assert os.read(client.stdout.fileno(), 100) == b"on\n"
        client.send_signal(signal.SIGINT)
        assert client.wait(DEADLINE_S) == -signal.SIGINT
    no_children(server)
    assert not (tmp_path / "whole").exists()


def test_pollcat_tells_what_is_refused(serve, tmp_path):
    server = serve(max_input=1000)
    for words, reason in ((["none", "cat"], b"ERR command 'none' takes no input: "),
                          (["sh", "cat >/dev/null"], b"ERR sh: more input than its max_input")):
        done = subprocess.run([POLLCAT, f"unix:{server.unix}", "run", "--stdin", *words],
                              input=bytes(1 << 20), capture_output=True, timeout=DEADLINE_S)
        assert (done.returncode, done.stdout) == (255, b"")
        assert done.stderr.startswith(b"pollcat: " + reason)


def test_pollcat_tells_that_its_input_cannot_be_read(pollcat, server, tmp_path):
    folder = os.open(tmp_path, os.O_RDONLY)
    done = subprocess.run([*pollcat, "--stdin", "sh", MARKS_END.format(tmp_path)], stdin=folder,
                          capture_output=True, timeout=DEADLINE_S)
    os.close(folder)
    assert outcome(done) == (255, b"", b"pollcat: standard input: Is a directory\n")
    no_children(server)
    assert not (tmp_path / "whole").exists()


def test_pollcat_takes_what_is_typed_and_ctrl_d(pollcat, terminal):  # noqa: F811
    it = terminal(*pollcat[1:], "--stdin", "sh", "cat; echo end; exit 3")
    it.type("hello\n")
    it.expect("hello\r\nhello\r\n")
    it.type("\x04")
    it.expect("end\r\n")
    assert it.wait() == 3


def test_pollcat_takes_the_option_before_the_name_only(pollcat):
    done = subprocess.run([*pollcat, "sh", "--stdin"], input=b"x", capture_output=True,
                          timeout=DEADLINE_S)
    assert done.returncode == 255 and b"'--stdin'" not in done.stdout
    assert b"sh: script: " in done.stderr
    done = subprocess.run([*pollcat, "--stdin"], capture_output=True, timeout=DEADLINE_S)
    assert outcome(done) == (
        2, b"", b"pollcat: usage: pollcat ADDRESS run [OPTION...] NAME [ARG...]; --help tells more\n")
    done = subprocess.run([*pollcat, "--stdin", "--", "sh", "cat"], input=b"x",
                          capture_output=True, timeout=DEADLINE_S)
    assert outcome(done) == (0, b"x", b"")


def test_pollcat_sends_one_end_of_its_input_and_nothing_after(tmp_path):
    def answer(session, *words):
        if words == ("INPUT", ""):
            select.select([], [], [], 0.2)  # for what must not come
            return reply(["stdout", "x"]) + reply(["exit", 0])

    fake = Server(answer)
    done = subprocess.run([POLLCAT, fake.address, "run", "--stdin", "x", "y"], input=b"a\n" * 10,
                          capture_output=True, timeout=DEADLINE_S)
    assert outcome(done) == (0, b"x", b"")
    assert fake.wait_end() == "eof"
    assert fake.requests == [["PIPE", "x", "y"], ["INPUT", "a\n" * 10], ["INPUT", ""]]
    fake.close()
