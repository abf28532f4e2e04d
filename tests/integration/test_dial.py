# SPDX-License-Identifier: MIT
"""Where pollcat connects to, how long it waits, and what it says when it cannot."""

import os
import select
import socket
import subprocess
import sys
import threading
import time

import pytest

from conftest import DEADLINE_S, receive_all
from test_ping import AS_NOBODY, AS_USER, QUICK, SILENT, hosts, network  # noqa: F401
from test_pollcat import (  # noqa: F401
    POLLCAT,
    datagrams,
    echo,
    serve,
    start,
    udp_address,
)

pytestmark = pytest.mark.skipif(not os.access(POLLCAT, os.X_OK), reason=f"{POLLCAT} is not built")

# Runs a command where port 7 of the loopback says "here" and port 8 takes nobody any more.
SERVERS = """\
import socket, subprocess, sys, threading
full = socket.create_server(("127.0.0.1", 8), backlog=0)
callers = [socket.socket() for _ in range(4)]
for caller in callers:
    caller.setblocking(False)
    caller.connect_ex(("127.0.0.1", 8))
greeter = socket.create_server(("127.0.0.1", 7))
def greet():
    while True:
        greeter.accept()[0].sendall(b"here")
threading.Thread(target=greet, daemon=True).start()
sys.exit(subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL).returncode)
"""
TWIN_FIRST = """test "$(getent ahosts twin | head -n 1 | cut -d ' ' -f 1)" = 2001:db8::8;"""


@pytest.fixture
def many(tmp_path):
    """What makes these the addresses of many, in a network of our own."""
    return lambda *addresses: hosts(tmp_path, *(f"{address} many" for address in addresses))


@pytest.fixture
def twin(tmp_path):
    """What makes one that is silent the first address of twin, and the loopback the second."""
    return hosts(tmp_path, "2001:db8::8 twin", "127.0.0.1 twin") + TWIN_FIRST


@pytest.fixture
def with_servers(tmp_path):
    (tmp_path / "servers.py").write_text(SERVERS)
    return f"{sys.executable} {tmp_path}/servers.py"


def pollcat(*args, data=b"", **environment):
    return subprocess.run(
        [POLLCAT, *args],
        input=data,
        capture_output=True,
        timeout=DEADLINE_S,
        env={**os.environ, "HOME": "/nonexistent", **environment},
    )


# Why it fails


@pytest.mark.parametrize("address, host", [("10.8.8.8", "10.8.8.8"), ("[2001:db8::8]", "2001:db8::8")])
@pytest.mark.parametrize("as_who", ["as=", AS_USER], ids=["raw", "datagrams"])
def test_a_host_that_answers_nothing_is_called_so(network, address, host, as_who):
    done = network(f'{SILENT} {as_who}; $as "$0" -t 200ms {address}:80 </dev/null')
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"pollcat: cannot connect to tcp:{address}:80: Connection timed out; "
        f"{host} does not answer a ping either\n"
    )


@pytest.mark.parametrize("address", ["10.8.8.9", "[2001:db8::9]"])
def test_a_host_that_is_not_there_does_not_answer_either(network, address):
    done = network(f'{SILENT} {QUICK} "$0" -t 15s {address}:80 </dev/null')
    host = address.strip("[]")
    assert done.stderr == (
        f"pollcat: cannot connect to tcp:{address}:80: No route to host; "
        f"{host} does not answer a ping either\n"
    )


def test_a_port_that_is_silent_on_a_host_that_answers_is_told_apart(network, with_servers):
    done = network(f'{with_servers} "$0" -t 200ms 127.0.0.1:8')
    assert done.returncode == 1
    assert done.stderr == (
        "pollcat: cannot connect to tcp:127.0.0.1:8: Connection timed out; "
        "127.0.0.1 answers a ping: a firewall may drop port 8\n"
    )


def test_who_may_not_ping_claims_nothing(network):
    done = network(f'{SILENT} {AS_NOBODY}; $as "$0" -t 200ms 10.8.8.8:80 </dev/null')
    assert done.returncode == 1
    assert done.stderr == "pollcat: cannot connect to tcp:10.8.8.8:80: Connection timed out\n"


def test_no_route_is_no_reason_to_ping(network):
    done = network('"$0" 192.0.2.1:80 </dev/null')
    assert done.stderr == "pollcat: cannot connect to tcp:192.0.2.1:80: Network is unreachable\n"


