# SPDX-License-Identifier: MIT
"""What is typed at pollcat's prompt is what is sent, in every locale; and what a person is told."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading

import pytest

from conftest import DEADLINE_S, receive_all, wait_for
from test_pollcat import (  # noqa: F401
    POLLCAT,
    datagrams,
    news_at,
    receive_exactly,
    serve,
    terminal,
    udp_address,
)
from test_pollcat_requests import Files, reply, server  # noqa: F401

pytestmark = pytest.mark.skipif(not os.access(POLLCAT, os.X_OK), reason=f"{POLLCAT} is not built")

LOCALES = ["C", "C.UTF-8", "xx_XX.nonsense"]
PASTE = "\033[200~%s\033[201~"


def has_libedit():
    """Without it the terminal's line discipline edits."""
    return b"libedit" in subprocess.run(["ldd", POLLCAT], capture_output=True).stdout


@pytest.fixture
def editing():
    if not has_libedit():
        pytest.skip("built without libedit")


def talk(serve, terminal, typed, *options, **kwargs):
    """What the server gets of what is typed."""
    server = serve(receive_all)
    session = terminal(*options, server.address, **kwargs)
    session.expect(">: ")
    session.type(typed)
    session.type("\x04")
    assert session.wait() == 0
    return server.wait()


# Bytes


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    "typed",
    [
        b"a\tb",
        "\u00e4\u20ac\U0001f600 e\u0301".encode(),
        b"caf\xe9",  # no character, and the line ends
        b"\xe9t\xe9 x",  # none, and more follows
        b"\xf3\xa0\x82\x80 \xf3\xa0\x80\x89",  # what others are carried as
        "\u0085\u009b\ue000\ufffe".encode(),
        b"\xff\xfe\x80\xc0\xaf\xed\xa0\x80",
        bytes(range(0x80, 0x100)),
        bytes(reversed(range(0x80, 0x100))),
    ],
)
def test_bytes_that_are_typed_are_sent(serve, terminal, typed, locale):
    assert talk(serve, terminal, typed + b"\n", locale=locale) == typed


@pytest.mark.parametrize("locale", LOCALES)
def test_a_line_called_back_from_history_is_sent_as_it_was(serve, terminal, editing, locale):
    line = b"\xe9\t\xc3\xa9\xff"
    assert talk(serve, terminal, line + b"\n\x10\n", locale=locale) == line * 2


@pytest.mark.parametrize("locale", LOCALES)
def test_bytes_in_quotes_are_words_as_they_are(serve, terminal, locale):
    word = b"a\tb \xe9\xff\xc3\xa9"
    typed = b"get '" + word.replace(b"\t", b"\x16\t") + b"'\n"
    got = talk(serve, terminal, typed, "-R", locale=locale)
    assert got == b"*2\r\n$3\r\nget\r\n$%d\r\n%b\r\n" % (len(word), word)


def unread(session):
    """Bytes typed that the program has not read."""
    fd = os.open(f"/proc/{session.pid}/fd/0", os.O_RDWR | os.O_NOCTTY)
    try:
        return struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, bytes(4)))[0]
    finally:
        os.close(fd)


def quote(session, character, editing):
    """Ctrl-V and the character; libedit has the terminal hand it on as it is only then."""
    session.type("\x16")
    if editing:
        wait_for(lambda: not termios.tcgetattr(session.fd)[3] & termios.ISIG, "quoted character")
    session.type(character)
    if editing:
        wait_for(lambda: termios.tcgetattr(session.fd)[3] & termios.ISIG, "end of it")


@pytest.mark.parametrize("character", "\x00\t\x03\x04\x15\x16\x1a\x1b\x7f")
def test_a_quoted_control_character_is_text(serve, terminal, character):
    server = serve(receive_all)
    session = terminal(server.address)
    session.expect(">: ")
    for where in ("", "a", "b"):
        session.type(where)
        quote(session, character, has_libedit())
    session.type(".\n\x04")
    assert session.wait() == 0
    assert server.wait().decode() == f"{character}a{character}b{character}.".lstrip("\t")


@pytest.mark.parametrize("character", "\n\r")
def test_a_quoted_end_of_line_is_text(serve, terminal, editing, character):
    server = serve(receive_all)
    session = terminal("-n", server.address)
    session.expect(">: ")
    for where in ("", "a", "b"):
        session.type(where)
        quote(session, character, True)
    session.type("\n\x04")
    assert session.wait() == 0
    assert server.wait().decode() == f"{character}a{character}b{character}\n"


def test_a_nul_is_part_of_no_word(serve, terminal):
    server = serve(receive_all)
    session = terminal("-R", server.address)
    session.expect(">: ")
    session.type("get a")
    quote(session, "\x00", has_libedit())
    session.type("b\n")
    session.expect("not sent: a NUL cannot be part of a word\r\n>: ")
    session.type("\x04")
    assert session.wait() == 0
    assert server.wait() == b""


