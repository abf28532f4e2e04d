# SPDX-License-Identifier: MIT
"""The service commands: what runs, with what, for whom, and that nothing is left of it."""

import os
import random
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import DEADLINE_S, POLLARD, SANITIZED, ini, parsed, run, wait_for
from talk import Refusal, children, group, is_refused, open_files, pack, talking

SHELL = {"exec": "/bin/sh -c {script}", "arg.script": "regex .*"}
NOBODY = 65534


def section(name, keys):
    return f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


def config(main=None, commands=None, root=None, **sections):
    main = {"listen": "tcp:127.0.0.1:0", "protocol": "resp", "services": "commands", **(main or {})}
    if "tcp:" in main["listen"]:
        main["allow"] = "127.0.0.1"
    commands = {"sh": SHELL} if commands is None else commands
    texts = [section(f"command {name}", keys) for name, keys in commands.items()]
    if root:
        texts.append(section("service files", {"root": root}))
    return "\n".join([ini(main=main, **sections), *texts])


@pytest.fixture
def serve(pollard, talking):
    """serve(commands={...}, main={...}) starts one; its clients end with the test."""
    def start(prefix=(), env=None, **sections):
        return talking(pollard(config(**sections), prefix=prefix, env=env))

    return start


@pytest.fixture
def client(serve):
    return serve().client()


def sh(**keys):
    return {"sh": {**SHELL, **keys}}


def output(client, *words):
    return client.pairs("RUN", *words)["stdout"]


def stream(client):
    """Replies of STREAM up to the end: both outputs, and the last pair."""
    parts = {b"stdout": bytearray(), b"stderr": bytearray()}
    while True:
        reply = client.read()
        if isinstance(reply, Refusal) or reply[0] not in parts:
            return parts[b"stdout"], parts[b"stderr"], reply
        parts[reply[0]] += reply[1]


def waiting(path):
    """Of a shell: until the file is there, but not for ever."""
    missing = f"[ ! -e {shlex.quote(str(path))} ]"
    return f"n=0; while {missing} && [ $((n+=1)) -lt 4000 ]; do sleep 0.01; done"


def settle(client):
    """What others have asked before has had its turn after a few of ours."""
    for _ in range(3):
        assert client("PING") == "PONG"


def no_children(server):
    wait_for(lambda: not children(server.pid), "end of all children")


# RUN


def test_run_tells_exit_status_and_both_outputs(client):
    reply = client("RUN", "sh", "echo out; echo err >&2; exit 7")
    assert reply[:12] == [b"exit", 7, b"signal", None, b"timed_out", 0, b"truncated", 0,
                          b"stdout", b"out\n", b"stderr", b"err\n"]
    assert reply[12] == b"duration_ms" and reply[13] >= 0
    assert len(reply) == 14


@pytest.mark.parametrize("name", ["TERM", "KILL", "SEGV", "HUP", "PIPE"])
def test_run_tells_which_signal_ended_it(client, name):
    pairs = client.pairs("RUN", "sh", f"ulimit -c 0; kill -{name} $$")
    assert (pairs["exit"], pairs["signal"], pairs["timed_out"]) == (None, name.encode(), 0)


def test_run_tells_that_time_was_over(serve):
    pairs = serve(commands=sh(timeout="200ms")).client().pairs("RUN", "sh", "echo a; sleep 1000")
    assert (pairs["exit"], pairs["signal"], pairs["timed_out"]) == (None, b"TERM", 1)
    assert pairs["stdout"] == b"a\n"


def test_a_command_may_answer_the_end_of_its_time(serve):
    script = "trap 'echo bye; exit 3' TERM; echo a; for n in $(seq 1000); do sleep 0.01; done"
    pairs = serve(commands=sh(timeout="300ms")).client().pairs("RUN", "sh", script)
    assert (pairs["exit"], pairs["signal"], pairs["timed_out"]) == (3, None, 1)
    assert pairs["stdout"] == b"a\nbye\n"


@pytest.mark.parametrize("size, truncated", [(999, 0), (1000, 0), (1001, 1), (500_000, 1)])
def test_run_keeps_so_much_output_and_says_so(serve, size, truncated):
    client = serve(commands=sh(max_output=1000)).client()
    for redirection, name in ("", "stdout"), (">&2", "stderr"):
        pairs = client.pairs("RUN", "sh", f"head -c {size} /dev/zero {redirection}")
        assert pairs[name] == bytes(min(size, 1000))
        assert (pairs["truncated"], pairs["exit"]) == (truncated, 0)


def test_run_may_keep_nothing(serve):
    pairs = serve(commands=sh(max_output=0)).client().pairs("RUN", "sh", "echo a; echo b >&2")
    assert (pairs["stdout"], pairs["stderr"], pairs["truncated"]) == (b"", b"", 1)


def test_a_megabyte_on_each_output_arrives(client):
    script = ("(yes out | head -c 1048576) & (yes err | head -c 1048576) >&2; wait")
    pairs = client.pairs("RUN", "sh", script)
    assert pairs["stdout"] == (b"out\n" * 262_144)
    assert pairs["stderr"] == (b"err\n" * 262_144)
    assert pairs["truncated"] == 0


def test_output_is_bytes(client):
    script = r"printf '\000\001\r\n$5\r\n\377*'"
    assert output(client, "sh", script) == b"\0\1\r\n$5\r\n\xff*"


def test_the_duration_is_not_shorter_than_the_command(client):
    assert 190 <= client.pairs("RUN", "sh", "sleep 0.2")["duration_ms"] < 20_000


def test_a_program_that_is_not_there_is_an_error(serve):
    server = serve(commands={"none": {"exec": "/none/such"}, "folder": {"exec": "/etc"},
                             "where": {"exec": "/bin/true", "cwd": "/none/such"}})
    client = server.client()
    before = len(open_files(server.pid))
    for name in ("none", "folder", "where"):
        for verb in ("RUN", "STREAM"):
            assert is_refused(client(verb, name))
    assert client("PING") == "PONG"
    assert len(open_files(server.pid)) == before


@pytest.mark.parametrize("keys, reason", [
    ({"exec": "/none/such"}, "/none/such is not there"),
    ({"exec": "{tmp}"}, "{tmp} is a folder"),
    ({"exec": "{tmp}/plain"}, "{tmp}/plain is not executable"),
    ({"exec": "{tmp}/script"}, "its interpreter /none/such is missing"),
    ({"exec": "{tmp}/text"}, "{tmp}/text is a text whose first line is not #!INTERPRETER"),
    ({"exec": "{tmp}/data"}, "{tmp}/data is no program for this machine"),
    ({"exec": "/bin/true", "cwd": "{tmp}/none"}, "its folder {tmp}/none is not there"),
    ({"exec": "/bin/true", "cwd": "{tmp}/plain"}, "its folder {tmp}/plain is not a folder"),
    ({"exec": "/bin/true {x}" + "{x}" * 200, "arg.x": "regex x*"},
     "its arguments and environment are longer than the system takes")])
