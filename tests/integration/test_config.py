# SPDX-License-Identifier: MIT
"""Configurations: checked, printed, refused, and replaced while running."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest
from conftest import (DEADLINE_S, POLLARD, SANITIZED, VALGRIND, Pollard, ask, ini, need, receive_all,
                      run, wait_for)

EXAMPLE = Path(__file__).resolve().parents[2] / "etc" / "pollard.ini"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def tree(directory):
    return sorted((str(p), p.lstat().st_mode, p.lstat().st_ino) for p in directory.rglob("*"))


MISTAKES = """\
[daemon]
max_clients = many
when_full = panic
log_facility = kitchen
backlgo = 5
log_level

[listener one]
listen = tcp:127.0.0.1:70000 unix:{dir}/made
services = uper
idle_timeout = 5 fortnights
max_request = 17M
amplify = maybe

[listener two]
listen = unix:{dir}/stale
services = upper
allow = 300.0.0.1
socket_mode = 0999

[listner three]
listen = tcp:127.0.0.1:0

[listener one]
services = echo
"""
MISTAKEN_LINES = [2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 18, 19, 21, 24]


def test_check_names_every_mistake_in_one_run_and_touches_nothing(tmp_path):
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(f"{tmp_path}/stale")
    path = write(tmp_path / "p.ini", MISTAKES.format(dir=tmp_path))
    before = tree(tmp_path)
    done = run("--check", "-c", path)
    assert done.returncode == 1
    assert done.stdout == ""
    for line in MISTAKEN_LINES:
        assert f"{path}:{line}: " in done.stderr, f"line {line} is not named:\n{done.stderr}"
    assert all(line.startswith(f"{path}:") for line in done.stderr.splitlines())
    assert tree(tmp_path) == before


def test_a_daemon_with_mistakes_in_its_configuration_does_not_start(tmp_path):
    path = write(tmp_path / "p.ini", MISTAKES.format(dir=tmp_path))
    done = run("-c", path)
    assert done.returncode == 1
    for line in MISTAKEN_LINES:
        assert f"{path}:{line}: " in done.stderr


def test_a_near_miss_is_met_with_a_suggestion(tmp_path):
    path = write(tmp_path / "p.ini", ini({"max_client": 3}, main={"services": "uper"}))
    done = run("--check", "-c", path)
    assert done.returncode == 1
    assert "did you mean max_clients?" in done.stderr
    assert "did you mean upper?" in done.stderr


def test_a_good_configuration_checks_clean(tmp_path):
    path = write(tmp_path / "p.ini", ini(main={"listen": f"unix:{tmp_path}/s"}))
    done = run("--check", "-c", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "s").exists()


def test_the_example_checks_clean():
    done = run("--check", "-c", EXAMPLE)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("text", [
    "[listener a]\nlisten = tcp:127.0.0.1:0\n",
    "[listener a]\nservices = upper\n",
    "[daemon]\nmax_clients = 5\n",
    "max_clients = 5\n[listener a]\nlisten = tcp:127.0.0.1:0\nservices = upper\n",
    "[listener a]\nlisten = tcp:127.0.0.1:0\nservices = upper\nservices = echo\n",
    "[listener a]\nlisten = tcp:127.0.0.1:0\nservices = upper echo\n",
    "[listener a]\nlisten = tcp:127.0.0.1:0\nservices = chargen\nprotocol = line\n",
    "[listener a]\nlisten = udp:127.0.0.1:0\nservices = upper\nprotocol = line\n",
    "[listener a]\nlisten = tcp:127.0.0.1:0\nservices = upper\nallow_users = root\n",
    "[listener a]\nlisten = tcp:127.0.0.1:5000 tcp:127.0.0.1:5000\nservices = upper\n",
    "[listener a]\nlisten = tcp:127.0.0.1:0\nservices = upper\nprotocol =\n",
    "[listener a]\nlisten = tcp:127.0.0.1:0\nservices = upper\n  echo\n",
    "[listener a b]\nlisten = tcp:127.0.0.1:0\nservices = upper\n",
    "[listener a\nlisten = tcp:127.0.0.1:0\nservices = upper\n",
    "[listener a]\nlisten = tcp:127.0.0.1:0\nservices = upper\n;\0\n",
    "[listener a]\nlisten = unix:relative\nservices = upper\n",
    "[daemon]\ninclude = absent.ini\n[listener a]\nlisten = tcp:127.0.0.1:0\nservices = upper\n",
    "[listener a]\nlisten = tcp:127.0.0.1:0 tcp:127.0.0.1:0\nservices = upper\n",
    "[listener a]\nlisten = unix:/s\nservices = upper\nsocket_owner = root daemon\n",
    "[listener a]\nlisten = unix:/s\nservices = upper\nsocket_group = root daemon\n",
    "[listener a]\nlisten = unix:/s\nservices = upper\nallow = 127.0.0.1\n",
    "",
], ids=[
    "no services", "no listen", "no listener", "no section", "key twice", "two services",
    "service without that protocol", "line over udp", "users over tcp", "address twice",
    "no value", "continued value", "name of two words", "title without end", "NUL byte",
    "relative socket", "missing include", "port 0 twice", "two owners", "two groups",
    "networks over a UNIX socket", "empty file",
])
def test_a_single_mistake_is_enough(tmp_path, text):
    path = write(tmp_path / "p.ini", text)
    done = run("--check", "-c", path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{path}:")


@pytest.mark.parametrize("path", ["/nonexistent/p.ini", "/", "/dev/zero"])
def test_what_is_no_file_is_no_configuration(path):
    done = run("--check", "-c", path)
    assert done.returncode == 1
    assert path in done.stderr


def test_comments_blanks_and_a_byte_order_mark_count_for_nothing(tmp_path):
    path = tmp_path / "p.ini"
    path.write_bytes(b"\xEF\xBB\xBF; first\r\n\r\n# second\r\n[ listener  a ] ; title\r\n"
                     b"  listen=tcp:127.0.0.1:0 ; here\r\nservices\t=\tupper\r\n")
    done = run("--check", "-c", path)
    assert (done.returncode, done.stderr) == (0, "")


def test_dump_prints_the_defaults_and_checks_clean(tmp_path):
    text = ini({"max_clients": 7}, one={}, two={"listen": f"unix:{tmp_path}/s", "protocol": "line"})
    path = write(tmp_path / "p.ini", text)
    first = run("--dump", "-c", path)
    assert first.returncode == 0
    for line in ("max_clients = 7", "backlog = 511", "max_request = 64k", "protocol = line",
                 "[listener one]", "[listener two]"):
        assert line in first.stdout.splitlines()
    again = write(tmp_path / "again.ini", first.stdout)
    checked = run("--check", "-c", again)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert run("--dump", "-c", again).stdout == first.stdout


def test_dump_writes_no_value_that_would_be_a_comment(tmp_path):
    path = write(tmp_path / "p.ini", ini(main={}) + "[command x]\nexec = /bin/true\n"
                 "description =;a b ; c\nenv.A =;d\nenv.B = e;f\nenv.C = ' ;g'\n")
    first = run("--dump", "-c", path)
    assert {"description =;a b", "env.A =;d", "env.B = e;f", "env.C = ' ;g'"} <= set(
        first.stdout.splitlines())
    again = write(tmp_path / "again.ini", first.stdout)
    assert run("--dump", "-c", again).stdout == first.stdout


def test_list_names_all_services_and_protocols():
    done = run("--list")
    words = done.stdout.split()
    assert done.returncode == 0
    for name in ("upper", "echo", "discard", "chargen", "daytime", "time", "raw", "line"):
        assert name in words


def test_list_keys_says_of_each_key_what_it_takes_and_is_for():
    done = run("--list", "keys")
    assert (done.returncode, done.stderr) == (0, "")
    sections = done.stdout.split("\n\n")
    assert [text.splitlines()[0] for text in sections] == [
        "[daemon]", "[listener NAME]", "[service files]", "[command NAME]"]
    for line in (
            "  backlog (int, default 511, 1 to 65535)\n      callers that wait in the kernel",
            "  when_full (word wait|reject, default wait)\n      callers above max_clients",
            "  log_socket (path, default /dev/log, at most 107 bytes)\n      socket of",
            "  log_facility (word auth|authpriv|cron|daemon|local0|local1|local2|local3|\n"
            "      local4|local5|local6|local7|user, default daemon)\n      facility of",
            "  include (list, not given by default)\n      further files"):
        assert line in sections[0]
    assert "\n  backlog (int, default 0, 0 to 65535)\n" in sections[1]
    assert "\n  listen (list, required)\n      addresses: tcp:HOST:PORT, udp:" in sections[1]
    assert "\n  v6only (bool, default yes, needs a restart)\n      an IPv6 address" in sections[1]
    assert "\n  max_request (size, default 64k, 1 to 16M)\n      longest request" in sections[1]
    assert "\n  arg.NAME (map, not given by default)\n      what NAME may be" in sections[3]


def test_list_keys_has_every_key_of_a_dump_and_no_other(tmp_path):
    path = write(tmp_path / "p.ini", ini(one={}) + "[service files]\nroot = /\n"
                 "[command c]\nexec = /bin/true {x}\narg.x = int 1..2\nenv.A = b\n")
    dumped = re.findall(r"^;?([a-z0-9_]+)[.a-zA-Z]* =", run("--dump", "-c", path).stdout, re.M)
    listed = re.findall(r"^  ([a-z0-9_]+)[.A-Z]* \(", run("--list", "keys").stdout, re.M)
    assert dumped == listed


def test_list_keys_fits_80_columns_and_leaves_no_blanks_behind():
    lines = run("--list", "keys").stdout.splitlines()
    assert max(map(len, lines)) in range(75, 81)
    for line, after in zip(lines, lines[1:]):
        assert line == line.rstrip()
        if line[:6].isspace() and after[:6].isspace() and not line.endswith(")"):  # one text
            assert len(line) + 1 + len(after.split()[0].split("|")[0]) > 80
    assert not [line for line in lines if not re.match(r"\[|  [a-z]| {6}[^ ]|$", line)]


@pytest.mark.parametrize("arguments", [["key"], ["keys", "keys"], ["keys", "x"], ["services"]])
def test_what_cannot_be_listed_is_told_so(arguments):
    done = run("--list", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"unexpected argument '{arguments[-1]}'" in done.stderr


def test_help_and_version_are_printed():
    assert "usage: pollard" in run("--help").stdout
    assert run("--version").stdout.startswith("pollard ")


@pytest.mark.parametrize("arguments", [["--wrong"], ["-x"], ["extra"], ["-c"]])
def test_wrong_use_is_told_so(arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert "--help" in done.stderr and done.stdout == ""


def test_a_port_in_use_ends_the_start(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = write(tmp_path / "p.ini", ini(main={"listen": f"tcp:127.0.0.1:{port}"}))
        done = run("-c", path)
    assert done.returncode == 3
    assert f"listen on tcp:127.0.0.1:{port}: Address already in use" in done.stderr


def test_the_socket_of_a_living_server_is_not_taken(tmp_path):
    path = write(tmp_path / "p.ini", ini(main={"listen": f"unix:{tmp_path}/s"}))
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(f"{tmp_path}/s")
        living.listen()
        done = run("-c", path)
        assert done.returncode == 3
        assert f"listen on unix:{tmp_path}/s" in done.stderr
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(f"{tmp_path}/s")


def test_a_stale_socket_is_replaced_and_removed_in_the_end(pollard, tmp_path):
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(f"{tmp_path}/s")
    server = pollard(main={"listen": f"unix:{tmp_path}/s"})
    with server.connect(tmp_path / "s") as sock:
        assert ask(sock, b"hello") == b"HELLO"
    server.stop()
    assert not (tmp_path / "s").exists()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path):
    file = write(tmp_path / "s", "precious")
    path = write(tmp_path / "p.ini", ini(main={"listen": f"unix:{file}"}))
    done = run("-c", path)
    assert done.returncode == 3
    assert str(file) in done.stderr
    assert file.read_text() == "precious"


@pytest.mark.parametrize("mode", ["0600", "0660", "0666"])
def test_the_file_of_a_socket_has_the_mode_that_is_asked_for(pollard, tmp_path, mode):
    pollard(main={"listen": f"unix:{tmp_path}/s", "socket_mode": mode})
    assert stat.S_IMODE(os.stat(tmp_path / "s").st_mode) == int(mode, 8)


def test_a_bad_reload_changes_nothing(pollard):
    server = pollard()
    with server.connect() as sock:
        assert ask(sock, b"one") == b"ONE"
        server.reload("[listener main]\nlisten = nonsense\n[listener x]\nwhat = 1\n")
        server.wait_log("the configuration stays as it was")
        assert f"{server.path}:2: listen: " in server.log()
        assert ask(sock, b"two") == b"TWO"
        with server.connect() as later:
            assert ask(later, b"three") == b"THREE"


def test_a_reload_that_cannot_bind_changes_nothing(pollard, tmp_path):
    server = pollard()
    with socket.create_server(("127.0.0.1", 0)) as taken, server.connect() as sock:
        port = taken.getsockname()[1]
        server.reload(ini(
            main={"services": "echo"},
            unix={"listen": f"unix:{tmp_path}/s"},
            other={"listen": f"tcp:127.0.0.1:{port}"},
        ))
        server.wait_log("the configuration stays as it was")
        assert not (tmp_path / "s").exists()
        assert ask(sock, b"hello") == b"HELLO"
        with server.connect() as later:
            assert ask(later, b"hello") == b"HELLO"


def test_a_good_reload_adds_a_listener_and_drops_no_connection(pollard, tmp_path):
    server = pollard()
    with server.connect() as sock:
        assert ask(sock, b"one") == b"ONE"
        server.reload(ini(main={}, more={"listen": f"unix:{tmp_path}/s", "services": "echo"}))
        server.wait_log("reloaded")
        assert ask(sock, b"two") == b"TWO"
        with server.connect() as later, server.connect(tmp_path / "s") as new:
            assert ask(later, b"three") == b"THREE"
            assert ask(new, b"four") == b"four"
        server.reload(ini(main={}))
        server.wait_log("reloaded", count=2)
        assert not (tmp_path / "s").exists()
        assert ask(sock, b"five") == b"FIVE"


def test_a_reload_keeps_the_socket_of_each_listener(pollard):
    server = pollard(one={}, two={"services": "echo"})
    before = server.port("one"), server.port("two")
    server.reload()
    server.wait_log("reloaded")
    with server.connect(before[0]) as one, server.connect(before[1]) as two:
        assert ask(one, b"hello") == b"HELLO"
        assert ask(two, b"hello") == b"hello"


def test_a_reload_raises_the_limit_for_those_who_wait(pollard):
    server = pollard(daemon={"max_clients": 1}, main={})
    with server.connect() as first, server.connect() as second:
        assert ask(first, b"one") == b"ONE"
        second.sendall(b"two")
        server.reload(ini({"max_clients": 2}, main={}))
        assert second.recv(3) == b"TWO"


def test_included_files_are_read_in_sorted_order(tmp_path):
    path = write(tmp_path / "p.ini", "[daemon]\ninclude = conf.d/*.ini\n")
    for name in ("b", "c", "a"):
        write(tmp_path / "conf.d" / f"{name}.ini",
              f"[listener {name}]\nlisten = unix:{tmp_path}/{name}\nservices = upper\n")
    write(tmp_path / "conf.d" / "d.ini.off", "nonsense\n")
    done = subprocess.run([POLLARD, "--dump", "-c", path], cwd="/", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    titles = [line for line in done.stdout.splitlines() if line.startswith("[listener")]
    assert titles == ["[listener a]", "[listener b]", "[listener c]"]


def test_a_mistake_in_an_included_file_names_that_file(tmp_path):
    path = write(
        tmp_path / "p.ini", "[daemon]\ninclude = conf.d/*.ini\n"
        "[listener a]\nlisten = tcp:127.0.0.1:0\nservices = upper\n")
    write(tmp_path / "conf.d" / "x.ini", "[listener x]\n\nlisten = tcp:1.2.3.4\n")
    done = run("--check", "-c", path)
    assert done.returncode == 1
    assert f"{tmp_path}/conf.d/x.ini:3: listen: " in done.stderr


def test_every_include_pattern_starts_at_the_directory_of_its_file(tmp_path):
    path = write(tmp_path / "etc" / "p.ini", "[daemon]\ninclude = a.ini b.ini c/*.ini\n")
    for name in ("a", "b", "c/c"):
        write(tmp_path / "etc" / f"{name}.ini",
              f"[listener {name[-1]}]\nlisten = tcp:127.0.0.1:0\nservices = upper\n")
    done = run("--dump", "-c", path)
    assert (done.returncode, done.stderr) == (0, "")
    titles = [line for line in done.stdout.splitlines() if line.startswith("[listener")]
    assert titles == ["[listener a]", "[listener b]", "[listener c]"]


def test_dump_with_included_files_checks_clean_beside_them(tmp_path):
    path = write(tmp_path / "p.ini", "[daemon]\ninclude = conf.d/*.ini\n")
    write(tmp_path / "conf.d" / "a.ini",
          "[listener a]\nlisten = tcp:127.0.0.1:0\nservices = upper\n")
    again = write(tmp_path / "again.ini", run("--dump", "-c", path).stdout)
    done = run("--check", "-c", again)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_line_may_be_as_long_as_is_said_and_no_longer(tmp_path):
    def check(size):
        head = "[listener a]\nlisten = tcp:127.0.0.1:0\n"
        path = write(tmp_path / "p.ini", head + "services = upper".ljust(size) + "\n")
        return run("--check", "-c", path)

    said = re.search(r":3: the line is longer than (\d+) bytes", check(100_000).stderr)
    assert said
    assert check(int(said[1])).returncode == 0
    assert check(int(said[1]) + 1).returncode == 1


@pytest.mark.parametrize("mode", [
    ["--dump"], ["--check"], ["--list"], ["--list", "keys"], ["--version"], ["--help"]])
def test_what_cannot_be_written_has_not_gone_well(tmp_path, mode):
    path = write(tmp_path / "p.ini", ini(main={}))
    with open("/dev/full", "w") as full:
        done = subprocess.run([POLLARD, *mode, "-c", path], stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=DEADLINE_S)
    assert done.returncode == 4
    assert done.stderr == "pollard: standard output: No space left on device\n"


def test_a_directory_that_cannot_be_read_is_not_an_empty_one(tmp_path):
    path = write(
        tmp_path / "p.ini", "[daemon]\ninclude = conf.d/*.ini\n"
        "[listener a]\nlisten = tcp:127.0.0.1:0\nservices = upper\n")
    write(tmp_path / "conf.d" / "b.ini", "[listener b]\nlisten = tcp:127.0.0.1:0\n")
    prefix = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root reads everything, and setpriv is missing")
        prefix = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
        if subprocess.run([*prefix, "true"]).returncode != 0:
            pytest.skip("root reads everything, and may not give that up")
    (tmp_path / "conf.d").chmod(0)
    try:
        done = subprocess.run(
            [*prefix, POLLARD, "--check", "-c", path], capture_output=True, text=True)
    finally:
        (tmp_path / "conf.d").chmod(0o700)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{path}:2: include: ")
    assert "Permission denied" in done.stderr


def test_the_directory_of_a_file_is_no_pattern(tmp_path):
    path = write(tmp_path / "d[x]*?\\" / "p.ini", "[daemon]\ninclude = conf.d/*.ini\n")
    write(path.parent / "conf.d" / "a.ini",
          "[listener a]\nlisten = tcp:127.0.0.1:0\nservices = upper\n")
    done = run("--dump", "-c", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "[listener a]" in done.stdout


def test_a_file_that_is_not_there_is_missed_whatever_its_directory_is_called(tmp_path):
    path = write(tmp_path / "d[x]*?\\" / "p.ini", "[daemon]\ninclude = absent.ini\n")
    done = run("--check", "-c", path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{path}:2: include: there is no file ")


def test_another_group_for_a_socket_is_announced_for_a_restart_whatever_the_name(
        pollard, tmp_path):
    listen = f"unix:{tmp_path}/s"
    server = pollard(old={"listen": listen})
    server.reload(ini(new={"listen": listen, "socket_group": os.getgid()}))
    server.wait_log("reloaded")
    server.wait_log(f"needs_restart listener=new address={listen} key=socket_group", timeout=1)


def test_a_reload_takes_over_the_mode_of_a_socket(pollard, tmp_path):
    listen = f"unix:{tmp_path}/s"
    server = pollard(main={"listen": listen, "allow_users": "root"})

    def mode():
        return stat.S_IMODE(os.stat(tmp_path / "s").st_mode)

    assert mode() == 0o666
    server.reload(ini(main={"listen": listen}))
    server.wait_log("reloaded")
    assert mode() == 0o660
    server.reload(ini(main={"listen": listen, "allow_groups": 0, "socket_mode": "0600"}))
    server.wait_log("reloaded", count=2)
    assert mode() == 0o600
    assert "needs_restart" not in server.log()


@pytest.mark.parametrize("keys, mode", [
    ("", "0660"), ("allow_users = root", "0666"), ("allow_groups = 0", "0666"),
    ("allow_groups = 0\nsocket_mode = 0640", "0640")])
def test_who_may_call_decides_the_mode_that_a_socket_has_by_default(tmp_path, keys, mode):
    path = tmp_path / "p.ini"
    path.write_text(f"[listener a]\nlisten = unix:{tmp_path}/s\nservices = upper\n{keys}\n")
    done = run("--dump", "-c", path)
    assert re.search(f"^socket_mode = {mode}$", done.stdout, re.M), done.stdout


def test_a_reload_may_spell_an_address_in_another_way(pollard):
    server = pollard(main={"listen": "tcp:127.0.0.1:0"})
    port = server.port()
    with server.connect() as sock:
        for n, host in enumerate(["127.1", "127.0.0.1", "0x7f.1"]):
            server.reload(ini(main={"listen": f"tcp:{host}:{port}"}))
            server.wait_log("reloaded", timeout=5, count=n + 1)
            with server.connect(port) as later:
                assert ask(later, b"hello") == b"HELLO"
        assert ask(sock, b"hello") == b"HELLO"
    assert "not_listening" not in server.log()


FAILING_MALLOC = r"""
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
static unsigned long count, last;

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("FAIL_AT");

	count = 0;
	last = text != NULL ? strtoul(text, NULL, 10) : 0;
}