@pytest.mark.parametrize("options", [(), ("-n",), ("-R",)])
def test_a_pasted_tab_is_text(serve, terminal, editing, options):
    got = talk(serve, terminal, PASTE % "'a\tb\x1b\x15'" + "\n", *options)
    assert b"'a\tb\x1b\x15'" in got or b"$5\r\na\tb\x1b\x15\r\n" in got


def test_pasted_lines_are_sent_each(serve, terminal, editing):
    assert talk(serve, terminal, PASTE % "one\r\ttwo\n\x04three" + "\n", "-n") == (
        b"one\n\ttwo\n\x04three\n"
    )


def test_the_marks_of_a_paste_may_come_in_pieces(serve, terminal, editing):
    server = serve(receive_all)
    session = terminal("-R", server.address)
    session.expect(">: ")
    for piece in ("get \x1b[2", "00", "~a\t\x1b", "[201~x"):
        session.type(piece)
    session.type("\n\x04")
    assert session.wait() == 0
    assert server.wait() == b"*3\r\n$3\r\nget\r\n$1\r\na\r\n$1\r\nx\r\n"


def test_the_terminal_is_asked_for_marks_and_then_no_more(serve, terminal, editing):
    server = serve(receive_all)
    session = terminal(server.address)
    session.expect(re.escape("\x1b[?2004h"))
    session.type("\x04")
    session.expect(re.escape("\x1b[?2004l"))
    assert session.wait() == 0


def test_an_interrupt_asks_for_no_more_marks(serve, terminal, editing):
    session = terminal(serve(receive_all).address)
    session.expect(re.escape("\x1b[?2004h"))
    session.type("\x03")
    session.expect(re.escape("\x1b[?2004l"))
    assert session.wait() == -signal.SIGINT


def test_a_dumb_terminal_is_not_asked_for_marks(serve, terminal):
    session = terminal(serve(receive_all).address, term="dumb")
    session.expect(">: ")
    session.type("\x04")
    assert session.wait() == 0
    assert "2004" not in session.text


def test_a_tab_completes_after_characters_of_several_bytes(server, terminal, editing):
    """Where a word begins is counted in bytes."""
    names = {"\u00fcber/\u00e4rger": b"", "\u00fcber/\u00f6l": b""}
    files = Files(**names)
    it = server(
        lambda session, *words: files(session, *words) if words[0] == "SCAN" else reply(words)
    )
    session = terminal("-R", it.address, locale="C.UTF-8")
    session.expect(">: ")
    session.type("exists \u00fcber/\u00e4\t\u00fcber/\u00f6\t\n")
    session.expect(r'(?s)1\) ".+\r\n>: ')
    session.type("\x04")
    assert session.wait() == 0
    assert ["exists", *names] in it.requests


def test_what_is_typed_between_two_lines_is_not_edited_by_the_terminal(serve, terminal, editing):
    session = terminal(serve(receive_all).address)
    session.expect(">: ")
    modes = set()
    done = threading.Event()

    def watch():
        while not done.is_set():
            modes.add(termios.tcgetattr(session.fd)[3] & (termios.ICANON | termios.ECHO))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    for _ in range(300):
        session.type("x\n")
        session.expect("x\r\n.*>: ")
    done.set()
    watcher.join(DEADLINE_S)
    session.type("\x04")
    assert session.wait() == 0
    assert modes == {0}
    assert termios.tcgetattr(session.fd)[3] & termios.ICANON  # and given back


def test_a_lone_escape_does_not_keep_replies_back(serve, terminal, editing):
    go = threading.Event()
    server = serve(news_at(go))
    session = terminal(server.address)
    session.expect(">: ")
    session.type("ab")
    session.expect("ab")
    session.type("\x1b")
    wait_for(lambda: not unread(session), "taken escape")
    go.set()
    session.expect("news\r\n>: ab")
    session.type("[DX\n\x04")  # the rest of the key that goes left
    assert session.wait() == 0
    assert server.wait() == b"aXb"


# What a person is told


HINT = "no reply: if the server waits for the end of a line, use -n; if it speaks resp, -R\r\n"
RESP = "the server seems to speak resp: with -R, typed lines are requests\r\n"


def test_a_line_without_a_reply_is_explained_once(serve, terminal):
    server = serve(receive_all)
    session = terminal(server.address)
    session.expect(">: ")
    session.type("hello\n")
    session.expect(re.escape("pollcat: " + HINT))
    session.expect(">: ")
    session.type("again\n")
    session.expect("again\r\n.*>: ")
    assert not select.select([session.fd], [], [], 1.5)[0]
    session.type("\x04")
    assert session.wait() == 0
    assert session.text.count("no reply") == 1
    assert server.wait() == b"helloagain"


def test_what_is_being_typed_survives_the_explanation(serve, terminal, editing):
    server = serve(receive_all)
    session = terminal(server.address)
    session.expect(">: ")
    session.type("hello\nhal")
    session.expect(re.escape(HINT))
    session.expect(">: hal")
    session.type("f\n\x04")
    assert session.wait() == 0
    assert server.wait() == b"hellohalf"


