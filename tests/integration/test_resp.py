# SPDX-License-Identifier: MIT
"""The protocol resp: requests however they are cut, and the clients of Redis."""

import os
import random
import re
import select
import socket
import subprocess
import termios
import threading

import pytest
from conftest import DEADLINE_S, SANITIZED, fill, ini, need, receive, receive_all
from talk import Refusal, is_refused, pack, talking

BIG = random.Random(7).randbytes(3_000_000)
OWNED = ["PING", "ECHO", "QUIT", "HELLO", "AUTH", "SELECT", "READONLY", "READWRITE", "INFO",
         "COMMAND", "CLIENT", "CONFIG"]
FILES = ["GET", "GETRANGE", "STRLEN", "EXISTS", "STAT", "SCAN", "SHA256"]
COMMANDS = ["COMMANDS", "RUN", "STREAM", "START", "NEWS", "PIPE", "INPUT"]


@pytest.fixture
def serve(pollard, talking, tmp_path):
    """serve(services="upper files") starts one with a small and a big file, and a command."""
    root = tmp_path / "root"

    def start(more=None, **main):
        root.mkdir()
        (root / "small").write_bytes(b"content")
        (root / "page").write_bytes(BIG[:30_000])
        (root / "big").write_bytes(BIG)
        common = {"protocol": "resp", "services": "upper files commands", "allow": "127.0.0.1"}
        sections = {"main": {**common, **main}, **(more or {})}
        text = ini(**sections)
        services = " ".join(keys["services"] for keys in sections.values())
        if "files" in services:
            text += f"[service files]\nroot = {root}\n"
        if "commands" in services:
            text += "[command id]\nexec = /bin/echo {what}\narg.what = regex .*\n"
            text += "[command closed]\nexec = /bin/true\nallow = 192.0.2.1\n"
        return talking(pollard(text))

    return start


@pytest.fixture
def client(serve):
    return serve().client()


# However requests are cut


MIXED = [("PING",), ("PING", "a b"), ("upper", b"\0\r\n$5\xffz"), ("ECHO", ""), ("GET", "small"),
         ("GET", "none"), ("NONSENSE", "x" * 100), ("RUN", "id", "it"), ("STRLEN", "small"),
         ("SCAN", "x"), ("ECHO", b"*1\r\n$4\r\nPING\r\n")]
BYTES = (b"".join(pack(*words) for words in MIXED) + b"PING\r\nECHO 'a b'\n*0\r\n\r\n*-1\r\n"
         + pack("ECHO", "end"))


def check_mixed(client):
    assert client.read() == "PONG"
    assert client.read() == b"a b"
    assert client.read() == b"\0\r\n$5\xffZ"
    assert client.read() == b""
    assert client.read() == b"content"
    assert client.read() is None
    assert is_refused(client.read())
    assert client.read()[9] == b"it\n"
    assert client.read() == 7
    assert is_refused(client.read())
    assert client.read() == b"*1\r\n$4\r\nPING\r\n"
    assert client.read() == "PONG"
    assert client.read() == b"a b"
    assert client.read() == b"end"


def test_requests_cut_in_two_at_every_byte_are_answered_alike(serve):
    server = serve()
    client, other = server.client(), server.client()
    for at in range(1, len(BYTES)):
        client.sock.sendall(BYTES[:at])
        assert other("PING") == "PONG"  # by now the first part has arrived
        client.sock.sendall(BYTES[at:])
        check_mixed(client)


def test_requests_that_come_byte_by_byte_are_answered_alike(serve):
    server = serve()
    client, other = server.client(), server.client()
    for at in range(len(BYTES)):
        client.sock.sendall(BYTES[at : at + 1])
        assert other("PING") == "PONG"
    check_mixed(client)


def test_many_requests_in_one_write_are_answered_alike(client):
    client.sock.sendall(BYTES * 50)
    for _ in range(50):
        check_mixed(client)


def test_requests_after_which_nothing_more_comes_are_answered(client):
    client.sock.sendall(BYTES)
    client.sock.shutdown(socket.SHUT_WR)
    check_mixed(client)
    assert client.ended()


