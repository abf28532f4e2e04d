# SPDX-License-Identifier: MIT
"""The service commands: what runs, with what, for whom, and that nothing is left of it."""

import os
import re
import select
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import DEADLINE_S, SANITIZED, ini, run, wait_for
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
    commands = {"argv": {"exec": f"{argv} {{value}} --v={{value}} end", "arg.value": "regex .*"}}
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
    ("regex .*", ["", "a", "a-b"], ["-", "-a", "--help", "-e id"]),
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
    shared.wait_log("command other: refused to 127.0.0.1:")


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
     ({"exec": "/bin/echo {x}", "arg.x": "regex ["}, "arg.x", ""),
     ({"exec": "/bin/echo {x}", "arg.x": r"regex (a)\1"}, "arg.x", "back-reference"),
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


def test_a_command_that_is_removed_is_run_for_those_who_have_asked(serve, tmp_path):
    server = serve(commands=sh(max_running=1))
    first, second, third = (server.client() for _ in range(3))
    first.send(("RUN", "sh", f"{waiting(tmp_path / 'go')}; echo first"))
    wait_for(lambda: children(server.pid), "command")
    second.send(("RUN", "sh", "echo second"))
    assert third("PING") == "PONG"
    server.reload(config(commands={}))
    wait_for(lambda: third("COMMANDS") == [], "reload")
    assert is_refused(third("RUN", "sh", "echo third"))
    (tmp_path / "go").touch()
    assert first.read()[9] == b"first\n"
    assert second.read()[9] == b"second\n"
    server.reload(config())
    wait_for(lambda: third("COMMANDS"), "reload")
    assert output(third, "sh", "echo third") == b"third\n"


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
    server.wait_log("stopping: 1 clients")
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


def test_a_run_is_logged_with_its_arguments_on_one_line(serve):
    server = serve(commands={
        "x": {"exec": "/bin/sh -c 'echo out; exit 3' {a} {b}", "arg.a": "regex .*",
              "arg.b": "regex .*"}})
    server.client()("RUN", "x", "a\nforged line\x1b[31m\\", "b c")
    line = server.wait_log("job command=x")
    assert re.search(r"peer=127\.0\.0\.1:\d+ exit=3 signal=none ms=\d+ stdout=4 stderr=0 ", line)
    assert r"a\nforged line\033[31m\\ b c" in line
    assert not [line for line in server.log().splitlines() if line.startswith("forged")]


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