@pytest.mark.parametrize(
    "answer", [b"-ERR unknown\r\n", b"+PONG\r\n", b"$2\r\nab\r\n", b"*0\r\n", b":5\r\n"]
)
def test_a_reply_of_resp_is_recognised(serve, terminal, answer):
    def respond(conn):
        receive_exactly(conn, 6)
        conn.sendall(answer)
        return receive_all(conn)

    session = terminal("-n", serve(respond).address)
    session.expect(">: ")
    session.type("hello\n")
    session.expect(re.escape(answer.decode().replace("\r\n", "\r\r\n")))
    session.expect(re.escape("pollcat: " + RESP))
    session.expect(">: ")
    session.type("\x04")
    assert session.wait() == 0


@pytest.mark.parametrize("answer", [b"HELLO\n", b"-x\n", b"$nothing\r\n", b"+half"])
def test_another_reply_is_not(serve, terminal, answer):
    def respond(conn):
        receive_exactly(conn, 6)
        conn.sendall(answer)
        receive_exactly(conn, 4)
        conn.sendall(b"end\n")
        return receive_all(conn)

    session = terminal("-n", serve(respond).address)
    session.expect(">: ")
    session.type("hello\n")
    session.expect(r">: \Z")
    session.type("end\n")
    session.expect("end\r\n>: ")
    session.type("\x04")
    assert session.wait() == 0
    assert "resp" not in session.text


def test_a_server_that_speaks_first_speaks_no_resp(serve, terminal):
    def greet(conn):
        conn.sendall(b"+OK ready\r\n")
        receive_exactly(conn, 5)
        conn.sendall(b"+OK bye\r\n")
        return receive_all(conn)

    session = terminal("-n", serve(greet).address)
    session.expect("ready\r\r\n>: ")
    session.type("quit\n")
    session.expect("bye\r\r\n>: ")
    session.type("\x04")
    assert session.wait() == 0
    assert "resp" not in session.text


def test_a_datagram_without_a_reply_is_not_explained(datagrams, terminal):
    session = terminal(udp_address(datagrams))
    session.expect(">: ")
    session.type("hello\n")
    assert datagrams.recv(100) == b"hello"
    select.select([], [], [], 1.2)
    session.type("\x04")
    assert session.wait() == 0
    assert "no reply" not in session.text


# The screen


@pytest.mark.parametrize(
    "key, erased",
    [
        ("\x02", "\r\x1b\\[2A\x1b\\[J"),  # back by one
        ("\x01", "\r\x1b\\[J"),  # to the beginning
    ],
)
def test_a_reply_takes_all_rows_of_an_unfinished_line_off_a_narrow_screen(
    serve, terminal, editing, key, erased
):
    go = threading.Event()
    server = serve(news_at(go))
    session = terminal(server.address, columns=40)
    session.expect(">: ")
    line = "0123456789" * 10
    session.type(line + "x")
    session.expect("x")
    session.type(key)
    session.expect(r"\A[^0-9]")
    go.set()
    session.expect(erased + "news\r\n>: 0123")
    session.type("\n\x04")
    assert session.wait() == 0
    assert server.wait() == line.encode() + b"x"


def test_a_reply_leaves_the_line_that_was_sent_on_a_narrow_screen(serve, terminal):
    server = serve(lambda conn: receive_exactly(conn, 100) and conn.sendall(b"fine\n")
                   or receive_all(conn))
    session = terminal(server.address, columns=40)
    session.expect(">: ")
    session.type("0123456789" * 10 + "\n")
    session.expect("fine\r\n>: ")
    session.type("\x04")
    assert session.wait() == 0
    assert not re.search(r"\x1b\[\d*A|\x1b\[J", session.text)


def resize(session, rows, columns):
    """What a terminal does whose window is made smaller."""
    fcntl.ioctl(session.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@pytest.mark.parametrize("size", [(4, 40), (1, 20), (1, 1), (2, 3)])
def test_a_line_goes_on_in_a_window_that_has_become_smaller_than_it_is(
    serve, terminal, editing, size
):
    server = serve(receive_all)
    session = terminal(server.address)
    session.expect(">: ")
    session.type("0" * 500 + "|")
    session.expect(r"\|")
    resize(session, *size)
    session.type("1" * 100 + "\x01<\x05>\nnext\n\x04")
    assert session.wait() == 0
    assert server.wait() == b"<" + b"0" * 500 + b"|" + b"1" * 100 + b">next"


def test_a_line_is_drawn_anew_in_a_window_of_another_width(serve, terminal, editing):
    server = serve(receive_all)
    session = terminal(server.address)
    session.expect(">: ")
    session.type("0123456789" * 10 + "|")
    session.expect(r"\|")
    resize(session, 24, 40)
    session.type("+")
    session.expect("\r\x1b\\[2A\x1b\\[J>: 0123")
    session.type("\n\x04")
    assert session.wait() == 0
    assert server.wait() == b"0123456789" * 10 + b"|+"