def test_what_cannot_be_run_is_told_as_what_it_is(serve, tmp_path, keys, reason):
    for name, data, mode in (("plain", b"exit 0\n", 0o644), ("text", b"exit 0\n", 0o755),
                             ("script", b"#!/none/such -x\n", 0o755), ("data", bytes(99), 0o755)):
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).chmod(mode)
    keys = {key: value.replace("{tmp}", str(tmp_path)) for key, value in keys.items()}
    reason = reason.replace("{tmp}", str(tmp_path))
    server = serve(commands={"it": keys})
    client = server.client()
    for verb in ("RUN", "STREAM"):
        said = client(verb, "it", *["x" * 1000] * ("arg.x" in keys))
        assert said == Refusal(f"ERR it: cannot be run: {reason}")
    _, fields = parsed(server.wait_log("not_run command=it peer=127.0.0.1:"))
    assert [key for key, _ in fields] == ["command", "peer", "reason"]
    assert dict(fields)["reason"] == reason.encode()
    assert client("PING") == "PONG"


def test_what_a_command_leaves_running_is_killed(serve):
    server = serve()
    client = server.client()
    pgid = int(output(client, "sh", "echo $$; sleep 1000 & sleep 1000 >/dev/null 2>&1 & exit 0"))
    wait_for(lambda: not group(pgid), "end of the group")


def test_output_that_a_runaway_holds_open_does_not_keep_the_caller(client, tmp_path):
    escape = f"setsid sh -c 'echo $$ >{tmp_path}/pid; exec sleep 1000'"
    try:
        assert output(client, "sh", f"echo a; {escape} & {waiting(tmp_path / 'pid')}") == b"a\n"
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


# STREAM


def test_stream_tells_output_as_it_comes(client, tmp_path):
    script = (f"echo 1; {waiting(tmp_path / 'a')}; echo 2 >&2; {waiting(tmp_path / 'b')}; "
              "echo 3; exit 9")
    client.send(("STREAM", "sh", script), ("PING",))
    assert client.read() == [b"stdout", b"1\n"]
    (tmp_path / "a").touch()
    assert client.read() == [b"stderr", b"2\n"]
    (tmp_path / "b").touch()
    assert client.read() == [b"stdout", b"3\n"]
    assert client.read() == [b"exit", 9]
    assert client.read() == "PONG"


def test_stream_tells_which_signal_ended_it(client):
    client.send(("STREAM", "sh", "echo a; kill -KILL $$"))
    assert stream(client) == (b"a\n", b"", [b"signal", b"KILL"])


@pytest.mark.parametrize("script, end", [
    ("echo a; exec sleep 1000", [b"signal", b"TERM", b"timed_out"]),
    ("trap 'exit 3' TERM; echo a; while :; do :; done", [b"exit", 3, b"timed_out"])])
def test_stream_tells_that_time_was_over(serve, script, end):
    client = serve(commands=sh(timeout="300ms")).client()
    client.send(("STREAM", "sh", script))
    assert stream(client) == (b"a\n", b"", end)


def test_stream_of_a_silent_command_is_its_end(client):
    assert client("STREAM", "sh", "exit 0") == [b"exit", 0]


def test_stream_gives_all_of_much_output_in_order(client):
    client.send(("STREAM", "sh", "seq 1000000; seq 5 >&2"))
    expected = "".join(f"{n}\n" for n in range(1, 1_000_001)).encode()
    assert stream(client) == (expected, b"1\n2\n3\n4\n5\n", [b"exit", 0])


def test_a_caller_who_does_not_read_stops_the_command_and_nobody_else(serve):
    server = serve()
    client, other = server.client(), server.client()
    assert output(other, "sh", "yes | head -c 1000000")  # what is needed once is there now
    before = server.rss()
    client.send(("STREAM", "sh", "exec cat /dev/zero"))
    child = wait_for(lambda: children(server.pid), "command")[0]

    def written():
        return re.search(r"wchar: (\d+)", Path(f"/proc/{child}/io").read_text())[1]

    still, last = 0, None
    while still < 20:
        assert output(other, "sh", "echo a") == b"a\n"
        still, last = (still + 1, last) if written() == last else (0, written())
    assert int(last) < 100 << 20
    if not SANITIZED:
        assert server.rss() - before < 2048
    assert set(client.read()[1]) == {0}
    client.reset()
    no_children(server)


def test_a_late_reader_of_a_stream_gets_all_of_it(client):
    client.send(("STREAM", "sh", "seq 2000000"))
    client.sock.recv(1, 2)  # MSG_PEEK
    out, err, end = stream(client)
    assert out == "".join(f"{n}\n" for n in range(1, 2_000_001)).encode()
    assert (err, end) == (b"", [b"exit", 0])


def test_output_that_has_to_wait_stays_what_it_was(serve, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "f").write_bytes(bytes(32 * 1024))
    server = serve(main={"services": "files commands"}, root=root)
    client, other = server.client(), server.client()
    client.sock.settimeout(3)
    turns = 400  # as many as fill what is between us
    client.send(*[("GET", "f"), ("STREAM", "sh", "echo mine")] * turns)
    counts = []

    def stuck():
        counts.append(server.log().count("job command=sh"))
        other("PING")
        return len(counts) > 100 and counts[-100] == counts[-1]

    wait_for(stuck, "command that cannot say its output")
    assert output(other, "sh", "echo another caller") == b"another caller\n"
    for _ in range(turns):
        assert client.read() == bytes(32 * 1024)
        assert client.read() == [b"stdout", b"mine\n"]
        assert client.read() == [b"exit", 0]


# Arguments


@pytest.fixture
def argv(tmp_path):
    """A program that prints its arguments, each with a NUL."""
    path = tmp_path / "argv"
    path.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n")
    path.chmod(0o755)
    return path


def arguments(client, *values):
    return output(client, "argv", *values).split(b"\0")[:-1]


@pytest.mark.parametrize(
    "value",
    [b"a b", b"  a  ", b"", b"'", b'"', b"'a' \"b\"", b"$(id)", b"`id`", b"a;id", b"a|id", b"a&&id",
     b"a\nid", b"a\r\nid", b"*", b"?", b"[a-z]", b"~", b"{value}", b"{{", b"$HOME", b"\\", b"a\\",
     b"%s%n", b"#a", b"!!", b">x", b"<x", b"\xff\xfe", "é".encode(), b"\x1b[31m", b"x" * 1024])
def test_a_value_is_one_argument_whatever_is_in_it(serve, argv, value):
    exec_line = f"{argv} {{value}} --v={{value}} end"
    commands = {"argv": {"exec": exec_line, "arg.value": "regex (?s).*"}}
    client = serve(commands=commands).client()
    assert arguments(client, value) == [value, b"--v=" + value, b"end"]


def test_words_of_exec_are_split_by_quotes_and_blanks_alone(serve, argv):
    exec_line = f"""{argv}  a 'b  c' "d'e" f"g"h '' $HOME * {{{{x}} ;echo >y"""
    client = serve(commands={"argv": {"exec": exec_line}}).client()
    expected = [b"a", b"b  c", b"d'e", b"fgh", b"", b"$HOME", b"*", b"{x}"]
    assert arguments(client)[: len(expected)] == expected


