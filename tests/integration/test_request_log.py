# SPDX-License-Identifier: MIT
"""A line of the log for each request: what it tells, and what it does not."""

import signal
import socket
import subprocess

import pytest
from conftest import DEADLINE_S, POLLARD, ask, ini, parsed, run, wait_for
from talk import Client, children, is_refused, talking
from test_commands import config, sh

KEYS = ["listener", "peer", "verb", "name", "outcome", "bytes", "us"]
MAIN = {"services": "files commands", "log_requests": "yes"}


@pytest.fixture
def serve(pollard, talking, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "small").write_bytes(b"content")
    (root / "big").write_bytes(bytes(3_000_000))

    def start(main=None, commands=None):
        return talking(pollard(config(main={**MAIN, **(main or {})}, commands=commands, root=root)))

    return start


def lines(server, count):
    """The last so many lines about requests, once they are there, without listener and peer."""
    found = [line for line in server.log().splitlines() if " request " in line]
    if len(found) < count:
        server.wait_log("request listener", count=count)
        return lines(server, count)
    rows = []
    for line in found[-count:]:
        event, fields = parsed(line)
        assert event == "request"
        assert [key for key, _ in fields] == [key for key in KEYS if key in dict(fields)]
        rows.append({key: value.decode(errors="replace") for key, value in fields})
    return rows


def told(row):
    return row.get("verb"), row.get("name"), row["outcome"]


def test_each_request_is_a_line(serve):
    server = serve()
    client = server.client()
    client("GET", "small")
    client("get", "none")
    client("GET", "big")
    client("SHA256", "big")
    client("RUN", "sh", "echo out")
    client("RUN", "other")
    client("NONSENSE", "x")
    rows = lines(server, 7)
    assert [told(row) for row in rows] == [
        ("GET", "small", "ok"), ("GET", "none", "nil"), ("GET", "big", "ok"),
        ("SHA256", "big", "ok"), ("RUN", "sh", "ok"), ("RUN", "other", "ERR"),
        ("NONSENSE", None, "ERR")]
    assert [row["bytes"] for row in rows[:4]] == ["13", "5", "3000012", "71"]
    peer = "%s:%d" % client.sock.getsockname()
    assert {(row["listener"], row["peer"]) for row in rows} == {("main", peer)}
    assert all(int(row["us"]) < 60_000_000 for row in rows)


def test_requests_that_come_together_are_lines_in_their_order(serve):
    server = serve()
    client = server.client()
    client.send(*[("GET", f"{n}") for n in range(100)])
    for _ in range(100):
        assert client.read() is None
    assert [row["name"] for row in lines(server, 100)] == [str(n) for n in range(100)]


def test_where_nobody_wants_it_there_is_none(serve):
    server = serve(main={"log_requests": "no"})
    with server.client() as client:
        client("GET", "small")
    server.wait_log("closed ")
    assert " request " not in server.log()


@pytest.mark.parametrize("name", [b'a" outcome=ok b"', b"a\nb", b"\x1b[31m", b"\xff\0", b" "])
def test_a_name_is_escaped(serve, name):
    server = serve()
    client = server.client()
    client("GET", name)
    assert told(lines(server, 1)[0])[::2] == ("GET", "nil") or name == b"\xff\0"
    assert lines(server, 1)[0]["name"] == name.decode(errors="replace")


def test_a_name_is_cut(serve):
    server = serve()
    server.client()("GET", "x" * 3000)
    assert lines(server, 1)[0]["name"] == "x" * 512
    server.client()("x" * 3000)
    assert lines(server, 1)[0]["verb"] == "x" * 32


def test_what_may_be_a_secret_is_not_told(serve):
    server = serve()
    client = server.client()
    for words in (("AUTH", "secret"), ("HELLO", 2, "AUTH", "secret", "secret"), ("ECHO", "secret"),
                  ("RUN", "sh", ": secret")):
        client(*words)
    rows = lines(server, 4)
    assert [told(row) for row in rows] == [
        ("AUTH", None, "ERR"), ("HELLO", None, "WRONGPASS"), ("ECHO", None, "ok"),
        ("RUN", "sh", "ok")]
    assert all("secret" not in str(row) for row in rows)