def test_half_a_request_is_not_answered(client):
    client.sock.sendall(b"PING\r\n" + pack("ECHO", "half")[:-1])
    client.sock.shutdown(socket.SHUT_WR)
    assert client.read() == "PONG"
    assert client.ended()


@pytest.mark.parametrize(
    "line, words",
    [(b"ECHO a", b"a"), (b"  ECHO   a  ", b"a"), (b"echo\ta", b"a"), (b'ECHO "a b"', b"a b"),
     (rb'ECHO "\x00\r\n\"\\"', b'\0\r\n"\\'), (rb"ECHO 'a\'b\n'", rb"a'b\n"), (b"ECHO ''", b""),
     (b"ECHO \xff\xfe", b"\xff\xfe"), (b"ECHO $5", b"$5"), (b'"ECHO" a', b"a")])
def test_a_line_of_words_is_a_request(client, line, words):
    for end in (b"\r\n", b"\n"):
        client.sock.sendall(line + end)
        assert client.read() == words


# What is malformed


@pytest.mark.parametrize(
    "data",
    [b"*x\r\n", b"*\r\n", b"* 1\r\n", b"*+1\r\n", b"*01\r\n", b"*1x\r\n", b"*1\r$",
     b"*1\n$4\r\nPING\r\n", b"*99999999999999999999\r\n", b"*2147483648\r\n",
     b"*1\r\n+PING\r\n", b"*1\r\nPING\r\n", b"*1\r\n:4\r\n", b"*1\r\n*1\r\n$4\r\nPING\r\n",
     b"*1\r\n$x\r\n", b"*1\r\n$\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$04\r\nPING\r\n",
     b"*1\r\n$4\nPING\r\n",
     b"*1\r\n$99999999999999999999\r\n", b"*1\r\n$4294967300\r\n", b"*1\r\n$4\r\nPINGxx",
     b"*1\r\n$4\r\nPING\n\n", b"*2\r\n$4\r\nPING\r\n\r\n", b'ECHO "a\r\n', b"ECHO 'a\r\n",
     b'ECHO "a"b\r\n', pytest.param(b"x" * 70_000, id="long")])
def test_what_is_malformed_gets_one_error_and_the_end(serve, data):
    server = serve()
    client = server.client()
    client.sock.sendall(pack("ECHO", "before") + data + pack("PING") * 3)
    assert client.read() == b"before"
    reply = client.read()
    assert isinstance(reply, Refusal) and reply.startswith("ERR Protocol error: "), reply
    assert client.ended()
    client.close()
    server.wait_log("reason=error")
    assert server.client()("PING") == "PONG"


@pytest.mark.parametrize(
    "data", [b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"post /\r\n", b"Host: localhost\r\n",
             b"HOST: x\r\n", b"host:\r\n", b'POST "unbalanced\r\n'])
def test_a_browser_is_hung_up_on_at_once(serve, data):
    server = serve()
    client = server.client()
    client.sock.sendall(data + pack("PING"))
    try:
        assert receive_all(client.sock) == b""
    except ConnectionResetError:
        pass
    server.wait_log("reason=error")


def test_what_a_browser_smuggles_is_not_run(serve):
    client = serve().client()
    client.sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + pack("ECHO", "smuggled"))
    try:
        assert b"smuggled" not in receive_all(client.sock)
    except ConnectionResetError:
        pass


# How much


def test_a_request_of_max_request_is_answered_and_a_longer_one_ends(serve):
    server = serve(max_request=1000)
    client = server.client()
    rest = len(pack("ECHO", "x" * 500)) - 500
    word = b"x" * (1000 - rest)
    for _ in range(3):
        assert client("ECHO", word) == word
    client.send(("ECHO", word), ("ECHO", word + b"x"), ("PING",))
    assert client.read() == word
    assert is_refused(client.read(), "ERR Protocol error:")
    assert client.ended()


def test_a_length_that_is_too_much_is_refused_before_the_body_comes(serve):
    client = serve(max_request=1000).client()
    client.sock.sendall(b"*2\r\n$4\r\nECHO\r\n$1000\r\n")
    assert is_refused(client.read(), "ERR Protocol error:")
    assert client.ended()