@pytest.mark.parametrize("values", [[], ["a"], ["a", "b", "c"], ["a"] * 100])
def test_too_few_and_too_many_arguments_are_refused(serve, argv, values):
    client = serve(commands={"argv": {
        "exec": f"{argv} {{x}} {{y}}", "arg.x": "regex .*", "arg.y": "regex .*"}}).client()
    for verb in ("RUN", "STREAM"):
        reply = client(verb, "argv", *values)
        assert is_refused(reply) and reply.endswith("argv x y"), reply
    assert arguments(client, "1", "2") == [b"1", b"2"]


def test_arguments_are_given_in_the_order_of_their_lines(serve, argv):
    client = serve(commands={"argv": {
        "exec": f"{argv} {{y}} {{x}}", "arg.x": "int 0..9", "arg.y": "enum a|b"}}).client()
    assert arguments(client, "1", "a") == [b"a", b"1"]
    assert is_refused(client("RUN", "argv", "a", "1"))


TYPES = [
    ("int 0..100", ["0", "1", "99", "100"],
     ["-1", "101", "", " 1", "1 ", "+1", "01", "1.0", "0x1", "1e1", "a", "1\n", "1;id", b"1\0",
      "9" * 40, "-", "-0"]),
    ("int -5..5", ["-5", "-1", "0", "5"], ["-6", "6", "--1", "-05"]),
    ("int 9223372036854775806..9223372036854775807",
     ["9223372036854775806", "9223372036854775807"], ["9223372036854775808", "0"]),
    ("enum start|stop|re load", ["start", "stop", "re load"],
     ["", "sta", "startx", "start|stop", "|", "STOP", "stop ", "stop\n", b"stop\0"]),
    ("enum -a|--all", ["-a", "--all"], ["-", "-b", "--"]),
    ("regex [a-z]{1,3}", ["a", "abc"], ["", "abcd", "A", "a1", "a\n", "\na", "a\nb", b"a\0"]),
    ("regex a|bc", ["a", "bc"], ["ab", "abc", "b", "abcd"]),
    ("regex ^[0-9]+$", ["1", "12"], ["1\n", "1\n2", "x\n1", ""]),
    ("regex .*", ["", "a", "a-b"], ["-", "-a", "--help", "-e id", "a\n", "a\nb", b"a\0"]),
    (r"regex (?i)v\d+", ["v1", "V23"], ["v", "v1\n", "v1a", "vd", "v\u0661"]),
    ("regex -[a-z]", ["-a"], ["a", "--", "-aa"]),
]


@pytest.mark.parametrize("kind, good, bad", TYPES, ids=[kind for kind, _, _ in TYPES])
def test_a_value_is_of_its_type_or_refused_with_a_reason(serve, argv, kind, good, bad):
    client = serve(commands={"argv": {"exec": f"{argv} {{value}}", "arg.value": kind}}).client()
    for value in good:
        assert arguments(client, value) == [value.encode()]
    for value in bad:
        reply = client("RUN", "argv", value)
        assert is_refused(reply) and reply.startswith("ERR argv: value: "), (value, reply)
        assert reply.endswith(kind.partition(" ")[2])


def test_a_path_is_something_below_the_folder(serve, argv, tmp_path):
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    for name in ("file", "sub/file", "with blank", "a;id"):
        (folder / name).touch()
    (tmp_path / "outside").touch()
    (folder / "out").symlink_to(tmp_path / "outside")
    (folder / "in").symlink_to("file")
    (folder / "-x").touch()
    client = serve(commands={"argv": {
        "exec": f"{argv} {{p}} --file={{p}}", "arg.p": f"path {folder}"}}).client()
    for name in ("file", "sub/file", "sub", "with blank", "a;id", "in", "./-x"):
        expected = f"{folder}/{name}".encode()
        assert arguments(client, name) == [expected, b"--file=" + expected]
    for name in ("", "none", ".", "./", "..", "sub/..", "sub/../file", "../outside",
                 "sub/../../outside", "/etc/passwd", "out", "-x",
                 "file/", b"file\0", str(folder / "file"), "x" * 4097, "x/" * 2048):
        assert is_refused(client("RUN", "argv", name)), name


def test_a_value_that_is_too_long_is_refused(serve, argv):
    client = serve(
        commands={"argv": {"exec": f"{argv} {{value}}", "arg.value": "regex .*"}}).client()
    reply = client("RUN", "argv", "x" * 4097)
    assert is_refused(reply) and "too long" in reply and len(reply) < 300


def test_hostile_values_are_refused_soon_and_leave_no_memory_and_no_warning(serve):
    """A matcher that keeps its states, like regexec(3), keeps 3 MB for each of the values."""
    server = serve(daemon={"log_level": "notice"}, commands={
        "dash": {"exec": "/bin/echo {x}", "arg.x": "regex [a-z-]*-[a-z-]{20}"},
        "twice": {"exec": "/bin/echo {x}", "arg.x": "regex (a|aa)+"}})
    client, other = server.client(), server.client()
    rss, cpu = server.rss(), server.cpu()
    chance = random.Random(1)
    for _ in range(150):
        value = "a" + "".join(chance.choices("a-", k=1000)) + "!"
        client.send(("RUN", "dash", value), ("RUN", "twice", "a" * 1000 + "!"))
    asked = time.monotonic()
    assert other("PING") == "PONG"
    assert time.monotonic() - asked < 5
    for _ in range(150):
        reply = client.read()
        assert is_refused(reply) and "does not match" in reply, reply
        reply = client.read()
        assert is_refused(reply) and "cannot be matched (match limit exceeded)" in reply, reply
    assert server.cpu() - cpu < 5
    if not SANITIZED:
        assert server.rss() - rss < 4096
    assert "match_given_up" not in server.log()


def test_a_match_that_was_given_up_is_logged_with_command_argument_and_peer(serve):
    server = serve(commands={"twice": {"exec": "/bin/echo {x}", "arg.x": "regex (a|aa)+"}})
    client = server.client()
    assert is_refused(client("RUN", "twice", "b"))
    assert is_refused(client("RUN", "twice", "a" * 1000 + "\n"))
    line = server.wait_log("match_given_up command=twice peer=127.0.0.1:")
    assert dict(parsed(line)[1])["reason"] == (
        b"x: '%b' cannot be matched (match limit exceeded) with (a|aa)+" % (b"a" * 64))


@pytest.mark.parametrize(
    "words", [["none"], ["SH", "id"], ["sh;id", "x"], [b"sh\0", "x"], ["", "x"], ["/bin/sh", "x"],
              ["../sh", "x"], ["sh!id"], ["x" * 5000]])
def test_a_name_that_is_no_command_is_refused(client, words):
    reply = client("RUN", *words)
    assert is_refused(reply) and "there is no command" in reply
    assert is_refused(client("STREAM", *words))


# Time, and what a command leaves behind


STUBBORN = "trap '' TERM; echo $$; for i in 1 2 3; do sleep 1000 & done; wait; sleep 1000"


def test_time_ends_the_whole_group_even_if_it_ignores_that(serve):
    server = serve(commands=sh(timeout="200ms"))
    pairs = server.client().pairs("RUN", "sh", STUBBORN)
    assert (pairs["signal"], pairs["timed_out"]) == (b"KILL", 1)
    wait_for(lambda: not group(int(pairs["stdout"])), "end of the group")
    no_children(server)


