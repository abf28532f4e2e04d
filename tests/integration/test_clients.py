# SPDX-License-Identifier: MIT
"""The clients of Redis at their defaults, and a Redis beside the daemon where they look closely."""

import fcntl
import json
import os
import re
import select
import shutil
import socket
import subprocess
import termios
import time
from pathlib import Path

import pytest
from conftest import DEADLINE_S, ini, need, wait_for
from talk import Client, Refusal, pack, talking

HERE = Path(__file__).resolve().parent / "clients"
NPM = {"redis3": "npm:redis@3", "redis4": "npm:redis@4", "redis5": "npm:redis@5",
       "redis6": "npm:redis@6", "ioredis4": "npm:ioredis@4", "ioredis5": "npm:ioredis@5",
       "ioredis6": "npm:ioredis@6", "@valkey/valkey-glide": "2"}
INSTALL_S = 300


@pytest.fixture
def server(pollard, talking, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "small").write_bytes(b"content")
    (root / "page").write_bytes(b"x" * 30_000)
    text = ini(main={"protocol": "resp", "services": "upper files commands",
                     "listen": f"tcp:127.0.0.1:0 unix:{tmp_path}/main", "allow": "127.0.0.1",
                     "allow_users": os.getuid()})
    text += f"[service files]\nroot = {root}\n"
    text += "[command id]\nexec = /bin/echo {what}\narg.what = regex .*\n"
    return talking(pollard(text))


@pytest.fixture
def client(server):
    return server.client()


@pytest.fixture(scope="session")
def modules():
    """A folder with the packages of NPM, as far as they can be had."""
    need("node", "npm")
    where = Path(os.environ.get("POLLARD_BUILD", "/tmp")) / "tests" / "npm"
    try:
        where.mkdir(parents=True, exist_ok=True)
        lock = open(where / "lock", "w")
    except OSError as error:
        pytest.skip(f"npm has no place: {error}")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        package = json.dumps({"private": True, "optionalDependencies": NPM})
        if (where / "done").is_file() and (where / "done").read_text() == package:
            return where
        (where / "package.json").write_text(package)
        try:
            done = subprocess.run(
                ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=where,
                env={**os.environ, "npm_config_cache": str(where / "cache")},
                stdin=subprocess.DEVNULL, capture_output=True, timeout=INSTALL_S)
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm installs nothing in {INSTALL_S} s")
        if done.returncode == 0:
            (where / "done").write_text(package)
    return where


def says_ok(*words, **kwargs):
    done = subprocess.run(
        list(map(str, words)), stdin=subprocess.DEVNULL, capture_output=True, timeout=3 * DEADLINE_S,
        text=True, **kwargs)
    assert done.returncode == 0 and done.stdout.endswith("ok\n"), done


def has(program, *words):
    """Skip where the program cannot load its library."""
    need(program)
    done = subprocess.run([program, *words], stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"{program} has no library for Redis")


# Libraries


@pytest.mark.parametrize("package", NPM)
def test_a_library_of_node_works(server, modules, package):
    if not (modules / "node_modules" / package / "package.json").is_file():
        pytest.skip(f"npm has no {package}")
    says_ok("node", HERE / "node.js", package, server.port(),
            env={**os.environ, "NODE_PATH": str(modules / "node_modules")})


def test_the_library_of_ruby_works(server):
    has("ruby", "-e", 'require "redis"')
    says_ok("ruby", HERE / "ruby.rb", server.port())


def test_the_module_of_perl_works(server):
    has("perl", "-MRedis", "-e1")
    says_ok("perl", HERE / "perl.pl", server.port())


@pytest.mark.parametrize("kind, loads", [
    ("phpredis", "new Redis();"), ("predis", "require 'Predis/Autoloader.php';")])
def test_a_library_of_php_works(server, kind, loads):
    has("php", "-r", loads)
    says_ok("php", HERE / "php.php", kind, server.port())


def test_the_module_of_lua_works(server):
    has("lua5.3", "-e", 'require "redis"')
    says_ok("lua5.3", HERE / "lua.lua", server.port())