__attribute__((destructor)) static void end(void)
{
	if (getenv("FAIL_AT") == NULL)
		fprintf(stderr, "%lu", count);
}

static int fails(void)
{
	if (++count != last)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}

void *reallocarray(void *p, size_t n, size_t size)
{
	if (__builtin_mul_overflow(n, size, &n))
		n = (size_t)-1;
	return realloc(p, n);
}
"""


@pytest.mark.skipif(SANITIZED, reason="a sanitizer has its own malloc")
def test_without_memory_a_configuration_is_refused_or_whole(tmp_path):
    need("cc")
    source = write(tmp_path / "malloc.c", FAILING_MALLOC)
    built = subprocess.run(
        ["cc", "-shared", "-fPIC", "-Wl,-z,defs", "-o", tmp_path / "malloc.so", source],
        capture_output=True, text=True)
    if built.returncode != 0:
        pytest.skip(f"there is no malloc to stand before: {built.stderr}")
    # No users: looking for one without memory ends in a fault of glibc's.
    path = write(tmp_path / "p.ini", ini(
        {"include": "conf.d/*.ini", "max_clients": 5},
        a={"listen": "tcp:127.0.0.1:0 tcp:127.0.0.2:0", "allow": "127.0.0.0/8 10.0.0.1"},
        b={"listen": f"unix:{tmp_path}/s", "protocol": "line"}))
    write(tmp_path / "conf.d" / "c.ini",
          "[listener c]\nlisten = udp:127.0.0.1:0\nservices = echo\n")

    def dump(**environment):
        return subprocess.run(
            [POLLARD, "--dump", "-c", path], capture_output=True, text=True, timeout=DEADLINE_S,
            env={**os.environ, "LD_PRELOAD": f"{tmp_path}/malloc.so", **environment})

    whole = dump()
    assert whole.returncode == 0
    assert whole.stdout.count("[listener ") == 3
    count = int(whole.stderr)
    assert count > 20
    for n in range(1, count + 1):
        done = dump(FAIL_AT=str(n))
        if done.returncode == 0:
            assert done.stdout == whole.stdout, f"partial without allocation {n}"
        else:
            assert done.returncode in (1, 4), f"without allocation {n}: {done}"
            assert done.stderr.endswith("\n"), f"nothing is said without allocation {n}"


# What --check says.

# A line, and what is said of it.
EVERYTHING = """\
stray = 1 <- stray: stands before the first [section]
[daemon]
max_clients = many <- max_clients: 'many' is not a number
when_full = panic <- when_full: 'panic' is not one of wait|reject
log_facility = kitchen <- log_facility: 'kitchen' is not one of
backlgo = 5 <- backlgo: unknown key in [daemon]; did you mean backlog?
log_level <- expected 'key = value'
drain_timeout = 5 fortnights <- drain_timeout: '5 fortnights' is not a duration
log_socket = log <- log_socket: 'log' is not an absolute path of at most 107 bytes
log_target = auto # a comment? <- a comment behind a value begins with ;
include = absent.ini <- include: there is no file
[daemon] <- [daemon]: again (it began at
max_clients = 7
banana = 1 <- banana: unknown key in [daemon]
timeout = 1s <- timeout: unknown key in [daemon]; it is one of [command NAME]

[listener one]
listen = tcp:127.0.0.1:70000 unix:{dir}/made <- listen: port '70000' is not a number from 0 to
services = uper <- services: there is no service 'uper'; did you mean upper?
idle_timeout = 99999999999999999999h <- idle_timeout: 99999999999999999999h is out of range 0..24h
max_request = 17M <- max_request: 17M is out of range 1..16M
amplify = maybe <- amplify: 'maybe' is neither yes nor no
keepalive = 10h <- keepalive: 10h is out of range 0..32767s
backlog = 65536 <- backlog: 65536 is out of range 0..65535
max_clients_per_ip = -1 <- max_clients_per_ip: -1 is out of range

[listener two]
listen = unix:{dir}/stale
services = upper
allow = 300.0.0.1 <- allow: '300.0.0.1' is not an address or a network
socket_mode = 0999 <- socket_mode: '0999' is not an octal mode
socket_owner = root daemon <- socket_owner: a file has one owner
socket_group = "root <- socket_group: a quote is not closed
write_timeout = 1s
write_timeout = 2s <- write_timeout: given again (first at

[listner three] <- [listner three]: unknown section; did you mean [listener NAME]? <- services: is missing
listen = tcp:127.0.0.1:0

[listener one] <- [listener one]: again (it began at
services = echo

[listener four] <- services: is missing
listen = tcp:127.0.0.1:0, tcp:127.0.0.2:0 <- listen: 'tcp:127.0.0.1:0,': blanks stand between items
[listener five]
listen = tcp:127.0.0.1:5000 tcp:127.0.0.1:5000 <- listen: tcp:127.0.0.1:5000 is taken by listener
services = upper echo <- services: raw and line take exactly one service
[listener six]
listen = udp:127.0.0.1:6 <- listen: udp: needs protocol = raw
protocol = resp
services = commands
[listener seven]
listen = tcp:127.0.0.1:7
protocol = resp
services = commands <- services: service 'commands' over tcp: needs an allow list
[listener eight]
listen = tcp:127.0.0.1:8
protocol = line
services = chargen <- services: service 'chargen' makes no sense with protocol line
[listener nine]
listen = udp:127.0.0.1:9 <- listen: service 'time' answers more than it is asked
services = time
[listener ten]
listen = tcp:127.0.0.1:10 unix:{dir}/ten
services = upper
allow_users = root <- allow_users: only peers on unix: sockets are known by user; the other addresses
[listener eleven]
listen = unix:relative -unix:/s <- listen: 'relative' is not <- listen: '-' has no meaning for
services = upper
allow_users = no_such_user_here <- allow_users: there is no user 'no_such_user_here'
[listener twelve]
listen = unix:{dir}/twelve
services = upper
allow = 127.0.0.1 <- allow: none of the addresses is tcp: or udp:
protocol = lime <- protocol: there is no protocol 'lime'; did you mean line?
[listener thirteen]
listen = 127.0.0.1:13 tcp:*:13 tcp:[fe80::1]:13 <- did you mean tcp:127 <- write 0.0.0.0 <- %eth0]:13
services = upper
  echo <- expected 'key = value'; there are no continuation lines
[listener fourteen]
listen = tcp:127.0.0.1:14
services = upper \\ <- services: there are no continuation lines
  echo
backlog = 65535 <- backlog: warning: the kernel makes it {somaxconn}
[listener fifteen]
listen = tcp:127.0.0.1:15
protocol = resp
services = echo <- services: warning: service 'echo' adds nothing to protocol resp
[listener] <- [listener]: has no name; write [listener NAME]
[listener six/teen] <- [listener]: a name is up to 64 letters
listen = tcp:127.0.0.1:16
services = upper
[listener seventeen <- a section's title is one [...] on its line
[listener eighteen] x <- a section's title is one [...] on its line
[] <- []: unknown section; there are
[kitchen] <- [kitchen]: unknown section; there are
[service files]
root = {dir}/absent <- root: warning: {dir}/absent is not there
[command check disk] <- a name has no blanks and no quotes; did you mean [command check_disk]?
exec = /bin/true
[command a]
exec = /bin/echo 'a <- exec: a quote is not closed
[command b]
exec = /bin/echo {none} <- exec: {none} has no arg.none
nice = 20 <- nice: 20 is out of range 0..19
max_running = 0 <- max_running: 0 is out of range
on_disconnect = maybe <- on_disconnect: 'maybe' is not one of
shell = yes <- shell: unknown key in [command]
[command c]
exec = bin/echo <- exec: begins with the absolute path of a program
cwd = tmp <- cwd: 'tmp' is not an absolute path
[command d]
exec = /bin/echo {a} {b} {c} {d} {e} {f} {g} {h} {i}
arg.a = string <- arg.a: write int MIN..MAX, enum
arg.b = int 5..1 <- arg.b: write int MIN..MAX
arg.c = regex a[ <- arg.c: after 'a[' (byte 2): missing
arg.d = path tmp <- arg.d: the folder is not an absolute path
arg.e = enum a | b <- arg.e: a blank beside | would belong to the word
arg.f = regex ^-x <- arg.f: matches only what begins with '-'
arg.g = enum a, b <- arg.g: warning: 'a, b' is one word; words have | between them
arg.h = path {dir}/absent <- arg.h: warning: {dir}/absent is not there
arg.i = regex x{1025} <- arg.i: matches from 1025 bytes on, and takes 1024
arg.j = int 1..2 <- arg.j: exec has no {j}
[command e] <- exec: is missing
description = "free" space <- description: its quotes end before it does
[command f]
exec = /none/such <- exec: warning: /none/such is not there
cwd = /none/such <- cwd: warning: /none/such is not there
[command g]
exec = /etc <- exec: warning: /etc is a folder
[command h]
exec = /dev/null <- exec: warning: /dev/null is not a regular file
[command i]
exec = /etc/passwd <- exec: warning: /etc/passwd is not executable
cwd = /etc/passwd <- cwd: warning: /etc/passwd is not a folder
[command j]
exec = /bin/echo a | /bin/cat <- exec: warning: '|' is an argument
[command k]
exec = /bin/echo a >/tmp/x $HOME /tmp/* <- warning: '>/tmp/x' <- warning: '$HOME' <- warning: '/tmp/*'
[command l]
exec = /bin/echo -H '$ARG1$' <- exec: warning: '$ARG1$' stays as it is; in exec, {NAME} is what
[command m]
exec = /bin/echo ${HOME} <- exec: ${HOME} stands for nothing, as there is no shell
[command n]
exec = /bin/sh -c "echo \\"a\\"" <- exec: warning: 'echo \\a\\' has a backslash in it
[command o]
exec = /bin/echo {x}
arg.x = int 1..2
env.X = a{x} <- env.X: warning: {x} stands for an argument in exec only
env.HOST = $HOSTADDRESS$ <- env.HOST: warning: '$HOSTADDRESS$' stays as it is; in exec, {NAME}
env.PATH = $PATH:/opt/bin <- env.PATH: warning: '$PATH:/opt/bin' stays as it is
"""

LACKING = """\
[daemon]
max_clients = 500 <- max_clients: warning: 500 do not fit the limit of 300 descriptors; 170 are served
[listener one]
listen = unix:{dir}/one
protocol = resp
services = files commands <- service 'files' needs a section <- warning: service 'commands' has nothing
[listener two]
listen = unix:{dir}/two
protocol = resp
services = files commands
"""

UNREACHED = """\
[listener one]
listen = {listen}
protocol = resp
services = commands
allow = 127.0.0.1
[command a]
exec = /bin/true
allow = 127.0.0.1{network}
[command b]
exec = /bin/true
allow_users = root{local}
[command c]
exec = /bin/true
allow_groups = 0{local}
[command d]
exec = /bin/true
allow_groups = 0
allow = ::1
[command e]
exec = /bin/true
"""

WARNED = """\
[listener one]
listen = unix:{dir}/one
services = upper
[listener two] <- services: is missing
listen = unix:{dir}/two
[service files] <- [service files]: warning: no listener has the service files
root = {dir}
[command a] <- [command a]: warning: no listener has the service commands
exec = /bin/true
[command b] <- [command b]: warning: no listener has the service commands
exec = /bin/true
[command b] <- [command b]: again (it began at
exec = /bin/true
"""


def somaxconn():
    return int(Path("/proc/sys/net/core/somaxconn").read_text())


def said_of(path, text, *arguments, descriptors=None):
    """Write text without what is said of its lines. Returns what --check gives: its exit status,
    and what it says with the numbers of lines; and what it should say."""
    lines = [line.split(" <- ") for line in text.splitlines()]
    write(path, "".join(line + "\n" for line, *_ in lines))
    limit = ["prlimit", f"--nofile={descriptors}"] if descriptors else []
    done = subprocess.run([*limit, POLLARD, "--check", *arguments, "-c", path],
                          capture_output=True, text=True, timeout=DEADLINE_S)
    said = []
    for line in done.stderr.splitlines():
        match = re.match(rf"{re.escape(str(path))}:(\d+): (.*)", line)
        assert match, line
        said.append((int(match[1]), match[2]))
    return done.returncode, said, [
        (number, reason) for number, (_, *reasons) in enumerate(lines, 1) for reason in reasons]


@pytest.mark.skipif(VALGRIND, reason="valgrind needs descriptors of its own")
@pytest.mark.parametrize("text, descriptors",
                         [(EVERYTHING, None), (LACKING, 300), (WARNED, None)],
                         ids=["everything", "lacking", "warned"])
def test_each_mistake_and_each_warning_is_named_once_at_its_line(tmp_path, text, descriptors):
    if descriptors:
        need("prlimit")
    if somaxconn() >= 65535:
        text = re.sub(" <- backlog: warning.*", "", text)
    text = text.replace("{dir}", str(tmp_path)).replace("{somaxconn}", str(somaxconn()))
    status, said, expected = said_of(tmp_path / "p.ini", text, descriptors=descriptors)
    assert status == any("warning" not in reason for _, reason in expected)
    for number, reason in expected:
        found = [line for line in said if line[0] == number and reason in line[1]]
        assert len(found) == 1, f"line {number}: {reason}: {found or said}"
        said.remove(found[0])
    assert said == []


@pytest.mark.parametrize("listen, network, local", [
    ("tcp:127.0.0.1:0", "", "unix:"), ("unix:/s", "tcp:", ""), ("tcp:127.0.0.1:0 unix:/s", "", "")])
def test_a_command_that_nobody_gets_to_is_a_warning(tmp_path, listen, network, local):
    def told(what):
        return f" <- warning: names nobody who gets here; no listener of commands is on {what}" if (
            what) else ""

    text = UNREACHED.format(listen=listen, network=told(network), local=told(local))
    if "tcp:" not in listen:
        text = text.replace("allow = 127.0.0.1\n[command a]", "[command a]")
    status, said, expected = said_of(tmp_path / "p.ini", text)
    assert status == 0
    assert [line for line, _ in said] == [line for line, _ in expected]
    assert all(reason in told for (_, told), (_, reason) in zip(said, expected))


def test_what_is_meant_as_it_is_written_has_no_warning(tmp_path):
    path = write(tmp_path / "p.ini", rf"""
[daemon]
backlog = 1
[listener one]
listen = unix:{tmp_path}/one
protocol = resp
services = commands files
allow_users = root
[service files]
root = {tmp_path}
[command a]
exec = /bin/sh -c 'ps | grep "$1" > /dev/null; echo $HOME' sh {{x}} {{y}} {{z}}
arg.x = enum one word|two
arg.y = enum none
arg.z = path {tmp_path}
env.HOME = /root
env.PRICE = 19$ ; or more
[command b]
exec = /bin/echo '|' ">" '$HOME' '*' http://h/?a=1&b=2 a|b $1 -name *.log {{{{x}} 100%
allow_groups = 0
allow = ::1
""")
    done = run("--check", "--strict", "-c", path)
    assert (done.returncode, done.stderr) == (0, "")


def test_warnings_are_errors_where_that_is_asked_for(tmp_path):
    text = f"""\
[listener one]
listen = unix:{tmp_path}/one
services = upper
[service files] <- [service files]: warning: no listener has the service files
root = {tmp_path}
"""
    status, said, expected = said_of(tmp_path / "p.ini", text, "--strict")
    assert (status, len(said)) == (1, len(expected))
    done = run("--check", "--strict", "-c", tmp_path / "p.ini")
    assert done.stdout == ""
    good = write(tmp_path / "good.ini", ini(main={"listen": f"unix:{tmp_path}/s"}))
    done = run("--check", "--strict", "-c", good)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{good}: no errors\n", "")


@pytest.mark.parametrize("arguments", [["--strict"], ["--strict", "--dump"], ["--strict", "--list"]])
def test_strict_goes_with_check_alone(arguments):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--strict goes with --check" in done.stderr


@pytest.mark.skipif(VALGRIND, reason="valgrind needs descriptors of its own")
def test_too_few_descriptors_are_told_once_and_serve_whom_they_can(pollard):
    need("prlimit")
    server = pollard(daemon={"max_clients": 500}, main={}, prefix=["prlimit", "--nofile=300"])
    assert server.log().count("do not fit") == 1
    assert "max_clients: warning: 500 do not fit the limit of 300 descriptors; 171 are served" in (
        server.log())
    with server.connect() as sock:
        assert ask(sock, b"one") == b"ONE"


def test_too_few_descriptors_for_the_default_are_told_of_the_file(tmp_path):
    need("prlimit")
    path = write(tmp_path / "p.ini", f"[listener a]\nlisten = unix:{tmp_path}/s\nservices = echo\n")
    done = subprocess.run(["prlimit", "--nofile=300", POLLARD, "--check", "-c", path],
                          capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.stderr.startswith(f"{path}: max_clients: warning: 1024 do not fit")
    path = write(tmp_path / "p.ini", ini({"max_clients": "many"}, main={}))
    done = subprocess.run(["prlimit", "--nofile=300", POLLARD, "--check", "-c", path],
                          capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.stderr == f"{path}:3: max_clients: 'many' is not a number\n"


# The command line.

@pytest.mark.parametrize("short, long", [("-h", "--help"), ("-V", "--version")])
def test_options_have_a_letter(short, long):
    done = run(short)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == run(long).stdout != ""


def test_help_has_80_columns_and_names_the_file_that_is_read():
    lines = run("--help").stdout.splitlines()
    assert max(len(re.sub(r"\(/.*\)", "", line)) for line in lines) <= 80  # a prefix may be long
    assert any("/pollard/pollard.ini)" in line for line in lines)


# A configuration that comes through a pipe.

def fed(text, *arguments, **keys):
    return subprocess.run([POLLARD, *arguments], input=text, capture_output=True, text=True,
                          timeout=DEADLINE_S, **keys)


@pytest.mark.parametrize("path", ["-", "/dev/stdin", "/dev/fd/0"])
def test_a_configuration_may_come_through_a_pipe(tmp_path, path):
    text = ini({"max_clients": 7}, main={"listen": f"unix:{tmp_path}/s"})
    done = fed(text, "--check", "-c", path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{path}: no errors\n", "")
    file = write(tmp_path / "p.ini", text)
    assert fed(text, "--dump", "-c", path).stdout == run("--dump", "-c", file).stdout
    done = fed("[daemon]\nbacklog = 0\n", "--check", "-c", path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{path}:2: backlog: 0 is out of range")


def test_a_configuration_from_a_pipe_is_read_to_its_end(tmp_path):
    reader, writer = os.pipe()
    done = subprocess.Popen([POLLARD, "--dump", "-c", "-"], stdin=reader, stdout=subprocess.PIPE)
    os.close(reader)
    os.set_blocking(done.stdout.fileno(), False)
    text = ini(main={"listen": f"unix:{tmp_path}/s"}) + "; more\n" * 50_000
    for line in text.partition("\n"):
        os.write(writer, line[:70_000].encode())
        os.write(writer, line[70_000:].encode())
        assert done.stdout.read() is None
    os.close(writer)
    assert done.wait(DEADLINE_S) == 0
    assert b"[listener main]" in done.stdout.read()


def test_standard_input_that_has_nothing_yet_is_waited_for(tmp_path):
    """As those of a terminal and of some programs are: without O_NONBLOCK a read would wait."""
    ours, its = socket.socketpair()
    its.setblocking(False)
    with ours, its:
        done = subprocess.Popen([POLLARD, "--check", "-c", "-"], stdin=its,
                                stdout=subprocess.PIPE, text=True)
        ours.sendall(ini(main={"listen": f"unix:{tmp_path}/s"}).encode())
        ours.shutdown(socket.SHUT_WR)
        assert done.communicate(timeout=DEADLINE_S)[0] == "-: no errors\n"


@pytest.mark.parametrize("path", ["-", "/dev/stdin"])
def test_what_comes_through_a_pipe_includes_from_the_working_directory(tmp_path, path):
    write(tmp_path / "conf.d" / "a.ini",
          "[listener a]\nlisten = tcp:127.0.0.1:0\nservices = upper\n")
    done = fed("[daemon]\ninclude = conf.d/*.ini\n", "--dump", "-c", path, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "[listener a]" in done.stdout


@pytest.mark.parametrize("stdin, reason", [
    ("/dev/null", "there is no [listener NAME]"), ("/tmp", "cannot be read: Is a directory"),
    ("/dev/zero", "with this the configuration is larger than 4 MiB")])
def test_standard_input_that_is_no_configuration_is_refused(stdin, reason):
    fd = os.open(stdin, os.O_RDONLY)
    try:
        done = subprocess.run([POLLARD, "--check", "-c", "-"], stdin=fd, capture_output=True,
                              text=True, timeout=DEADLINE_S)
    finally:
        os.close(fd)
    assert (done.returncode, done.stderr) == (1, f"-: {reason}\n")


@pytest.fixture
def piped(tmp_path):
    """A daemon that waits for its configuration, and the pipe for it."""
    os.mkfifo(tmp_path / "fifo")
    server = Pollard(tmp_path / "fifo")

    def opened():
        try:
            return os.fdopen(os.open(tmp_path / "fifo", os.O_WRONLY | os.O_NONBLOCK), "w")
        except OSError:
            return None

    try:
        yield server, wait_for(opened, "reader of the pipe")
    finally:
        if server.process.poll() is None:
            server.finish()


def test_a_daemon_whose_configuration_came_through_a_pipe_refuses_to_reload(piped):
    server, pipe = piped
    with pipe:
        pipe.write(ini(main={}))
    with server.connect() as sock:
        assert ask(sock, b"one") == b"ONE"
        server.signal(signal.SIGHUP)
        server.wait_log("not_reloaded")
        done = run("--reload", server.pid)
        assert done.returncode == 1
        assert "the daemon goes on as it was; its log says why" in done.stderr
        assert ask(sock, b"two") == b"TWO"
    assert server.log().count("not_reloaded") == 2


def test_a_file_that_has_become_a_pipe_is_not_waited_for_at_a_reload(pollard):
    server = pollard()
    Path(server.path).unlink()
    os.mkfifo(server.path)
    server.reload()
    server.wait_log(f"{server.path}: is not a regular file")
    server.wait_log("the configuration stays as it was")


@pytest.mark.skipif(VALGRIND, reason="who is ended by a signal leaves all that it has")
def test_a_daemon_that_waits_for_its_configuration_can_be_stopped(piped):
    server, pipe = piped
    with pipe:
        server.signal(signal.SIGTERM)
        assert server.process.wait(DEADLINE_S) == -signal.SIGTERM


# What values mean.

@pytest.mark.skipif(VALGRIND, reason="valgrind cannot follow how a command is started")
def test_quotes_work_alike_in_all_values(pollard, tmp_path):
    text = f"""\
[daemon]
log_target = "stderr"
max_clients = "9" ; a comment; "with quotes"
[listener main]
listen = 'unix:{tmp_path}/a socket' unix:"{tmp_path}/another one"
protocol = "resp"
services = "commands" 'upper'
[command x]
exec = /bin/sh -c 'printf "%s " "$V" ; printf "<%s>" "$@"' sh "a ; b" c\\d'"'   ; not this
env.V = "it's ; \\n"
env.W = ""
description = 'free ; "space"' ; nor this
[command y]
exec = /bin/true
description = it's free, says "df" ; here
"""
    server = pollard(text)
    with server.connect(tmp_path / "another one") as sock:
        sock.sendall(b"COMMANDS\r\nRUN x\r\nQUIT\r\n")
        said = receive_all(sock)
    assert b'\r\nfree ; "space"\r\n' in said
    assert b'\r\nit\'s free, says "df"\r\n' in said
    assert b"\r\nit's ; \\n <a ; b><c\\d\">\r\n" in said, said
    first = run("--dump", "-c", server.path)
    assert """description = 'free ; "space"'""" in first.stdout.splitlines()
    again = write(tmp_path / "again.ini", first.stdout)
    assert run("--dump", "-c", again).stdout == first.stdout
    assert (tmp_path / "a socket").is_socket()


def test_a_listener_of_both_kinds_asks_each_for_what_it_is_known_by(pollard, tmp_path):
    def serve(allow, users):
        return pollard(main={"listen": f"tcp:127.0.0.1:0 unix:{tmp_path}/{users}.sock",
                             "allow": allow, "allow_users": users})

    mine, other = os.geteuid(), 54321
    server = serve("127.0.0.1", mine)
    with server.connect() as sock, server.connect(tmp_path / f"{mine}.sock") as local:
        assert ask(sock, b"one") == b"ONE"
        assert ask(local, b"two") == b"TWO"
    with server.connect(source="127.0.0.2") as sock:
        assert receive_all(sock) == b""
    server = serve("127.0.0.2", other)
    with server.connect(source="127.0.0.2") as sock:
        assert ask(sock, b"one") == b"ONE"
    for sock in server.connect(), server.connect(tmp_path / f"{other}.sock"):
        with sock:
            assert receive_all(sock) == b""


@pytest.mark.parametrize("keys", [{"include": "*.ini"}, {"include": "p.ini"},
                                  {"include": "conf.d/a.ini conf.d/*.ini"}])
def test_a_file_that_is_included_twice_is_one_mistake(tmp_path, keys):
    path = write(tmp_path / "p.ini", ini(keys, main={}))
    write(tmp_path / "conf.d" / "a.ini",
          "[listener a]\nlisten = tcp:127.0.0.1:0\nservices = upper\n")
    done = run("--check", "-c", path)
    assert done.returncode == 1
    assert re.fullmatch(rf"{path}:3: include: .*(this very file|been read already).*\n", done.stderr)


def test_an_included_file_includes_no_others(tmp_path):
    path = write(tmp_path / "p.ini", ini({"include": "b.ini"}, main={}))
    write(tmp_path / "b.ini", "[daemon]\ninclude = p.ini\n")
    done = run("--check", "-c", path)
    assert done.stderr == f"{tmp_path}/b.ini:1: [daemon]: again (it began at {path}:1)\n"