def test_a_command_that_stops_itself_is_ended_too(serve):
    pairs = serve(commands=sh(timeout="200ms")).client().pairs("RUN", "sh", "kill -STOP $$")
    assert (pairs["signal"], pairs["timed_out"]) == (b"KILL", 1)


def test_two_hundred_runs_leave_no_zombies_and_no_descriptors(serve):
    server = serve()
    client = server.client()
    assert output(client, "sh", "echo a")
    before = len(open_files(server.pid))
    client.send(*[("RUN", "sh", f"echo {n}; exit {n % 5}") for n in range(200)])
    for n in range(200):
        reply = client.read()
        assert (reply[1], reply[9]) == (n % 5, b"%d\n" % n)
    assert children(server.pid) == []
    assert len(open_files(server.pid)) == before


# Who waits for whom


COUNTING = ("mkdir {dir}/$$; ls {dir} | wc -l; sleep 0.25; rmdir {dir}/$$")


def test_no_more_run_at_once_than_may(serve, tmp_path):
    server = serve(commands=sh(max_running=4, max_waiting=1000))
    (tmp_path / "count").mkdir()
    clients = [server.client() for _ in range(40)]
    for client in clients:
        client.send(("RUN", "sh", COUNTING.format(dir=tmp_path / "count")))
    counts = [int(client.read()[9]) for client in clients]
    assert 1 <= max(counts) <= 4


def test_a_hundred_at_once_run_or_wait_or_are_told_to_come_again(serve, tmp_path):
    server = serve()
    clients = [server.client() for _ in range(100)]
    for n, client in enumerate(clients):
        client.send(("RUN", "sh", f"echo {n}; {waiting(tmp_path / 'go')}"))
    patient = {client.sock: n for n, client in enumerate(clients)}
    while len(patient) > 20:  # four run, and sixteen wait
        ready = select.select(list(patient), [], [], DEADLINE_S)[0]
        assert ready, f"{len(patient)} run or wait"
        for sock in ready:
            assert is_refused(clients[patient.pop(sock)].read(), "BUSY")
    (tmp_path / "go").touch()
    for n in patient.values():
        assert clients[n].read()[9] == b"%d\n" % n


def test_the_places_of_one_command_are_not_those_of_another(serve, tmp_path):
    server = serve(commands={**sh(max_running=1, max_waiting=0), "other": {"exec": "/bin/true"}})
    first, second = server.client(), server.client()
    first.send(("RUN", "sh", waiting(tmp_path / "go")))
    wait_for(lambda: children(server.pid), "command")
    assert is_refused(second("RUN", "sh", "echo"), "BUSY")
    assert second.pairs("RUN", "other")["exit"] == 0
    (tmp_path / "go").touch()
    assert first.read()[1] == 0
    assert second.pairs("RUN", "sh", "exit 4")["exit"] == 4


def test_who_leaves_while_waiting_does_not_run(serve, tmp_path):
    server = serve(commands=sh(max_running=1))
    first, second = server.client(), server.client()
    first.send(("RUN", "sh", waiting(tmp_path / "go")))
    wait_for(lambda: children(server.pid), "command")
    second.send(("RUN", "sh", f"touch {tmp_path}/ran"))
    assert server.client()("PING") == "PONG"
    second.reset()
    server.wait_log("reason=reset")
    (tmp_path / "go").touch()
    first.read()
    assert output(first, "sh", "echo next") == b"next\n"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("leaves", ["close", "reset"])
def test_who_leaves_while_waiting_makes_room_for_another(serve, tmp_path, leaves):
    server = serve(commands=sh(max_running=1, max_waiting=1), main={"listen": f"unix:{tmp_path}/s"}
                   if leaves == "close" else {})
    where = tmp_path / "s" if leaves == "close" else "main"
    first, second, third = (server.client(where) for _ in range(3))
    first.send(("RUN", "sh", waiting(tmp_path / "go")))
    wait_for(lambda: children(server.pid), "command")
    second.send(("RUN", "sh", f"touch {tmp_path}/ran"))
    settle(third)
    assert is_refused(third("RUN", "sh", "echo third"), "BUSY")
    getattr(second, leaves)()
    server.wait_log("reason=reset")
    third.send(("RUN", "sh", "echo third"))
    settle(server.client(where))
    (tmp_path / "go").touch()
    assert first.read()[1] == 0
    assert third.read()[9] == b"third\n"
    assert not (tmp_path / "ran").exists()


# Callers that leave


@pytest.mark.parametrize("verb", ["RUN", "STREAM"])
def test_a_command_ends_with_its_caller(serve, verb):
    server = serve()
    client = server.client()
    before = len(open_files(server.pid))
    client.send((verb, "sh", "sleep 1000"))
    child = wait_for(lambda: children(server.pid), "command")[0]
    client.reset()
    assert "signal=TERM" in server.wait_log("job command=sh")
    wait_for(lambda: not group(child), "end of the group")
    wait_for(lambda: len(open_files(server.pid)) == before - 1, "end of descriptors")


def test_a_command_ends_when_its_caller_closes_a_unix_socket(serve, tmp_path):
    server = serve(main={"listen": f"unix:{tmp_path}/s"})
    client = server.client(tmp_path / "s")
    client.send(("RUN", "sh", "sleep 1000"))
    wait_for(lambda: children(server.pid), "command")
    client.close()
    assert "signal=TERM" in server.wait_log("job command=sh")


@pytest.mark.parametrize("verb", ["RUN", "STREAM"])
def test_a_command_goes_on_without_its_caller_where_configured(serve, tmp_path, verb):
    server = serve(commands=sh(on_disconnect="continue"))
    client = server.client()
    script = f"{waiting(tmp_path / 'go')}; seq 100000; touch {tmp_path}/done; exit 5"
    client.send((verb, "sh", script))
    wait_for(lambda: children(server.pid), "command")
    client.reset()
    server.wait_log("reason=reset")
    (tmp_path / "go").touch()
    assert "exit=5" in server.wait_log("job command=sh")
    assert (tmp_path / "done").exists()
    no_children(server)


def test_a_caller_that_only_stops_sending_gets_the_answer(serve, tmp_path):
    server = serve(main={"listen": f"tcp:127.0.0.1:0 unix:{tmp_path}/s"})
    for n, where in enumerate(("main", tmp_path / "s")):
        client = server.client(where)
        client.send(("RUN", "sh", f"{waiting(tmp_path / str(n))}; echo late"), ("PING",))
        wait_for(lambda: children(server.pid), "command")
        client.sock.shutdown(1)
        assert server.client(where)("PING") == "PONG"
        (tmp_path / str(n)).touch()
        assert client.read()[9] == b"late\n"
        assert client.read() == "PONG"
        assert client.ended()


def test_a_caller_who_waits_long_is_not_idle(serve, tmp_path):
    client = serve(main={"idle_timeout": "200ms", "write_timeout": "200ms"}).client()
    assert output(client, "sh", "sleep 0.7; echo late") == b"late\n"


def test_a_caller_who_takes_nothing_of_a_stream_is_cut_off_and_the_command_ends(serve):
    server = serve(main={"write_timeout": "300ms"})
    server.client().send(("STREAM", "sh", "exec cat /dev/zero"))
    server.wait_log("reason=stalled")
    assert "signal=TERM" in server.wait_log("job command=sh")


