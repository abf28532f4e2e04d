# SPDX-License-Identifier: MIT
"""Output as it comes, for callers who take one reply for each request: START and NEWS, and the
pushes of version 3."""

import signal

import pytest
from conftest import SANITIZED, wait_for
from talk import Push, children, is_refused, talking
from test_commands import serve, sh, waiting  # serve: the fixture

KEYS = ["exit", "signal", "timed_out", "truncated", "stdout", "stderr", "duration_ms"]
FOREVER = "exec sleep 1000"


@pytest.fixture
def client(serve):
    return serve().client()


def ended(news):
    return news["exit"] is not None or news["signal"] is not None


def follow(client, number):
    """All the news up to the end: both outputs, and the last of them."""
    out, err = bytearray(), bytearray()
    while True:
        news = client.pairs("NEWS", number)
        assert list(news) == KEYS
        out += news["stdout"]
        err += news["stderr"]
        if ended(news):
            return out, err, news


def test_start_gives_a_number_and_news_tells_what_has_come_since(client, tmp_path):
    number = client("START", "sh", f"echo 1; {waiting(tmp_path / 'a')}; echo 2 >&2; exit 9")
    assert isinstance(number, int)
    news = client.pairs("NEWS", number)
    assert list(news) == KEYS
    assert (news["stdout"], news["stderr"]) == (b"1\n", b"")
    assert news["exit"] is news["signal"] is news["duration_ms"] is None
    assert client("PING") == "PONG"  # one reply for each request
    (tmp_path / "a").touch()
    out, err, last = follow(client, number)
    assert (out, err, last["exit"], last["signal"]) == (b"", b"2\n", 9, None)
    assert last["duration_ms"] >= 0


def test_news_of_a_silent_command_is_nothing_after_a_while(client):
    number = client("START", "sh", FOREVER)
    news = client.pairs("NEWS", number)
    assert (news["stdout"], news["stderr"]) == (b"", b"") and not ended(news)
    assert client("PING") == "PONG"


def test_news_tells_a_signal_and_that_time_was_over(serve):
    client = serve(commands=sh(timeout="300ms")).client()
    out, _, last = follow(client, client("START", "sh", "echo a; exec sleep 1000"))
    assert (out, last["signal"], last["timed_out"]) == (b"a\n", b"TERM", 1)


def test_all_of_much_output_comes_in_order(client):
    number = client("START", "sh", "seq 500000; seq 5 >&2")
    out, err, last = follow(client, number)
    assert out == "".join(f"{n}\n" for n in range(1, 500_001)).encode()
    assert (err, last["exit"], last["truncated"]) == (b"1\n2\n3\n4\n5\n", 0, 0)


@pytest.mark.parametrize("number", ["0", "-1", "999", "x", "", "9" * 30])
def test_news_of_what_was_not_started_is_an_error(client, number):
    assert is_refused(client("NEWS", number))
    assert client("PING") == "PONG"


def test_news_after_the_end_is_an_error(client):
    number = client("START", "sh", "exit 0")
    assert follow(client, number)[2]["exit"] == 0
    assert is_refused(client("NEWS", number), "ERR there is no run")


def test_a_run_is_its_connection_s_own(serve):
    server = serve()
    client, other = server.client(), server.client()
    number = client("START", "sh", FOREVER)
    assert is_refused(other("NEWS", number), "ERR there is no run")
    assert other("START", "sh", "exit 0") != number


def test_several_runs_of_a_connection_go_on_at_one_time(client):
    numbers = [client("START", "sh", f"echo {n}; exit {n}") for n in range(4)]
    assert len(set(numbers)) == 4
    for n, number in reversed(list(enumerate(numbers))):
        out, _, last = follow(client, number)
        assert (out, last["exit"]) == (b"%d\n" % n, n)


def test_so_many_runs_of_a_connection_and_no_more(client):
    numbers = [client("START", "sh", "exit 0") for _ in range(4)]
    assert is_refused(client("START", "sh", "exit 0"), "BUSY")
    follow(client, numbers[0])
    assert isinstance(client("START", "sh", "exit 0"), int)


def test_what_cannot_be_started_is_refused_at_once(serve):
    server = serve(commands={**sh(), "none": {"exec": "/nonexistent"},
                             "closed": {"exec": "/bin/true", "allow": "192.0.2.1"}})
    client = server.client()
    assert is_refused(client("START", "none"), "ERR none: cannot be run:")
    assert is_refused(client("START", "closed"), "NOPERM")
    assert is_refused(client("START", "sh"), "ERR 0 arguments")
    assert is_refused(client("START", "other"), "ERR there is no command")
    assert isinstance(client("START", "sh", "exit 0"), int)