def test_a_library_of_go_works(server, tmp_path):
    need("go")
    if not Path("/usr/share/gocode/src/github.com/gomodule/redigo").is_dir():
        pytest.skip("golang-github-gomodule-redigo-dev is missing")
    says_ok("go", "run", HERE / "redigo.go", server.port(), env={
        **os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode",
        "GOCACHE": str(tmp_path / "cache"), "GOFLAGS": ""})


@pytest.mark.parametrize("version", [2, 3])
def test_what_redis_py_begins_with_is_answered(client, version):
    """As redis-py 8 does, which speaks version 3 where nothing is said."""
    client.send(("HELLO", version), ("CLIENT", "SETNAME", "me"),
                ("CLIENT", "SETINFO", "LIB-NAME", "redis-py"),
                ("CLIENT", "SETINFO", "LIB-VER", "8.0.0"), ("SELECT", 0), ("GET", "none"),
                ("GET", "small"))
    hello = client.read()
    assert isinstance(hello, dict if version == 3 else list)
    assert [client.read() for _ in range(6)] == ["OK"] * 4 + [None, b"content"]


# redis-cli and other programs


def redis_cli(server, *words, code=0, **kwargs):
    need("redis-cli")
    done = subprocess.run(
        ["redis-cli", "-p", str(server.port()), *words], capture_output=True, text=True,
        timeout=DEADLINE_S, env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"}, **kwargs)
    assert done.returncode == code, done
    return done.stdout, done.stderr


@pytest.mark.parametrize("words, said", [
    (["-3", "GET", "small"], "content\n"),
    (["-3", "STRLEN", "none"], "0\n"),
    (["-n", "0", "PING"], "PONG\n"),
    (["-3", "--no-raw", "GET", "none"], "(nil)\n"),
    (["-3", "--no-raw", "CONFIG", "GET", "databases"], '1# "databases" => "1"\n'),
    (["--json", "CONFIG", "GET", "databases"], '{"databases":"1"}\n'),
    (["--user", "default", "--pass", "x", "--no-auth-warning", "PING"], "PONG\n"),
    (["-r", "2", "-i", "0.01", "PING"], "PONG\nPONG\n")])
def test_redis_cli_has_its_way(server, words, said):
    assert redis_cli(server, *words) == (said, "")


def test_redis_cli_shows_help_of_each_verb_and_group(server):
    said, errors = redis_cli(server, "HELP", "GET")
    assert "GET\x1b[0m \x1b[90mname" in said and "group:\x1b[0m files" in said and errors == ""
    for group in ("@files", "@session", "@commands"):
        said, errors = redis_cli(server, "HELP", group)
        assert "summary:" in said and errors == ""
    assert redis_cli(server, "HELP", "@generic")[1] == ""


def test_redis_cli_measures_latency(server):
    said, errors = redis_cli(server, "--latency", "-i", "0.1", "--raw")
    assert re.fullmatch(r"\d+ \d+ [\d.]+ \d+\n", said) and errors == ""


def test_redis_cli_says_what_it_cannot_do_here(server):
    assert "unknown command 'DBSIZE'" in redis_cli(server, "--bigkeys", code=1)[1]
    assert "unknown command 'MONITOR'" in redis_cli(server, "MONITOR")[0]


class Terminal:
    """A redis-cli that thinks somebody sits before it."""

    def __init__(self, *words):
        self.ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (24, 100))  # else it asks the terminal
        self.process = subprocess.Popen(
            ["redis-cli", *words], stdin=theirs, stdout=theirs, stderr=theirs,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TERM": "xterm"})
        os.close(theirs)
        self.said = bytearray()

    def read_to(self, pattern):
        end = time.monotonic() + DEADLINE_S
        while not re.search(pattern, self.said):
            assert time.monotonic() < end, bytes(self.said)
            assert select.select([self.ours], [], [], DEADLINE_S)[0], bytes(self.said)
            self.said.extend(os.read(self.ours, 65536))

    def end(self):
        self.process.kill()
        self.process.wait()
        os.close(self.ours)


@pytest.fixture
def terminal():
    started = []

    def start(*words):
        need("redis-cli")
        started.append(Terminal(*words))
        return started[-1]

    yield start
    for each in started:
        each.end()


def test_redis_cli_hints_at_arguments(server, terminal):
    prompt = terminal("-p", str(server.port()))
    prompt.read_to(rb"> ")
    os.write(prompt.ours, b"GETRANGE ")
    prompt.read_to(rb"name first last \[tag\]")
    os.write(prompt.ours, b"small 0 2\r")
    prompt.read_to(rb'"con"')


def test_redis_cli_shows_statistics(server, terminal):
    stat = terminal("-p", str(server.port()), "--stat", "-i", "0.05")
    stat.read_to(rb"keys +mem +clients(?s:.*)\n\d+ +[\d.]+[BKMG] +1 +0 +\d+ \(\+1\) ")


def test_haproxy_finds_the_daemon_alive(server, tmp_path):
    need("haproxy")
    (tmp_path / "haproxy.cfg").write_text(f"""
global
    stats socket {tmp_path}/stats level admin
defaults
    mode tcp
    timeout connect 5s
    timeout client 5s
    timeout server 5s
backend usual
    option redis-check
    server one 127.0.0.1:{server.port()} check inter 100
backend thorough
    option tcp-check
    tcp-check send PING\\r\\n
    tcp-check expect string +PONG
    tcp-check send info\\ replication\\r\\n
    tcp-check expect string role:master
    tcp-check send QUIT\\r\\n
    tcp-check expect string +OK
    server two 127.0.0.1:{server.port()} check inter 100
""")
    process = subprocess.Popen(["haproxy", "-db", "-f", tmp_path / "haproxy.cfg"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def checked():
        with socket.socket(socket.AF_UNIX) as sock:
            try:
                sock.connect(str(tmp_path / "stats"))
            except OSError:
                return None
            sock.sendall(b"show stat\n")
            rows = [line.split(",") for line in sock.makefile().read().splitlines()]
        keys = rows[0]
        states = {row[1]: row[keys.index("check_status")] for row in rows[1:] if len(row) > 1}
        states = {name: states.get(name, "") for name in ("one", "two")}
        return states if all(re.match("L[4-7]", state) for state in states.values()) else None

    try:
        assert wait_for(checked, "check") == {"one": "L7OK", "two": "L7OK"}
    finally:
        process.kill()
        process.wait()


# A Redis beside it


@pytest.fixture
def redis(tmp_path):
    """A client of a real one."""
    need("redis-server")
    path = tmp_path / "redis"
    process = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", tmp_path],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(DEADLINE_S)

    def connected():
        try:
            sock.connect(str(path))
            return True
        except OSError:
            return False

    try:
        wait_for(connected, "redis-server")
        with Client(sock) as client:
            yield client
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("request_", [
    "PING", "HELLO 4", "HELLO 1", "HELLO x", "HELLO 2 BOGUS", "HELLO 2 AUTH u", "HELLO 2 SETNAME",
    "HELLO 3 AUTH u p", "HELLO 3 SETNAME a\tb", "AUTH x", "AUTH default x", "AUTH u p",
    "AUTH a b c", "SELECT 0", "SELECT 99", "SELECT -1", "SELECT x", "CLIENT GETNAME",
    "CLIENT SETNAME me", "CLIENT SETNAME a\tb", "CLIENT BOGUS", "CONFIG BOGUS", "COMMAND BOGUS",
    "CONFIG GET save", "CONFIG GET nothing", "INFO nothing", "COMMAND DOCS nothing", "QUIT a b"])
@pytest.mark.parametrize("version", [2, 3])
def test_it_answers_as_redis_does(client, redis, request_, version):
    replies = []
    for it in (client, redis):
        it("HELLO", version)
        replies.append(it(*request_.split(" ")))
    assert replies[0] == replies[1]
    assert type(replies[0]) is type(replies[1])


@pytest.mark.parametrize("version", [2, 3])
def test_hello_has_the_pairs_that_redis_has(client, redis, version):
    ours, theirs = client.pairs("HELLO", version), redis.pairs("HELLO", version)
    assert list(ours) == list(theirs)
    assert [type(value) for value in ours.values()] == [type(value) for value in theirs.values()]
    for key in ("proto", "mode", "role", "modules"):
        assert ours[key] == theirs[key]
    assert ours["server"] == b"pollard"
    assert ours["id"] == client("CLIENT", "ID")


def info(client, *sections):
    text = client("INFO", *sections).decode()
    return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)


def test_info_has_fields_that_redis_has(client, redis):
    ours, theirs = info(client), info(redis)
    assert set(ours) - set(theirs) == {"server_name", "pollard_version"}
    for key in ("redis_mode", "loading", "role", "connected_slaves", "connected_clients"):
        assert ours[key] == theirs[key]
    assert re.fullmatch(r"\d+\.\d+\.\d+", ours["redis_version"])


def test_info_has_the_sections_that_are_asked_for(client, redis):
    for sections in (["replication"], ["SERVER", "clients"], ["all"], ["everything"], ["default"]):
        assert set(info(client, *sections)) <= set(info(redis, *sections)) | {
            "server_name", "pollard_version"}
    assert set(info(client, "replication")) == {"role", "connected_slaves"}
    assert info(client).keys() == info(client, "all").keys()


def test_counts_below_zero_ask_for_nothing(client, redis):
    for it in (client, redis):
        it.sock.sendall(b"*-10\r\n*-1\r\n*0\r\n" + pack("PING"))
        assert it.read() == "PONG"


# The version of a conversation


def test_a_conversation_begins_with_version_two_and_keeps_what_was_chosen(server):
    client, other = server.client(), server.client()
    assert client.pairs("HELLO")["proto"] == 2
    assert client.pairs("HELLO", 3)["proto"] == 3
    assert isinstance(client("HELLO"), dict)
    assert isinstance(client("STAT", "small"), dict)
    assert isinstance(client("COMMAND", "DOCS"), dict)
    assert isinstance(client("SCAN", 0), list)
    assert isinstance(other("HELLO"), list)
    for refused in (("HELLO", 4), ("HELLO", 2, "AUTH", "u", "p"), ("HELLO", 2, "SETNAME", "a b")):
        assert isinstance(client(*refused), Refusal)
        assert isinstance(client("HELLO"), dict)
    assert isinstance(client("HELLO", 2), list)


def test_hello_names_the_client_and_lets_the_user_default_in(client):
    assert isinstance(client("HELLO", 3, "AUTH", "default", "any", "SETNAME", "me"), dict)
    assert client("CLIENT", "GETNAME") == b"me"


def test_the_client_is_told_of_itself_alone(server):
    client, other = server.client(), server.client()
    client("CLIENT", "SETNAME", "me")
    lines = client("CLIENT", "LIST").decode().splitlines()
    assert len(lines) == 1 and client("CLIENT", "INFO").decode().splitlines()[0] == lines[0]
    fields = dict(field.split("=", 1) for field in lines[0].split(" "))
    assert (fields["id"], fields["name"]) == (str(client("CLIENT", "ID")), "me")
    assert fields["addr"] == "%s:%d" % client.sock.getsockname() and fields["resp"] == "2"
    other("HELLO", 3)
    assert "resp=3" in other("CLIENT", "INFO").decode()


def test_the_client_of_a_unix_socket_has_fields_that_can_be_told_apart(server, tmp_path):
    text = server.client(tmp_path / "main")("CLIENT", "INFO").decode()
    assert all(field.count("=") == 1 for field in text.split())


def test_commands_are_documented_by_name(client):
    docs = client.pairs("COMMAND", "DOCS", "getrange", "nonsense")
    assert list(docs) == ["GETRANGE"]
    pairs = dict(zip(docs["GETRANGE"][::2], docs["GETRANGE"][1::2]))
    assert pairs[b"group"] == b"files" and pairs[b"since"]
    names = [(argument[1], argument[5]) for argument in pairs[b"arguments"]]
    assert names == [(b"name", []), (b"first", []), (b"last", []), (b"tag", ["optional"])]
    assert sorted(client("COMMAND", "LIST")) == sorted(row[0] for row in client("COMMAND"))


def test_subcommands_are_listed(client):
    for verb in ("CLIENT", "COMMAND", "CONFIG"):
        lines = client(verb, "HELP")
        assert all(isinstance(line, str) and " -- " in line for line in lines) and lines