# What a command is given


def test_the_environment_is_what_is_declared(serve):
    server = serve(env={"SECRET": "1", "LC_ALL": "C"}, commands={
        "env": {"exec": "/usr/bin/env -0"},
        "more": {"exec": "/usr/bin/env -0", "env.TERM": "dumb", "env.PATH": "/bin",
                 "env.TEXT": "a b = 'c'"}})
    client = server.client()
    path = b"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert sorted(output(client, "env").split(b"\0")) == [b"", b"LANG=C.UTF-8", path]
    assert sorted(output(client, "more").split(b"\0")) == [
        b"", b"LANG=C.UTF-8", b"PATH=/bin", b"TERM=dumb", b"TEXT=a b = 'c'"]


def test_the_folder_is_the_root_or_what_is_declared(serve, tmp_path):
    client = serve(commands={
        "root": {"exec": "/bin/pwd"}, "there": {"exec": "/bin/pwd", "cwd": tmp_path}}).client()
    assert output(client, "root") == b"/\n"
    assert output(client, "there") == f"{tmp_path}\n".encode()


def test_the_nice_value_is_what_is_declared(serve, tmp_path):
    server = serve(commands=sh(nice=7))
    client = server.client()
    ours = os.getpriority(os.PRIO_PROCESS, server.pid)
    client.send(("RUN", "sh", waiting(tmp_path / "go")))
    child = wait_for(lambda: children(server.pid), "command")[0]
    wait_for(lambda: os.getpriority(os.PRIO_PROCESS, child) == min(ours + 7, 19), "nice value")
    (tmp_path / "go").touch()
    assert client.read()[1] == 0
    assert os.getpriority(os.PRIO_PROCESS, server.pid) == ours


def test_standard_input_is_empty_and_no_other_descriptor_is_open(client):
    listing = "cd /proc/self/fd && exec ls -l ."
    lines = output(client, "sh", f"cat; {listing}").decode().splitlines()
    links = {line.split()[-3]: line.split()[-1] for line in lines if "->" in line}
    assert links.pop("0") == "/dev/null"
    assert sorted(links)[:2] == ["1", "2"] and links.pop("1") != links.pop("2")
    assert list(links) in ([], ["3"])  # the folder that ls(1) reads
    assert output(client, "sh", "cat") == b""


def test_descriptors_of_others_are_not_passed_on(serve):
    server = serve(prefix=["sh", "-c", 'exec "$@" 5</etc/passwd 9</etc/group', "sh"])
    client = server.client()
    text = output(client, "sh", "ls -l /proc/$$/fd").decode()
    assert "/etc/passwd" not in text and "/etc/group" not in text and "socket:" not in text


def test_no_signal_is_blocked_or_ignored(serve):
    ignoring = ["sh", "-c", 'trap "" HUP USR2 CHLD QUIT; exec "$@"', "sh"]
    client = serve(prefix=ignoring, commands={"status": {"exec": "/bin/cat /proc/self/status"}}
                   ).client()
    text = output(client, "status").decode()
    for name in ("SigBlk", "SigIgn"):
        assert re.search(rf"{name}:\s+0+$", text, re.M), text


def test_a_command_has_a_group_of_its_own(serve):
    server = serve()
    fields = output(server.client(), "sh", "exec cat /proc/self/stat").split()
    assert fields[4] == fields[0]
    assert int(fields[3]) == server.pid


# Who may


AS_ANOTHER = """\
import socket, sys
sock = socket.socket(socket.AF_UNIX)
sock.settimeout(20)
sock.connect(sys.argv[1])
sock.sendall(sys.stdin.buffer.read())
sock.shutdown(socket.SHUT_WR)
while part := sock.recv(65536):
    sys.stdout.buffer.write(part)
"""


def ask_as(path, uid, groups, *requests):
    """What a UNIX socket says to another user."""
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    path.parent.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", AS_ANOTHER, path.name], cwd=path.parent, user=uid, group=groups[0],
        extra_groups=groups[1:], input=b"".join(pack(*words) for words in requests),
        stdout=subprocess.PIPE, timeout=DEADLINE_S)
    return done.stdout


@pytest.fixture
def shared(serve, tmp_path):
    """Sockets for all, commands for some."""
    true = {"exec": "/bin/true"}
    commands = {
        "anybody": true,
        "user": {**true, "allow_users": "nobody"},
        "group": {**true, "allow_groups": "4321"},
        "either": {**true, "allow_users": "1234", "allow_groups": "4321"},
        "network": {**true, "allow": "127.0.0.1"},
        "other": {**true, "allow": "192.0.2.0/24"},
    }
    common = {"protocol": "resp", "services": "commands", "socket_mode": "0666"}
    return serve(
        commands=commands,
        main={"listen": f"tcp:127.0.0.1:0 unix:{tmp_path}/s", "socket_mode": "0666"},
        users={"listen": f"unix:{tmp_path}/users", **common, "allow_users": "1234"},
        groups={"listen": f"unix:{tmp_path}/groups", **common, "allow_groups": "4321"})


NAMES = [b"anybody", b"user", b"group", b"either", b"network", b"other"]


@pytest.mark.parametrize(
    "uid, groups, allowed",
    [(NOBODY, [NOBODY], [b"anybody", b"user"]),
     (1234, [1234], [b"anybody", b"either"]),
     (1235, [4321], [b"anybody", b"group", b"either"]),
     (1235, [1235, 5, 4321], [b"anybody", b"group", b"either"]),
     (1235, [1235], [b"anybody"])])
def test_a_command_is_for_those_it_names(shared, tmp_path, uid, groups, allowed):
    requests = [("RUN", name) for name in NAMES]
    said = ask_as(tmp_path / "s", uid, groups, *requests, ("COMMANDS",))
    for name in NAMES:
        refusal = b"-NOPERM command '%b' is not allowed for unix:uid=%d" % (name, uid)
        assert (refusal in said) == (name not in allowed), said
    listed = said[said.rindex(b"*%d\r\n*3\r\n" % len(allowed)):]
    assert re.findall(rb"\*3\r\n\$\d+\r\n(\w+)\r\n", listed) == allowed
    assert said.count(b"duration_ms") == len(allowed)


@pytest.mark.parametrize(
    "where, uid, groups, allowed",
    [("users", 1234, [1], True), ("users", 1235, [4321], False), ("groups", 1, [4321], True),
     ("groups", 1, [1, 4321], True), ("groups", 1234, [1234], False)])
def test_a_listener_is_for_those_it_names(shared, tmp_path, where, uid, groups, allowed):
    try:
        said = ask_as(tmp_path / where, uid, groups, ("PING",))
    except BrokenPipeError:
        said = b""
    assert said == (b"+PONG\r\n" if allowed else b"")


def test_over_tcp_the_networks_of_a_command_count(shared):
    client = shared.client()
    assert [row[0] for row in client("COMMANDS")] == [b"anybody", b"network"]
    assert client.pairs("RUN", "network")["exit"] == 0
    for name in ("user", "group", "either", "other"):
        for verb in ("RUN", "STREAM"):
            assert is_refused(client(verb, name), "NOPERM")
    shared.wait_log("refused command=other peer=127.0.0.1:")