def test_a_reply_that_will_not_be_whole_is_broken(serve):
    server = serve()
    client = server.client()
    client.send(("RUN", "sh", "exec sleep 1000"))
    wait_for(lambda: children(server.pid), "command")
    client.reset()
    assert told(lines(server, 2)[-1]) == ("RUN", "sh", "broken")


def test_errors_of_commands_have_their_code(serve):
    server = serve(commands={**sh(max_running=1, max_waiting=0),
                             "closed": {"exec": "/bin/true", "allow": "192.0.2.1"}})
    client, other = server.client(), server.client()
    client.send(("RUN", "sh", "exec sleep 1000"))
    wait_for(lambda: children(server.pid), "command")
    other("RUN", "sh", "exit 0")
    other("RUN", "closed")
    assert [row["outcome"] for row in lines(server, 2)] == ["BUSY", "NOPERM"]


def test_a_nil_within_a_reply_is_none(serve):
    server = serve()
    client = server.client()
    client("RUN", "sh", "exit 3")  # whose signal is nil
    client("COMMAND", "INFO", "nonsense")
    assert [row["outcome"] for row in lines(server, 2)] == ["ok", "ok"]


def test_input_belongs_to_the_request_that_it_is_for(serve):
    server = serve(commands=sh(max_input="1k"))
    client = server.client()
    client.send(("PIPE", "sh", "cat"), ("INPUT", "mine"), ("INPUT",), ("PING",))
    while client.read() != "PONG":
        pass
    assert [told(row)[::2] for row in lines(server, 3)] == [
        ("PING", "ok"), ("PIPE", "ok"), ("PING", "ok")]


def test_a_line_is_a_request_without_a_name(pollard):
    server = pollard(main={"protocol": "line", "log_requests": "yes"})
    with server.connect() as sock:
        assert ask(sock, b"secret\n") == b"SECRET\n"
    row = lines(server, 1)[0]
    assert told(row) == (None, None, "ok") and row["bytes"] == "7"


def test_raw_has_no_requests(tmp_path):
    path = tmp_path / "ini"
    path.write_text(ini(main={"log_requests": "yes"}))
    done = run("-c", path, "--check")
    assert done.returncode != 0
    assert "log_requests: raw has no requests" in done.stdout + done.stderr


def test_a_reload_begins_and_ends_it(serve):
    server = serve(main={"log_requests": "no"})
    server.client()("GET", "small")
    text = open(server.path).read()
    server.reload(text.replace("log_requests = no", "log_requests = yes"))
    server.wait_log("reloaded")
    client = server.client()
    client("GET", "none")
    assert told(lines(server, 1)[0]) == ("GET", "none", "nil")
    server.reload(text)
    server.wait_log("reloaded", count=2)
    server.client()("GET", "small")
    assert "name=none" in server.log() and "name=small" not in server.log()


def test_it_stops_nobody_when_the_log_takes_nothing(tmp_path):
    path = tmp_path / "main"
    (tmp_path / "ini").write_text(ini(main={
        "protocol": "resp", "listen": f"unix:{path}", "log_requests": "yes"}))
    process = subprocess.Popen([POLLARD, "-c", tmp_path / "ini"], stderr=subprocess.PIPE)
    try:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(DEADLINE_S)
        wait_for(lambda: sock.connect_ex(str(path)) == 0, "socket")
        with Client(sock) as client:
            for _ in range(100):
                client.send(*[("x" * 30,)] * 100)
                for _ in range(100):
                    assert is_refused(client.read())
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=DEADLINE_S)[1].decode()
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert 100 < said.count(" request ") < 10_000 and "log_dropped" in said