@pytest.mark.parametrize("subcommand, status", [("call PING", 1), ("run x", 255)])
def test_a_subcommand_says_so_too(network, subcommand, status):
    done = network(f'{SILENT} "$0" -t 200ms 10.8.8.8:80 {subcommand}')
    assert done.returncode == status
    assert done.stderr.endswith("Connection timed out; 10.8.8.8 does not answer a ping either\n")


# Several addresses


def test_the_next_address_is_tried_when_the_first_does_not_answer(network, with_servers, twin):
    done = network(
        f"{SILENT} {twin}"
        f'begin=$(date +%s%N); {with_servers} "$0" twin:7;'
        'echo " $((($(date +%s%N) - begin) / 1000000))"'
    )
    assert done.returncode == 0, done.stderr
    said, took_ms = done.stdout.split()
    assert said == "here" and 250 <= int(took_ms) < 10000


def test_the_next_address_is_tried_at_once_when_the_first_fails(network, with_servers, twin):
    done = network(
        f"{SILENT} {twin} ip addr add 2001:db8::8/128 dev lo nodad;"
        f'{with_servers} "$0" -t 15s twin:7'
    )
    assert (done.returncode, done.stdout) == (0, "here"), done.stderr


def test_addresses_that_fail_cost_no_time(network, many):
    """Of 32 that were tried a quarter of a second apart, some would not be."""
    loopback = many(*(f"127.0.0.{n}" for n in range(2, 34)))
    done = network(f'{loopback} "$0" -t 6s many:9 </dev/null')
    assert done.stderr.startswith("pollcat: cannot connect to tcp:many:9: Connection refused; ")


def test_where_all_addresses_fail_each_is_told_why(network, twin):
    done = network(f'{SILENT} {twin} "$0" -t 400ms twin:9 </dev/null')
    assert done.returncode == 1
    assert done.stderr == (
        "pollcat: cannot connect to tcp:twin:9: [2001:db8::8]:9: Connection timed out, "
        "127.0.0.1:9: Connection refused; the host answers, but nothing listens on port 9\n"
    )


# How long


def test_connecting_ends_in_time_whatever_the_addresses(network, many):
    silent = many(*(f"10.8.8.{n}" for n in range(8, 48)))
    done = network(
        f"{SILENT} {silent}"
        'begin=$(date +%s%N); "$0" -t 600ms many:9 </dev/null || true;'
        'echo "$((($(date +%s%N) - begin) / 1000000))"'
    )
    assert 600 <= int(done.stdout) < 15000  # with the ping's second
    assert done.stderr.startswith("pollcat: cannot connect to tcp:many:9: Connection timed out;")


@pytest.mark.parametrize("subcommand, status", [(("call", "PING"), 1), (("run", "x"), 255)])
def test_a_subcommand_waits_no_longer_than_the_timeout(serve, subcommand, status):
    server = serve(receive_all)
    done = pollcat("-t", "200ms", server.address, *subcommand)
    assert (done.returncode, done.stdout, done.stderr) == (status, b"", b"pollcat: no answer\n")