def test_what_a_caller_can_cause_is_no_warning(serve):
    """Nor a notice: who asks for it would fill the log of those who read no more than that."""
    server = serve(daemon={"log_level": "notice"}, commands={
        "other": {"exec": "/bin/true", "allow": "192.0.2.0/24"}, "none": {"exec": "/none/such"}})
    client = server.client()
    before = server.log()
    for name, code in ("other", "NOPERM"), ("none", "ERR"), ("nothing", "ERR"):
        assert is_refused(client("RUN", name), code)
    server.signal(signal.SIGUSR1)
    server.wait_log("stats ")
    assert re.split(r"\n\S+ stats ", server.log())[0] == before


def test_the_list_tells_name_usage_and_description(serve):
    client = serve(commands={
        "plain": {"exec": "/bin/true"},
        "more": {"exec": "/bin/echo {b} {a}", "arg.a": "int 1..2", "arg.b": "enum x|y",
                 "description": "says it, twice"}}).client()
    assert client("COMMANDS") == [
        [b"plain", b"plain", b""], [b"more", b"more a b", b"says it, twice"]]


# Configuration


def check(tmp_path, text):
    path = tmp_path / "x.ini"
    path.write_text(text)
    done = run("--check", "-c", path)
    return done.returncode, done.stdout + done.stderr


def test_commands_over_tcp_need_a_list_of_who_may(tmp_path):
    text = config().replace("allow = 127.0.0.1\n", "")
    status, said = check(tmp_path, text)
    assert status == 1
    assert re.search(rf"{tmp_path}/x\.ini:\d+: .*allow", said), said


@pytest.mark.parametrize(
    "keys, line, reason",
    [({"exec": "/bin/echo 'a"}, "exec", "quote"),
     ({"exec": '/bin/echo "a'}, "exec", "quote"),
     ({"exec": "/bin/echo {none}"}, "exec", "arg.none"),
     ({"exec": "bin/echo"}, "exec", "absolute"),
     ({"exec": "echo a"}, "exec", "absolute"),
     ({"exec": "''"}, "exec", "absolute"),
     ({"exec": "/bin/{x}", "arg.x": "enum a|b"}, "exec", "absolute"),
     ({"exec": "/bin/echo {x}", "arg.x": "string"}, "arg.x", "int MIN..MAX"),
     ({"exec": "/bin/echo {x}", "arg.x": "regex"}, "arg.x", "int MIN..MAX"),
     ({"exec": "/bin/echo {x}", "arg.x": "int"}, "arg.x", "int MIN..MAX"),
     ({"exec": "/bin/echo {x}", "arg.x": "int 5..1"}, "arg.x", "int MIN..MAX"),
     ({"exec": "/bin/echo {x}", "arg.x": "int a..b"}, "arg.x", "int MIN..MAX"),
     ({"exec": "/bin/echo {x}", "arg.x": "regex a["}, "arg.x", "after 'a[' (byte 2): missing"),
     ({"exec": "/bin/echo {x}", "arg.x": "regex *.txt"}, "arg.x", "; .* is any text"),
     ({"exec": "/bin/echo {x}", "arg.x": "path tmp"}, "arg.x", "absolute"),
     ({"exec": "/bin/echo", "arg.x": "int 1..2"}, "arg.x", "{x}"),
     ({"exec": "/bin/true", "cwd": "tmp"}, "cwd", "absolute"),
     ({"exec": "/bin/true", "nice": "20"}, "nice", ""),
     ({"exec": "/bin/true", "max_running": "0"}, "max_running", ""),
     ({"exec": "/bin/true", "on_disconnect": "maybe"}, "on_disconnect", ""),
     ({"exec": "/bin/true", "allow_users": "no_such_user"}, "allow_users", ""),
     ({"exec": "/bin/true", "shell": "yes"}, "shell", "")])
def test_a_mistake_in_a_command_names_its_line(tmp_path, keys, line, reason):
    text = config(commands={"x": keys})
    number = [at.partition(" =")[0] for at in text.splitlines()].index(line) + 1
    status, said = check(tmp_path, text)
    assert status == 1
    assert re.search(rf"{tmp_path}/x\.ini:{number}: .*{re.escape(reason)}", said), said


WARNINGS = [
    ({"exec": "/none/such"}, "exec", "/none/such is not there"),
    ({"exec": "/etc"}, "exec", "/etc is a folder"),
    ({"exec": "/dev/null"}, "exec", "/dev/null is not a regular file"),
    ({"exec": "/etc/passwd"}, "exec", "/etc/passwd is not executable"),
    ({"exec": "/bin/true", "cwd": "/none/such"}, "cwd", "/none/such is not there"),
    ({"exec": "/bin/true", "cwd": "/etc/passwd"}, "cwd", "/etc/passwd is not a folder"),
    ({"exec": "/bin/echo {x}", "arg.x": "int 1..2", "env.X": "a{x}"}, "env.X",
     "{x} stands for an argument in exec only")]


@pytest.mark.parametrize("keys, line, reason", WARNINGS)
def test_what_cannot_be_done_for_a_command_is_a_warning_at_its_line(tmp_path, keys, line, reason):
    text = config(commands={"x": keys})
    number = [at.partition(" =")[0] for at in text.splitlines()].index(line) + 1
    path = tmp_path / "x.ini"
    path.write_text(text)
    done = run("--check", "-c", path)
    assert (done.returncode, done.stdout) == (0, f"{path}: no errors\n")
    assert done.stderr == f"{path}:{number}: {line}: warning: {reason}\n"


def test_a_warning_is_logged_once_at_the_start_and_at_each_reload(serve):
    server = serve(commands={"x": {"exec": "/none/such"}})
    assert server.log().count("exec: warning: /none/such is not there") == 1
    server.reload()
    server.wait_log("reloaded ")
    assert server.log().count("exec: warning: /none/such is not there") == 2
    server.reload(config(commands={"x": {"exec": "/none/such", "nice": "20"}}))
    server.wait_log("not_reloaded ")
    assert server.log().count("warning: ") == 2


def test_the_usual_commands_have_no_warning(serve):
    server = serve(commands={**sh(nice=5, cwd="/tmp", timeout="5s", **{"env.A": "{b}"}),
                             "true": {"exec": "/bin/true"}})
    assert "warning" not in server.log()