def test_a_run_that_waits_for_its_place_has_no_news_until_it_has_one(serve, tmp_path):
    server = serve(commands=sh(max_running=1, max_waiting=1))
    client, other = server.client(), server.client()
    holder = other("START", "sh", waiting(tmp_path / "a"))
    number = client("START", "sh", "echo mine")
    assert is_refused(other("START", "sh", "exit 0"), "BUSY")
    news = client.pairs("NEWS", number)
    assert not ended(news) and news["stdout"] == b""
    (tmp_path / "a").touch()
    assert follow(client, number)[0] == b"mine\n"
    assert follow(other, holder)[2]["exit"] == 0


@pytest.mark.parametrize("asks", [False, True])
def test_a_run_ends_with_its_connection(serve, asks):
    server = serve()
    client = server.client()
    number = client("START", "sh", FOREVER)
    wait_for(lambda: children(server.pid), "command")
    if asks:
        client.send(("NEWS", number))
    client.reset()
    server.wait_log("job command=sh")
    wait_for(lambda: not children(server.pid), "end of the command")


def test_a_run_that_may_go_on_alone_does(serve, tmp_path):
    server = serve(commands=sh(on_disconnect="continue"))
    client = server.client()
    client("START", "sh", f"yes | head -c 1000000; {waiting(tmp_path / 'a')}; echo x")
    client.reset()
    server.wait_log("reason=")
    (tmp_path / "a").touch()
    assert "exit=0" in server.wait_log("job command=sh")


def test_who_asks_for_nothing_stops_the_command_and_keeps_little(serve):
    server = serve(commands=sh(max_running=8))
    client, other = server.client(), server.client()
    other.pairs("RUN", "sh", "yes | head -c 1000000")  # what is needed once is there now
    before = server.rss()
    for _ in range(4):
        client("START", "sh", "exec cat /dev/zero")
    wait_for(lambda: len(children(server.pid)) == 4, "commands")
    for _ in range(50):
        assert other("PING") == "PONG"
        assert other.pairs("RUN", "sh", "echo a")["stdout"] == b"a\n"
    if not SANITIZED:
        assert server.rss() - before < 2048


def test_a_reload_leaves_what_was_started(serve):
    server = serve()
    client = server.client()
    number = client("START", "sh", "read x; exit 5")  # no input: its end at once
    server.reload()
    server.wait_log("reloaded")
    assert follow(client, number)[2]["exit"] == 5


def test_a_stop_of_the_daemon_ends_what_was_started(serve):
    server = serve()
    client = server.client()
    client("START", "sh", FOREVER)
    wait_for(lambda: children(server.pid), "command")
    server.signal(signal.SIGTERM)
    assert server.wait() == 0


# Version 3


def test_stream_pushes_and_then_replies(client):
    client("HELLO", 3)
    client.send(("STREAM", "sh", "echo 1; exit 3"), ("PING",))
    assert client.read() == Push([b"stdout", b"1\n"])
    last = client.read()
    assert last == [b"exit", 3] and not isinstance(last, Push)
    assert client.read() == "PONG"


def test_pipe_pushes_and_then_replies(serve):
    client = serve(commands=sh(max_input="1k")).client()
    client("HELLO", 3)
    client.send(("PIPE", "sh", "cat"), ("INPUT", "mine"), ("INPUT",), ("PING",))
    pieces, reply = [], client.read()
    while isinstance(reply, Push):
        pieces.append(reply)
        reply = client.read()
    assert b"".join(piece[1] for piece in pieces) == b"mine"
    assert reply == [b"exit", 0]
    assert client.read() == "PONG"


def test_who_stops_sending_gets_pushes_and_a_reply(client):
    client("HELLO", 3)
    client.send(("STREAM", "sh", "sleep 0.3; echo a; exit 4"))
    client.sock.shutdown(1)
    pieces, reply = [], client.read()
    while isinstance(reply, Push):
        pieces.append(reply)
        reply = client.read()
    assert b"".join(piece[1] for piece in pieces) == b"a\n"
    assert reply == [b"exit", 4] and client.ended()


def test_run_and_news_are_maps(client):
    client("HELLO", 3)
    assert list(client("RUN", "sh", "exit 0")) == KEYS
    assert list(client("NEWS", client("START", "sh", FOREVER))) == KEYS
    client.send(("RUN", "sh", "sleep 0.3"))
    client.sock.shutdown(1)  # its first byte is said at once
    assert list(client.read()) == KEYS