def test_a_full_backlog_of_a_unix_socket_is_waited_for_as_long(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as caller:
        listener.bind(str(tmp_path / "socket"))
        listener.listen(0)
        caller.connect(str(tmp_path / "socket"))
        done = pollcat("-t", "200ms", f"unix:{tmp_path}/socket")
    assert done.returncode == 1
    assert done.stderr.endswith(b"Connection timed out\n")


@pytest.mark.parametrize(
    "subcommand, first, said",
    [(("call", "PING"), b"$15\r\n", b"slow and steady\n"), ((), b"-----", b"-----slow and steady\r\n")],
)
def test_a_slow_answer_is_waited_for_while_bytes_come(serve, subcommand, first, said):
    def answer(conn):
        conn.recv(100)
        for byte in first + b"slow and steady\r\n":
            conn.sendall(bytes([byte]))
            select.select([], [], [], 0.15)
        conn.shutdown(socket.SHUT_WR)
        return receive_all(conn)

    server = serve(answer)
    begun = time.monotonic()
    done = pollcat("-t", "2500ms", server.address, *subcommand, data=b"x")
    assert (done.returncode, done.stdout, done.stderr) == (0, said, b"")
    assert time.monotonic() - begun > 2.5


def test_a_server_that_is_silent_after_the_input_is_left(serve):
    held = threading.Event()
    server = serve(lambda conn: receive_all(conn) and held.wait(DEADLINE_S))
    done = pollcat("-t", "200ms", server.address, data=b"x")
    held.set()
    assert done.returncode == 1
    assert done.stderr == b"pollcat: no answer: Connection timed out\n"


def test_a_server_that_does_not_read_after_the_input_is_left(serve):
    held = threading.Event()
    server = serve(lambda conn: held.wait(DEADLINE_S))
    done = pollcat("-t", "500ms", server.address, data=bytes(32 << 20))
    held.set()
    assert done.returncode == 1
    assert done.stderr == b"pollcat: no answer: Connection timed out\n"


def test_silence_counts_only_from_the_end_of_input_on(serve):
    server = serve(echo)
    with start(server.address, "-t", "200ms") as client:
        assert not select.select([client.stdout], [], [], 1)[0]
        assert client.poll() is None
        client.stdin.write(b"late")
        client.stdin.close()
        assert client.wait(DEADLINE_S) == 0
        assert client.stdout.read() == b"late"


def test_a_reader_that_is_slow_is_not_the_server_that_is_silent(serve):
    server = serve(lambda conn: conn.sendall(bytes(1 << 20)))
    with start(server.address, "-t", "200ms") as client:
        client.stdin.close()
        select.select([], [], [], 1)
        assert client.poll() is None
        assert client.stdout.read() == bytes(1 << 20)
        assert client.wait(DEADLINE_S) == 0


def test_datagrams_are_waited_for_as_long(datagrams):
    done = pollcat("-t", "200ms", udp_address(datagrams), data=b"x")
    assert done.returncode == 1
    assert done.stderr == b"pollcat: no answer: Connection timed out\n"


def test_the_last_of_several_datagrams_is_followed_by_silence(datagrams):
    with start(udp_address(datagrams), "-t", "1s") as client:
        client.stdin.write(b"x")
        client.stdin.close()
        _, peer = datagrams.recvfrom(100)
        datagrams.sendto(b"one", peer)
        datagrams.sendto(b"two", peer)
        assert client.wait(DEADLINE_S) == 0
        assert client.stdout.read() == b"onetwo"


# Where to


def test_the_environment_names_the_server(serve):
    assert pollcat(data=b"x", POLLCAT_ADDRESS=serve(echo).address).stdout == b"x"


def test_options_may_stand_alone_where_the_environment_names_the_server(serve):
    done = pollcat("-n", "-t", "20s", data=b"x", POLLCAT_ADDRESS=serve(echo).address)
    assert done.stdout == b"x"


def test_a_subcommand_asks_the_server_of_the_environment(serve):
    server = serve(lambda conn: conn.sendall(b"+PONG\r\n") or receive_all(conn))
    assert pollcat("call", "PING", POLLCAT_ADDRESS=server.address).stdout == b"PONG\n"


def test_the_command_line_goes_first(serve):
    assert pollcat(serve(echo).address, data=b"x", POLLCAT_ADDRESS="127.0.0.1:1").stdout == b"x"


def test_an_empty_variable_names_nothing():
    done = pollcat(POLLCAT_ADDRESS="")
    assert done.returncode == 2 and done.stderr.startswith(b"usage: ")


@pytest.fixture
def names(tmp_path):
    """Write the user's file; returns the environment it is found by."""

    def make(text, by="XDG_CONFIG_HOME"):
        folder = tmp_path if by == "XDG_CONFIG_HOME" else tmp_path / ".config"
        folder.mkdir(exist_ok=True)
        (folder / "pollcat").write_text(text)
        return {"XDG_CONFIG_HOME": "", by: str(tmp_path)}

    return make


@pytest.mark.parametrize("by", ["HOME", "XDG_CONFIG_HOME"])
def test_a_short_name_is_an_address(serve, names, by):
    text = f"; mine\n[other]\naddress = unix:/x\n\n[here]\n  address = {serve(echo).address} ; x\n"
    environment = names(text, by)
    assert pollcat("here", data=b"x", **environment).stdout == b"x"


def test_a_short_name_may_stand_in_the_environment(serve, names):
    environment = names(f"[here]\naddress=tcp:{serve(echo).address}\n")
    assert pollcat(data=b"x", POLLCAT_ADDRESS="here", **environment).stdout == b"x"


@pytest.mark.parametrize(
    "text, line, reason",
    [
        ("address = x:1\n", 1, "stands before the first [NAME]"),
        ("[a]\nnonsense\n", 2, "expected [NAME] or address = ADDRESS"),
        ("[a]\naddress = x:1\nadress = x:2\n", 3, "adress: unknown key; there is: address"),
        ("[a]\naddress = x:1\n\n[a]\naddress = x:2\n", 5, "[a]: given again"),
        ("[b]\naddress = nonsense\n", 2, "address: 'nonsense' has no port; write HOST:PORT"),
        ("[b]\naddress =\n", 2, "address: '' has no port; write HOST:PORT"),
        ("[b]\naddress = unix:x\n", 2, "address: 'x' is not an absolute path of at most 107 bytes"),
        ("[run]\naddress = x:1\n", 2, "[run]: that is the name of a subcommand"),
        ("[ping]\naddress = x:1\n", 2, "[ping]: that is the name of a subcommand"),
        ("[b:1]\naddress = x:1\n", 2, "[b:1]: a name has no ':' and no blank"),
        (f"[{'b' * 49}]\n", 1, "a name has at most 48 bytes"),
        (f"[b]\naddress = {'x' * 300}\n", 2, "the line is longer than 198 bytes"),
        ("[b]\naddress = x:1\0y\n", 2, "the line holds a NUL byte"),
        ("\0" * 1000, 1, "the line holds a NUL byte"),
        ("[b]\nnonsense\naddress = bad\n", 2, "expected [NAME] or address = ADDRESS"),
        ("[b]\naddress = bad\nnonsense\n", 2, "address: 'bad' has no port; write HOST:PORT"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_line(names, tmp_path, text, line, reason):
    done = pollcat("a", **names(text))
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == f"pollcat: {tmp_path}/pollcat:{line}: {reason}\n"


def test_a_name_of_48_bytes_is_one(serve, names):
    environment = names(f"[{'b' * 48}]\naddress = {serve(echo).address}\n")
    assert pollcat("b" * 48, data=b"x", **environment).stdout == b"x"


def test_an_unknown_name_is_told_where_it_was_looked_for(names, tmp_path):
    done = pollcat("a", **names("[b]\naddress = x:1\n[a]\n"))
    assert done.returncode == 2
    assert done.stderr.decode() == (
        "pollcat: 'a' is no address, write HOST:PORT or unix:PATH; "
        f"nor is it a name in {tmp_path}/pollcat\n"
    )


@pytest.mark.parametrize(
    "environment, where",
    [
        ({"HOME": "/nonexistent"}, "/nonexistent/.config/pollcat (No such file or directory)"),
        ({"HOME": "/dev/null"}, "/dev/null/.config/pollcat (Not a directory)"),
        ({"HOME": "x", "XDG_CONFIG_HOME": "y"}, "~/.config/pollcat (HOME is not set)"),
    ],
)
def test_a_file_that_is_not_there_is_told(environment, where):
    done = pollcat("a", **{"XDG_CONFIG_HOME": "", **environment})
    assert done.returncode == 2
    assert done.stderr.decode().endswith(f"nor is it a name in {where}\n")


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "pollcat").mkdir()
    done = pollcat("a", XDG_CONFIG_HOME=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.decode() == f"pollcat: {tmp_path}/pollcat: Is a directory\n"


# Arguments


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
@pytest.mark.parametrize("subcommand, verb", [("call", b"ECHO"), ("run", b"STREAM")])
def test_any_byte_may_be_in_an_argument(serve, subcommand, verb, locale):
    argument = bytes(range(1, 256))
    server = serve(lambda conn: conn.sendall(b"-ERR no\r\n") or receive_all(conn))
    first = ["ECHO"] if subcommand == "call" else []
    pollcat(server.address, subcommand, *first, argument, "", b"\xff", LC_ALL=locale)
    words = [verb, argument, b"", b"\xff"]
    assert server.wait() == b"*4\r\n" + b"".join(b"$%d\r\n%b\r\n" % (len(w), w) for w in words)