SECCOMP = """\
import ctypes, os, platform, struct, sys
number = {"x86_64": 141, "aarch64": 140}[platform.machine()]  # setpriority
code = struct.pack("=" + "HBBI" * 4, 0x20, 0, 0, 0, 0x15, 0, 1, number,
                   0x06, 0, 0, 0x00050001, 0x06, 0, 0, 0x7fff0000)
code = ctypes.create_string_buffer(code)
libc = ctypes.CDLL(None, use_errno=True)
program = ctypes.create_string_buffer(struct.pack("@HP", 4, ctypes.addressof(code)))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_a_nice_value_that_cannot_be_given_is_a_warning_and_the_command_runs(serve):
    if os.uname().machine not in ("x86_64", "aarch64"):
        pytest.skip("the number of setpriority(2) is not known here")
    server = serve(prefix=[sys.executable, "-c", SECCOMP], commands=sh(nice=5))
    assert "nice.conf" in server.wait_log("nice: warning: ")
    assert output(server.client(), "sh", "nice") == b"%d\n" % os.getpriority(
        os.PRIO_PROCESS, server.pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_program_that_is_not_to_be_another_user_is_a_warning(serve, tmp_path):
    program = tmp_path / "true"
    program.write_bytes(Path("/bin/true").read_bytes())
    os.chown(program, NOBODY, NOBODY)
    program.chmod(0o4755)
    commands = {"x": {"exec": program}}
    assert "warning" not in serve(commands=commands).log()
    server = serve(prefix=["setpriv", "--no-new-privs"], commands=commands)
    assert "sudo.conf" in server.wait_log("exec: warning: ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_time_that_cannot_end_another_user_is_a_warning(tmp_path):
    """/usr/bin/passwd is set-user-ID wherever it is."""
    it = tmp_path / "pollard"
    tmp_path.chmod(0o755)
    it.write_bytes(Path(POLLARD).read_bytes())
    it.chmod(0o755)
    for timeout, warned in ("5s", True), ("0", False):
        text = config(commands={"x": {"exec": "/usr/bin/passwd", "timeout": timeout}})
        (tmp_path / "x.ini").write_text(text)
        done = subprocess.run(
            ["./pollard", "--check", "-c", "x.ini"], cwd=tmp_path, user=NOBODY, group=NOBODY,
            extra_groups=[], capture_output=True, text=True, timeout=DEADLINE_S)
        assert done.returncode == 0
        assert ("timeout: warning: /usr/bin/passwd is set-user-ID" in done.stderr) == warned
        assert done.stderr.count("warning") == warned


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file capabilities")
def test_a_program_whose_capabilities_are_kept_from_it_is_a_warning(serve, tmp_path):
    program = tmp_path / "true"
    program.write_bytes(Path("/bin/true").read_bytes())
    program.chmod(0o755)
    net_raw = (0x02000001).to_bytes(4, "little") + (1 << 13).to_bytes(4, "little") + bytes(12)
    try:
        os.setxattr(program, "security.capability", net_raw)
    except OSError as error:
        pytest.skip(f"security.capability: {error}")
    commands = {"x": {"exec": program}}
    assert "warning" not in serve(commands=commands).log()
    server = serve(prefix=["setpriv", "--bounding-set", "-net_raw"], commands=commands)
    assert "ping.conf" in server.wait_log("exec: warning: ")
    assert server.client()("RUN", "x") == Refusal(
        f"ERR x: cannot be run: {program} needs capabilities that are kept from it")


def test_a_command_without_a_program_is_a_mistake(tmp_path):
    status, said = check(tmp_path, config(commands={"x": {"description": "none"}}))
    assert status == 1 and "exec" in said


# Reload and stop


def test_a_changed_command_is_used_from_now_on_and_one_that_runs_keeps_its_own(serve, tmp_path):
    server = serve(commands=sh(**{"env.WHICH": "old"}))
    first, second = server.client(), server.client()
    first.send(("RUN", "sh", f"{waiting(tmp_path / 'go')}; echo $WHICH"),
               ("RUN", "sh", "echo $WHICH"))
    wait_for(lambda: children(server.pid), "command")
    server.reload(config(commands=sh(**{"env.WHICH": "new"})))
    wait_for(lambda: output(second, "sh", "echo $WHICH") == b"new\n", "reload")
    (tmp_path / "go").touch()
    assert first.read()[9] == b"old\n"
    assert first.read()[9] == b"new\n"


@pytest.fixture
def queue(serve, tmp_path):
    """A server, one who has the only place until tmp_path/go, who waits for it, and another."""
    server = serve(commands=sh(max_running=1))
    first, second, third = (server.client() for _ in range(3))
    first.send(("RUN", "sh", f"{waiting(tmp_path / 'go')}; echo first"))
    wait_for(lambda: children(server.pid), "command")
    second.send(("RUN", "sh", "echo second"), ("PING",))
    settle(third)
    return server, first, second, third


def test_who_waits_for_a_command_that_is_removed_is_told_so_at_once(queue, tmp_path):
    server, first, second, third = queue
    server.reload(config(commands={}))
    assert second.read() == Refusal("ERR there is no command 'sh'; COMMANDS lists them")
    assert second.read() == "PONG"
    assert third("COMMANDS") == []
    (tmp_path / "go").touch()
    assert first.read()[9] == b"first\n"


def commands_with(**keys):
    return {"sh": {**SHELL, "max_running": 1, **keys}}


@pytest.mark.parametrize("commands, code, reason", [
    (commands_with(allow="192.0.2.0/24"), "NOPERM", "command 'sh' is not allowed for 127.0.0.1:"),
    (commands_with(allow_users="root"), "NOPERM", "command 'sh' is not allowed for 127.0.0.1:"),
    (commands_with(**{"arg.script": "enum a|b"}), "ERR", "sh: script: 'echo second' is not one of"),
    ({"sh": {"exec": "/bin/true", "max_running": 1}}, "ERR", "1 arguments where 0 are wanted: sh"),
    (commands_with(exec="/none/such {script}"), "ERR", "sh: cannot be run: /none/such is not")])
def test_who_waits_is_refused_what_is_not_to_be_had_any_more(
        queue, tmp_path, commands, code, reason):
    server, first, second, _ = queue
    server.reload(config(commands=commands))
    server.wait_log("reloaded ")
    (tmp_path / "go").touch()
    assert first.read()[9] == b"first\n"
    said = second.read()
    assert said.startswith(f"{code} {reason}"), said
    assert second.read() == "PONG"
    server.wait_log("job command=sh")
    assert server.log().count("job command=sh") == 1


def test_who_waits_is_given_what_the_command_has_become(queue, tmp_path):
    server, first, second, _ = queue
    commands = commands_with(**{"exec": "/bin/sh -c {script};env new", "env.WHICH": "new"})
    server.reload(config(commands=commands))
    server.wait_log("reloaded ")
    (tmp_path / "go").touch()
    assert first.read()[9] == b"first\n"
    reply = second.read()
    assert reply[9].startswith(b"second\n") and b"WHICH=new\n" in reply[9]
    server.wait_log('stderr=0 arg=-c arg="echo second;env" arg=new')


def test_places_are_those_of_the_name_as_long_as_anything_runs(queue, tmp_path):
    server, first, second, third = queue
    server.reload(config(commands={}))
    assert is_refused(second.read())
    one = sh(max_running=1, max_waiting=1)
    server.reload(config(commands=one))
    wait_for(lambda: third("COMMANDS"), "reload")
    assert second.read() == "PONG"
    second.send(("RUN", "sh", "echo second"))
    settle(third)
    assert is_refused(third("RUN", "sh", "echo third"), "BUSY")
    assert len(children(server.pid)) == 1
    server.reload(config(commands={}))
    assert is_refused(second.read())
    server.reload(config(commands=one))
    wait_for(lambda: third("COMMANDS"), "reload")
    (tmp_path / "go").touch()
    assert first.read()[9] == b"first\n"
    assert output(third, "sh", "echo third") == b"third\n"


def test_who_is_called_by_a_reload_finds_all_of_the_new_configuration(queue, tmp_path):
    server, first, second, third = queue
    second.send(("RUN", "new"), ("RUN", "first"), ("COMMANDS",))
    settle(third)
    true = {"exec": "/bin/true", "max_running": 1, "max_waiting": 0}
    server.reload(config(commands={"first": true, "new": true}))
    assert is_refused(second.read())
    assert second.read() == "PONG"
    assert second.read()[1] == 0
    assert second.read()[1] == 0
    assert [row[0] for row in second.read()] == [b"first", b"new"]
    (tmp_path / "go").touch()
    assert first.read()[9] == b"first\n"


def test_a_stream_that_waits_for_its_caller_survives_a_reload(serve):
    server = serve()
    client, other = server.client(), server.client()
    client.send(("STREAM", "sh", "seq 2000000"))
    child = wait_for(lambda: children(server.pid), "command")[0]
    wait_for(lambda: "pipe" in Path(f"/proc/{child}/wchan").read_text() or
             Path(f"/proc/{child}/stat").read_text().split()[2] == "S", "command that waits")
    for commands in ({}, sh(max_running=1, timeout="1h")):
        server.reload(config(commands=commands))
        wait_for(lambda: len(other("COMMANDS")) == len(commands), "reload")
    out, err, end = stream(client)
    assert out == "".join(f"{n}\n" for n in range(1, 2_000_001)).encode()
    assert (err, end) == (b"", [b"exit", 0])


def test_a_reload_that_raises_the_number_of_places_lets_those_who_wait_run(serve, tmp_path):
    server = serve(commands=sh(max_running=1))
    first, second = server.client(), server.client()
    first.send(("RUN", "sh", f"{waiting(tmp_path / 'go')}"))
    wait_for(lambda: children(server.pid), "command")
    second.send(("RUN", "sh", "echo second"))
    assert server.client()("PING") == "PONG"
    server.reload(config(commands=sh(max_running=2)))
    assert second.read()[9] == b"second\n"
    (tmp_path / "go").touch()
    assert first.read()[1] == 0


def test_a_stop_waits_for_a_command(serve, tmp_path):
    server = serve()
    client = server.client()
    client.send(("RUN", "sh", f"{waiting(tmp_path / 'go')}; echo done"))
    wait_for(lambda: children(server.pid), "command")
    server.signal(signal.SIGTERM)
    server.wait_log("stopping clients=1")
    (tmp_path / "go").touch()
    assert client.read()[9] == b"done\n"
    assert client.ended()
    client.close()
    assert server.wait() == 0


@pytest.mark.parametrize("timeout", ["0", "200ms"])
def test_a_stop_that_waits_no_longer_leaves_no_process(serve, timeout):
    server = serve(daemon={"drain_timeout": timeout})
    client = server.client()
    client.send(("STREAM", "sh", STUBBORN))
    pgid = int(client.read()[1])
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    wait_for(lambda: not group(pgid), "end of the group")


def test_a_stop_ends_what_went_on_without_its_caller(serve):
    server = serve(commands=sh(on_disconnect="continue"))
    client = server.client()
    client.send(("STREAM", "sh", STUBBORN))
    pgid = int(client.read()[1])
    client.reset()
    server.wait_log("reason=reset")
    assert group(pgid)
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    wait_for(lambda: not group(pgid), "end of the group")


def test_a_place_is_free_when_the_command_has_ended_however_slow_its_caller(serve):
    server = serve(commands=sh(max_running=1, timeout="300ms"))
    idle, other = server.client(), server.client()
    idle.send(("STREAM", "sh", "head -c 200000000 /dev/zero"))
    wait_for(lambda: children(server.pid), "command")
    other.sock.settimeout(20)
    assert other.pairs("RUN", "sh", "exit 3")["exit"] == 3


# The log, and pipelines


FORGERIES = [
    b"", b" ", b"a b", b'a" exit=0 b"', b"a\nclosed listener=main", b"\r\n", b"\\n\\", b"\x1b[31m\x07",
    "\u00e9\u2028\U0001f600".encode(), b"\xff\xfe\x80", bytes(range(1, 256)), b"'", b"a=b",
    b"...", b'"..."', b'\\" exit=0', b"\t\v\f\b\a", b"\x7f1", b"exit=0", b"#;$`"]


def test_a_run_is_logged_with_its_arguments_as_they_were_given(serve):
    server = serve(commands={"x": {
        "exec": "/bin/sh -c 'echo out; exit 3' {a} {b}", "arg.a": "regex (?s).*",
        "arg.b": "regex (?s).*"}})
    client = server.client()
    for n, value in enumerate(FORGERIES):
        assert client.pairs("RUN", "x", value, "b c")["exit"] == 3, value
        server.wait_log("job command=x", count=n + 1)
        event, fields = parsed(server.log().splitlines()[-1])
        assert event == "job"
        assert [key for key, _ in fields] == [
            "command", "peer", "exit", "ms", "stdout", "stderr", "arg", "arg", "arg", "arg"]
        assert dict(fields)["exit"] == b"3" and dict(fields)["stdout"] == b"4"
        assert [said for _, said in fields[6:]] == [b"-c", b"echo out; exit 3", value, b"b c"]


@pytest.mark.parametrize("sizes, logged, cut", [
    ((511,), [511], False), ((512,), [512], True), ((509, 1), [509, 1], False),
    ((510, 1), [510, 1], True), ((511, 1), [511], True), ((510, 0, 1), [510], True),
    ((100, 1000, 1), [100, 411], True)])
def test_arguments_that_are_too_long_for_the_log_are_marked_as_cut(serve, sizes, logged, cut):
    names = [f"a{n}" for n in range(len(sizes))]
    server = serve(commands={"x": {
        "exec": "/bin/true " + " ".join(f"{{{name}}}" for name in names),
        **{f"arg.{name}": "regex .*" for name in names}}})
    server.client()("RUN", "x", *("x" * size for size in sizes))
    line = server.wait_log("job command=x")
    assert [said for key, said in parsed(line)[1] if key == "arg"] == [b"x" * n for n in logged]
    assert line.endswith('"...') == cut


def test_how_a_run_ended_is_logged_as_its_status_or_as_a_signal(serve):
    server = serve(commands=sh(timeout="300ms"))
    client = server.client()
    for script, how in (("exit 255", [("exit", b"255")]), ("kill -9 $$", [("signal", b"KILL")]),
                        ("kill -40 $$", [("signal", b"unknown")]),
                        ("sleep 1000", [("signal", b"TERM"), ("timed_out", b"yes")])):
        client("RUN", "sh", script)
        fields = parsed(server.wait_log(f'arg="{script}"'))[1]
        assert [f for f in fields if f[0] in ("exit", "signal", "timed_out")] == how


def test_a_pipeline_is_answered_in_order(client):
    client.send(("PING",), ("RUN", "sh", "sleep 0.2; echo a"), ("PING",),
                ("STREAM", "sh", "echo b"), ("ECHO", "c"), ("RUN", "none"), ("PING",))
    assert client.read() == "PONG"
    assert client.read()[9] == b"a\n"
    assert client.read() == "PONG"
    assert client.read() == [b"stdout", b"b\n"]
    assert client.read() == [b"exit", 0]
    assert client.read() == b"c"
    assert is_refused(client.read())
    assert client.read() == "PONG"