def test_max_request_is_for_lines_too(serve):
    client = serve(max_request=1000).client()
    client.sock.sendall(b"ECHO " + b"x" * 993 + b"\r\n")
    assert client.read() == b"x" * 993
    client.sock.sendall(b"ECHO " + b"x" * 994 + b"\r\n")
    assert is_refused(client.read(), "ERR Protocol error:")
    assert client.ended()


def test_a_request_of_many_megabytes_is_answered(serve):
    client = serve(max_request="16M").client()
    word = random.Random(3).randbytes(12 << 20)
    writer = threading.Thread(target=client.send, args=(("ECHO", word), ("PING",)))
    writer.start()
    assert client.read() == word
    assert client.read() == "PONG"
    writer.join()


@pytest.mark.parametrize("form", [pack, lambda *words: " ".join(words).encode() + b"\r\n"])
def test_a_request_has_1024_words_and_no_more(serve, form):
    client = serve().client()
    client.sock.sendall(form("EXISTS", *["small"] * 1023))
    assert client.read() == 1023
    client.sock.sendall(form("EXISTS", *["small"] * 1024))
    assert client.read() == "ERR Protocol error: too many arguments"
    assert client.ended()


# Order, and memory


def test_a_pipeline_is_answered_in_order(client):
    client.send(*[("ECHO", n) for n in range(20_000)])
    for n in range(20_000):
        assert client.read() == b"%d" % n


def test_a_big_file_in_the_middle_of_a_pipeline_stays_there(client):
    turns = 10
    client.send(*[("ECHO", "a"), ("GET", "big"), ("ECHO", "b"), ("GETRANGE", "big", 5, 99_999),
                  ("RUN", "id", "c")] * turns)
    for _ in range(turns):
        assert client.read() == b"a"
        assert client.read() == BIG
        assert client.read() == b"b"
        assert client.read() == BIG[5:100_000]
        assert client.read()[9] == b"c\n"


@pytest.mark.parametrize(
    "words, reply", [(("PING",), b"+PONG\r\n"), (("GET", "small"), b"$7\r\ncontent\r\n")])
