# SPDX-License-Identifier: MIT
"""Configurations: checked, printed, refused, and replaced while running."""

import os
import re
import shutil
import socket
import stat
import subprocess
from pathlib import Path

import pytest
from conftest import DEADLINE_S, POLLARD, SANITIZED, ask, ini, run

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


def test_list_names_all_services_and_protocols():
    done = run("--list")
    words = done.stdout.split()
    assert done.returncode == 0
    for name in ("upper", "echo", "discard", "chargen", "daytime", "time", "raw", "line"):
        assert name in words


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


def test_a_dump_that_cannot_be_written_has_not_gone_well(tmp_path):
    path = write(tmp_path / "p.ini", ini(main={}))
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [POLLARD, "--dump", "-c", path], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 4
    assert "No space left on device" in done.stderr


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
    if shutil.which("cc") is None:
        pytest.skip("cc is missing")
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