def test_a_hundred_thousand_requests_of_a_late_reader_cost_no_memory(serve, words, reply):
    count = 100_000
    server = serve(max_owed="64k")
    with server.connect() as sock:
        sock.sendall(pack(*words) * 2000)
        assert receive(sock, 2000 * len(reply)) == reply * 2000  # what is needed once is there now
        before = server.rss()
        data = pack(*words) * count
        sent = fill(sock, data)
        most = server.rss()
        writer = threading.Thread(target=sock.sendall, args=(memoryview(data)[sent:],))
        writer.start()
        for _ in range(100):
            assert receive(sock, count // 100 * len(reply)) == reply * (count // 100)
            most = max(most, server.rss())
        writer.join(DEADLINE_S)
    if not SANITIZED:
        assert most - before < 1024


@pytest.mark.parametrize("name", ["page", "big"])
def test_who_asks_for_megabytes_and_never_reads_is_read_no_further(serve, name):
    server = serve(max_owed="64k")
    client, other = server.client(), server.client()
    before = server.rss()
    data = pack("GET", name) * 1_000_000
    assert fill(client.sock, data) < len(data), "all of it was read"
    assert other("PING") == "PONG"
    if not SANITIZED:
        assert server.rss() - before < 1024


# Verbs


@pytest.mark.parametrize(
    "services, there",
    [("upper", ["UPPER"]), ("files", FILES), ("commands", COMMANDS),
     ("echo", []), ("upper files commands", ["UPPER", *FILES, *COMMANDS])])
def test_a_listener_offers_the_verbs_of_its_services_and_no_others(serve, services, there):
    client = serve(services=services, more={"other": {
        "protocol": "resp", "services": "upper files commands", "allow": "127.0.0.1"}}).client()
    listed = [row[0].decode() for row in client("COMMAND")]
    assert sorted(listed) == sorted(OWNED + there)
    assert client("COMMAND", "COUNT") == len(listed)
    assert [name.decode() for name in client("COMMAND", "DOCS")[::2]] == listed
    assert client("COMMAND", "INFO", *listed) == client("COMMAND")
    for verb in {"UPPER", *FILES, *COMMANDS} - set(there):
        assert is_refused(client(verb, "x"), f"ERR unknown command '{verb}';")
        assert client("COMMAND", "INFO", verb) == [None]


def test_a_verb_may_be_in_any_case_and_must_be_whole(client):
    assert client("pInG") == "PONG"
    for verb in ("PIN", "PINGS", "", b"PING\0", " PING", b"\xff"):
        assert is_refused(client(verb), "ERR unknown command")


def test_the_name_of_an_unknown_command_is_no_way_to_forge_a_reply(client):
    reply = client(b"a\r\n+PONG\r\n" + b"x" * 1000)
    assert is_refused(reply) and "+PONG" in reply and len(reply) < 200
    assert client("PING") == "PONG"


def test_the_number_of_arguments_is_checked(client):
    for row in client("COMMAND"):
        name, arity = row[0].decode(), row[1]
        refusal = f"ERR wrong number of arguments for '{name}' command; write {name}"
        if abs(arity) > 1:
            assert is_refused(client(name, *["x"] * (abs(arity) - 2)), refusal)
        if arity > 0:
            assert is_refused(client(name, *["x"] * arity), refusal)


def test_commands_lists_those_that_the_caller_may_run(client):
    assert [row[0] for row in client("COMMANDS")] == [b"id"]


def test_a_client_has_a_number_and_may_have_a_name(serve):
    server = serve()
    client, other = server.client(), server.client()
    assert client("CLIENT", "ID") == client("CLIENT", "ID") != other("CLIENT", "ID")
    assert client("CLIENT", "GETNAME") is None
    assert client("CLIENT", "SETNAME", "me") == "OK"
    assert client("CLIENT", "GETNAME") == b"me"
    assert other("CLIENT", "GETNAME") is None
    assert client("CLIENT", "SETNAME", "x" * 255) == "OK"
    assert client("CLIENT", "SETNAME", "") == "OK"
    assert client("CLIENT", "GETNAME") is None
    assert client("CLIENT", "SETINFO", "LIB-NAME", "x") == "OK"


@pytest.mark.parametrize(
    "name",
    ["with blank", b"a\nb", b"\xff", b"a\0", "x" * 256])
def test_a_name_that_is_not_printable_is_refused(client, name):
    assert is_refused(client("CLIENT", "SETNAME", name))
    assert client("CLIENT", "GETNAME") is None


def test_a_name_that_is_refused_leaves_the_old_one(client):
    assert client("CLIENT", "SETNAME", "me") == "OK"
    assert is_refused(client("CLIENT", "SETNAME", "with blank"))
    assert client("CLIENT", "GETNAME") == b"me"


def test_quit_ends_after_all_that_was_asked_before(serve):
    server = serve()
    client = server.client()
    client.send(("GET", "big"), ("QUIT",), ("PING",))
    assert client.read() == BIG
    assert client.read() == "OK"
    assert client.ended()
    client.close()
    server.wait_log("reason=eof")


# The clients of Redis


def redis_cli(server, *words, **kwargs):
    need("redis-cli")
    done = subprocess.run(
        ["redis-cli", "-p", str(server.port()), *words], capture_output=True, timeout=DEADLINE_S,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"}, **kwargs)
    assert done.returncode == 0 and done.stderr == b"", done
    return done.stdout


def test_redis_cli_asks_and_prints(serve):
    server = serve()
    assert redis_cli(server, "PING") == b"PONG\n"
    assert redis_cli(server, "GET", "small") == b"content\n"
    assert redis_cli(server, "--raw", "GET", "big") == BIG + b"\n"
    assert redis_cli(server, "--no-raw", "GET", "none") == b"(nil)\n"
    assert redis_cli(server, "--csv", "RUN", "id", "a b").startswith(b'"exit",0,"signal",')
    assert b"getrange" in redis_cli(server, "COMMAND").lower()
    assert sorted(redis_cli(server, "--scan").split()) == [b"big", b"page", b"small"]
    assert redis_cli(server, "--scan", "--pattern", "s*") == b"small\n"
    assert redis_cli(server, "-2", "PING") == b"PONG\n"


def test_redis_cli_takes_lines_and_repeats(serve):
    server = serve()
    lines = b"PING\nECHO 'a b'\n3 UPPER x\nNONSENSE\n"
    expected = rb"PONG\na b\nX\nX\nX\nERR unknown command 'NONSENSE'; [^\n]*\n\n?"
    assert re.fullmatch(expected, redis_cli(server, input=lines))


def test_redis_cli_pipes_many_requests(serve):
    said = redis_cli(serve(), "--pipe", input=pack("PING") * 10_000)
    assert b"errors: 0, replies: 10000" in said


def test_redis_cli_starts_a_prompt_without_complaint(serve):
    need("redis-cli")
    server = serve()
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 80))  # else it asks the terminal
    process = subprocess.Popen(
        ["redis-cli", "-p", str(server.port())], stdin=theirs, stdout=theirs, stderr=theirs,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TERM": "xterm"})
    os.close(theirs)
    said = bytearray()

    def read_to(text, at=0):
        while (found := said.find(text, at)) < 0:
            assert select.select([ours], [], [], DEADLINE_S)[0], bytes(said)
            said.extend(os.read(ours, 65536))
        return found

    try:
        read_to(b"> ")
        os.write(ours, b"UPPER quiet\r")
        read_to(b"> ", read_to(b'"QUIET"'))  # what is typed before it is thrown away
        os.write(ours, b"exit\r")
        assert process.wait(DEADLINE_S) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert not re.search(rb"error|warn|unknown|fail", said, re.I), bytes(said)


@pytest.mark.parametrize("depth", [1, 16, 64])
def test_redis_benchmark_measures_without_complaint(serve, depth):
    need("redis-benchmark")
    server = serve()
    for words in (["-t", "ping"], ["GET", "small"], ["UPPER", "text"]):
        done = subprocess.run(
            ["redis-benchmark", "-p", str(server.port()), "-P", str(depth), "-n", "2000", "-c", "5",
             "--csv", *words], capture_output=True, timeout=DEADLINE_S)
        assert done.returncode == 0 and done.stderr == b"", done
        assert not re.search(rb"error|warn", done.stdout, re.I), done.stdout
        assert done.stdout.count(b"\n") >= 2


def test_redis_py_asks_and_pipelines(serve):
    redis = pytest.importorskip("redis", reason="python3-redis is missing")
    with redis.Redis(port=serve().port(), socket_timeout=DEADLINE_S, client_name="me") as it:
        assert it.ping()
        assert it.get("small") == b"content" and it.get("none") is None
        assert it.get("big") == BIG
        assert it.getrange("small", 1, -2) == b"onten"
        assert it.strlen("small") == 7 and it.exists("small", "none") == 1
        assert sorted(it.scan_iter(match="*", count=1)) == [b"big", b"page", b"small"]
        assert it.client_getname() in ("me", b"me")
        assert it.execute_command("RUN", "id", "a b")[9] == b"a b\n"
        with pytest.raises(redis.ResponseError):
            it.execute_command("NONSENSE")
        with it.pipeline(transaction=False) as pipeline:
            for n in range(1000):
                pipeline.echo(n)
            assert pipeline.execute() == [b"%d" % n for n in range(1000)]


def test_hiredis_reads_what_is_said(serve):
    hiredis = pytest.importorskip("hiredis", reason="python3-hiredis is missing")
    reader = hiredis.Reader()
    with serve().connect() as sock:
        sock.sendall(BYTES)
        replies = []
        while len(replies) < 14:
            reader.feed(sock.recv(65536))
            while (reply := reader.gets()) is not False:
                replies.append(reply)
    assert replies[:6] == [b"PONG", b"a b", b"\0\r\n$5\xffZ", b"", b"content", None]
    assert isinstance(replies[6], hiredis.ReplyError)
    assert replies[7][9] == b"it\n" and replies[13] == b"end"
