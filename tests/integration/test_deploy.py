# SPDX-License-Identifier: MIT
"""Installed, started and told what to do: by systemd, by another supervisor, by hand."""
import contextlib
import grp
import os
import pwd
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import booted as system
import pytest
from booted import INSIDE, booted, configure, drop_in, journal, main, show, systemctl

if not INSIDE:
    from conftest import DEADLINE_S, POLLARD, TIME, Pollard, ask, ini, receive_all, run, wait_for

NOBODY = 65534
PASSED = "/run/pollard/passed.sock"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@contextlib.contextmanager
def open_folder():
    """One where everybody is at home."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


def as_nobody():
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


@contextlib.contextmanager
def running(*argv, **keys):
    """A process that does not outlive the test."""
    with subprocess.Popen(argv, **keys) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(fd, text, data=b""):
    """Read from a terminal until text is among data."""
    end = time.monotonic() + DEADLINE_S
    while text not in data:
        assert time.monotonic() < end, data
        if select.select([fd], [], [], 1)[0]:
            data += os.read(fd, 4096)
    return data


# The log, where there is no systemd.

def stderr_to(path):
    """A prefix that starts pollard with this redirection."""
    return ["sh", "-c", f'exec "$@" {path}', "sh"]


@pytest.fixture
def auto(tmp_path):
    """The keys of a daemon that is to find out itself where to log; there is no log daemon."""
    return {"log_target": "auto", "log_socket": tmp_path / "log"}


@pytest.fixture
def log_socket(tmp_path):
    """log_socket(type) is a log daemon's."""
    socks = []

    def make(kind):
        sock = socket.socket(socket.AF_UNIX, kind)
        sock.bind(f"{tmp_path}/log")
        sock.settimeout(DEADLINE_S)
        if kind != socket.SOCK_DGRAM:
            sock.listen()
        socks.append(sock)
        return sock

    yield make
    for sock in socks:
        sock.close()


def test_without_a_log_daemon_messages_go_to_standard_error(pollard, auto):
    server = pollard(daemon=auto, main={})
    with server.connect(server.port()) as sock:
        assert ask(sock, b"hello") == b"HELLO"
    server.wait_log("closed listener=main")
    for line in server.log().splitlines():
        assert re.match(TIME + r"(listening listener=main |ready |closed )", line), line


@pytest.mark.parametrize("zone, offset", [
    ("UTC0", "+00:00"), ("AAA-5:30", "+05:30"), ("AAA3", "-03:00")])
def test_lines_on_standard_error_bear_the_local_time(pollard, zone, offset):
    server = pollard(env={"TZ": zone})
    line = server.wait_log("ready ")
    assert re.match(TIME, line) and line[19:26] == offset + " "
    assert abs(datetime.fromisoformat(line[:25]).timestamp() - time.time()) < 600


def test_the_journal_adds_the_time_itself(pollard):
    prefix = [sys.executable, "-c", "import os, sys; s = os.fstat(2); os.environ['JOURNAL_STREAM'] "
              "= f'{s.st_dev}:{s.st_ino}'; os.execv(sys.argv[1], sys.argv[1:])"]
    server = pollard(prefix=prefix)
    for line in server.log().splitlines():
        assert re.match(r"<5>(listening listener=main |ready )", line), line


def test_a_log_daemon_that_is_there_is_used(pollard, auto, log_socket):
    sock = log_socket(socket.SOCK_DGRAM)
    server = pollard(daemon=auto, main={}, ready=False)
    while b"ready " not in sock.recv(4096):
        pass
    assert server.log() == ""


def test_what_is_thrown_away_is_kept_for_a_log_daemon_that_comes(pollard, auto, tmp_path,
                                                                log_socket):
    server = pollard(daemon=auto, main={"listen": f"unix:{tmp_path}/s"}, ready=False,
                     prefix=stderr_to("2>&-"))
    wait_for((tmp_path / "s").exists, "socket")
    sock = log_socket(socket.SOCK_DGRAM)
    while b"ready " not in sock.recv(4096):
        pass
    server.stop()


def test_messages_go_to_a_file(pollard, auto, tmp_path):
    path = tmp_path / "file"
    pollard(daemon=auto, main={}, prefix=stderr_to(f"2>>{path}"), ready=False)
    wait_for(lambda: path.exists() and "ready " in path.read_text(), "line")
    for line in path.read_text().splitlines():
        assert re.match(TIME + "(listening listener=main|ready) ", line), line


def test_messages_go_to_a_terminal(tmp_path):
    path = tmp_path / "p.ini"
    path.write_text(ini({"log_target": "auto"}, main={}))
    master, slave = os.openpty()
    with running(POLLARD, "-c", path, stderr=slave) as process:
        os.close(slave)
        text = read_until(master, b"ready ")
        process.terminate()
        assert process.wait(DEADLINE_S) == 0
    assert re.match(TIME + "listening listener=main ", text.decode())
    os.close(master)


def test_a_terminal_of_another_job_does_not_stop_the_daemon(tmp_path):
    """stty tostop: a write from the background is a SIGTTOU."""
    path = tmp_path / "p.ini"
    path.write_text(ini({"log_target": "auto"}, main={"listen": f"unix:{tmp_path}/s"}))
    script = (
        "import fcntl, os, signal, sys, termios\n"
        "fcntl.ioctl(2, termios.TIOCSCTTY, 0)\n"
        "mode = termios.tcgetattr(2)\n"
        "mode[3] |= termios.TOSTOP\n"
        "termios.tcsetattr(2, termios.TCSANOW, mode)\n"
        "if os.fork():\n"
        "    signal.pause()\n"
        "os.setpgid(0, 0)\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n")
    master, slave = os.openpty()
    with running(sys.executable, "-c", script, POLLARD, "-c", path, stderr=slave,
                 start_new_session=True):
        os.close(slave)
        text = read_until(master, b"ready ")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(f"{tmp_path}/s")
            assert ask(sock, b"hello") == b"HELLO"
            pid = peer_pid(sock)
        read_until(master, b"closed listener=main", text)
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not (tmp_path / "s").exists(), "end")
    os.close(master)


def peer_pid(sock):
    """Of the process at the other end."""
    return struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]


def test_a_pipe_that_nobody_reads_stalls_nobody(auto, tmp_path):
    path = tmp_path / "p.ini"
    path.write_text(ini(auto, main={"listen": f"unix:{tmp_path}/s"}))
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    with running(POLLARD, "-c", path, stderr=writer) as process:
        wait_for((tmp_path / "s").exists, "socket")
        for _ in range(300):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(DEADLINE_S)
                wait_for(lambda: sock.connect_ex(f"{tmp_path}/s") == 0, "listener")
                assert ask(sock, b"hello") == b"HELLO"
        process.terminate()
        assert process.wait(DEADLINE_S) == 0
    os.close(reader)
    os.close(writer)


def test_a_log_socket_that_is_a_stream_is_spoken_to(pollard, auto, log_socket):
    listener = log_socket(socket.SOCK_STREAM)
    server = pollard(daemon={**auto, "log_target": "syslog"}, main={}, ready=False)
    sock, _ = listener.accept()
    with sock:
        sock.settimeout(DEADLINE_S)
        data = b""
        while b"ready " not in data or not data.endswith(b"\0"):
            data += sock.recv(4096)
    messages = data.decode().split("\0")[:-1]
    assert [m for m in messages if re.match(rf"<29>\w\w\w [ \d]\d [\d:]* pollard\[{server.pid}\]: "
                                            "(listening listener=main|ready) ", m)] == messages
    server.signal(signal.SIGTERM)
    sock, _ = listener.accept()  # it calls again
    with sock:
        sock.settimeout(DEADLINE_S)
        assert b"stopping " in receive_all(sock)
    assert server.wait() == 0
    assert server.log() == ""


def test_a_stream_that_is_not_read_gets_all_later(pollard, auto, tmp_path, log_socket):
    listener = log_socket(socket.SOCK_STREAM)
    server = pollard(daemon={**auto, "log_target": "syslog"},
                     main={"listen": f"unix:{tmp_path}/s"}, ready=False)
    sock, _ = listener.accept()
    size = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    wait_for((tmp_path / "s").exists, "socket")
    calls = 2 * size // 150 + 100
    for _ in range(calls):
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(DEADLINE_S)
            wait_for(lambda: caller.connect_ex(f"{tmp_path}/s") == 0, "listener")
            caller.sendall(b"x")
            assert caller.recv(1) == b"X"
    data = b""
    with sock:
        sock.settimeout(DEADLINE_S)
        while b"dropped" not in data and data.count(b"closed ") < calls:
            data += sock.recv(1 << 16)
        for message in data.decode().split("\0")[:-1]:
            assert re.match(r"<\d+>\w\w\w [ \d]\d [\d:]* pollard\[\d+\]: [^<]+$", message), message
    server.stop()


@pytest.mark.parametrize("kind", [None, socket.SOCK_SEQPACKET])
def test_a_log_socket_that_takes_nothing_is_named(pollard, auto, tmp_path, log_socket, kind):
    if kind is not None:
        log_socket(kind)
    server = pollard(daemon={**auto, "log_target": "syslog"},
                     main={"listen": f"unix:{tmp_path}/s"}, ready=False)
    line = server.wait_log("log_socket")
    reason = "No such file or directory" if kind is None else "Protocol wrong type for socket"
    assert re.fullmatch(TIME + f'log_socket path={tmp_path}/log reason="{reason}" '
                        'text="messages wait for a log daemon there"', line)


@pytest.mark.parametrize("target", ["auto", "syslog"])
def test_why_it_does_not_start_is_said_on_standard_error_as_well(auto, tmp_path, log_socket,
                                                                target):
    path = tmp_path / "p.ini"
    sock = log_socket(socket.SOCK_DGRAM)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        path.write_text(ini({**auto, "log_target": target},
                            main={"listen": f"tcp:127.0.0.1:{port}"}))
        done = run("-c", path)
    reason = f'failed listener=main reason="listen on tcp:127.0.0.1:{port}: Address already in use"'
    assert re.fullmatch(TIME + reason + "\n", done.stderr)
    assert done.returncode == 3
    assert reason in sock.recv(4096).decode()


def test_errors_of_the_configuration_are_said_on_standard_error(tmp_path):
    path = tmp_path / "p.ini"
    path.write_text("[listener main]\nlisten = tcp:127.0.0.1:0\nservices = upper\nbad = 1\n")
    done = run("-c", path)
    assert re.fullmatch(TIME + re.escape(f'config_error text="{path}:4: bad: ') + ".*\n", done.stderr)
    assert done.returncode == 1


# What it inherits.

def test_a_log_file_that_may_not_grow_does_no_harm(pollard, tmp_path):
    path = tmp_path / "file"
    server = pollard(main={"listen": f"unix:{tmp_path}/s"}, ready=False,
                     prefix=["sh", "-c", f'ulimit -S -f 0; exec "$@" 2>>{path}', "sh"])
    wait_for((tmp_path / "s").exists, "socket")
    for _ in range(300):
        with wait_for(lambda: connected(tmp_path / "s"), "listener") as sock:
            assert ask(sock, b"hello") == b"HELLO"
    assert path.read_text() == ""
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    wait_for(lambda: "log_dropped messages=" in path.read_text(), "log")


def connected(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(DEADLINE_S)
    if sock.connect_ex(str(path)) == 0:
        return sock
    sock.close()
    return None


def test_an_error_in_a_file_that_may_not_grow_is_no_crash(tmp_path):
    path = tmp_path / "p.ini"
    path.write_text("nonsense\n")
    with open(tmp_path / "file", "w") as file:
        done = subprocess.run(["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", POLLARD, "-c", path],
                              stderr=file, timeout=DEADLINE_S)
    assert done.returncode == 1


def test_a_mask_that_was_inherited_is_not_kept(pollard):
    server = pollard(prefix=[
        sys.executable, "-c", "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, "
        "signal.valid_signals()); os.execv(sys.argv[1], sys.argv[1:])"])
    text = Path(f"/proc/{server.pid}/status").read_text()
    blocked = int(re.search(r"SigBlk:\s+(\w+)", text)[1], 16)
    assert not blocked & 1 << signal.SIGQUIT - 1
    assert not blocked & 1 << signal.SIGABRT - 1
    with server.connect() as sock:
        assert ask(sock, b"hello") == b"HELLO"


# Orders.

def test_a_reload_tells_who_asked_for_it_how_it_ended(pollard, tmp_path):
    server = pollard(main={"listen": f"unix:{tmp_path}/s"})
    done = run("--reload", server.pid)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(re.findall("reloaded ", server.log())) == 1
    server.path.write_text("nonsense\n")
    done = run("--reload", server.pid)
    assert done.returncode == 1
    assert done.stderr == "pollard: the daemon goes on as it was; its log says why\n"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server.path.write_text(ini(main={"listen": f"tcp:127.0.0.1:{port}"}))
        assert run("--check", "-c", server.path).returncode == 0
        assert run("--reload", server.pid).returncode == 1
    assert run("--reload", server.pid).returncode == 0
    with server.connect(port) as sock:
        assert ask(sock, b"hello") == b"HELLO"


def test_all_who_ask_at_once_are_told(pollard):
    server = pollard()
    server.signal(signal.SIGSTOP)
    os.waitpid(server.pid, os.WUNTRACED)
    askers = [subprocess.Popen([POLLARD, "--reload", str(server.pid)]) for _ in range(3)]
    for asker in askers:
        name = f"@pollard-order.{asker.pid}\n"
        wait_for(lambda: name in Path("/proc/net/unix").read_text(), "asker")
    server.signal(signal.SIGCONT)
    for asker in askers:
        assert asker.wait(DEADLINE_S) == 0


@needs_root
def test_who_asks_need_not_be_the_user_of_the_daemon():
    with open_folder() as folder:
        (folder / "p.ini").write_text(ini(main={"listen": f"unix:{folder}/s"}))
        server = Pollard(folder / "p.ini", prefix=as_nobody())
        try:
            server.wait_log("ready ")
            assert run("--reload", server.pid).returncode == 0
            server.wait_log("reloaded ")
        finally:
            server.finish()


def test_a_daemon_that_stops_refuses(pollard):
    server = pollard()
    with server.connect() as sock:
        assert ask(sock, b"hello") == b"HELLO"
        fill_until_full(sock)
        server.signal(signal.SIGTERM)
        server.wait_log("stopping clients=1")
        assert run("--reload", server.pid).returncode == 1
        receive_all(sock)


def fill_until_full(sock):
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        for _ in range(1 << 12):
            sock.send(b"x" * (1 << 16))
    sock.settimeout(DEADLINE_S)


@pytest.mark.parametrize("pid", ["", "x", "0", "-1", "17 ", "99999999999"])
def test_what_is_no_process_is_wrong_use(pid):
    done = run("--reload", pid)
    assert done.returncode == 2
    assert done.stderr.startswith(f"pollard: --reload: '{pid}' is not the number of a process")


def test_another_program_gets_no_signal():
    with running("sleep", "1000") as process:
        done = run("--reload", process.pid)
        assert process.poll() is None
    assert done.returncode == 4
    assert done.stderr == f"pollard: --reload: process {process.pid} is another program\n"
    done = run("--reload", process.pid)
    assert done.returncode == 4
    assert done.stderr == f"pollard: --reload: process {process.pid}: No such process\n"


def test_an_answer_of_another_process_counts_for_nothing(pollard):
    server = pollard()
    server.signal(signal.SIGSTOP)
    os.waitpid(server.pid, os.WUNTRACED)
    server.path.write_text("nonsense\n")
    with running(POLLARD, "--reload", str(server.pid), stderr=subprocess.DEVNULL) as asker, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as liar:
        name = f"\0pollard-order.{asker.pid}"

        def lied():
            with contextlib.suppress(ConnectionRefusedError):
                return liar.sendto(b"done", name)

        wait_for(lied, "asker")
        server.signal(signal.SIGCONT)
        assert asker.wait(DEADLINE_S) == 1


# Exit statuses.

@needs_root
@pytest.mark.parametrize("keys, advice", [
    ({}, ""),
    ({"socket_group": 0}, r" \(allow_groups, or SupplementaryGroups= in the unit for socket_group\)"),
    ({"socket_owner": 0}, r" \(only root gives files away: allow_users, not socket_owner\)"),
])
def test_what_is_forbidden_is_told_apart_from_what_is_not_there_yet(tmp_path, keys, advice):
    with open_folder() as folder:
        folder.chmod(0o777 if keys else 0o755)
        (folder / "p.ini").write_text(ini(main={"listen": f"unix:{folder}/s", **keys}))
        done = subprocess.run(
            [*as_nobody(), POLLARD, "-c", folder / "p.ini"],
            capture_output=True, text=True, timeout=DEADLINE_S)
        assert done.returncode == 4
        reason = "Operation not permitted" if keys else "Permission denied"
        assert re.search(f'listener=main reason="listen on unix:{folder}/s: {reason}{advice}"\n$', done.stderr)
        assert not (folder / "s").exists()


def test_what_is_not_there_yet_is_a_status_of_its_own(tmp_path):
    path = tmp_path / "p.ini"
    for listen in ("tcp:192.0.2.1:0", f"unix:{tmp_path}/missing/s"):
        path.write_text(ini(main={"listen": listen}))
        assert run("-c", path).returncode == 3


def test_a_daemon_that_fails_while_it_serves_says_so(pollard):
    server = pollard(env={"ASAN_OPTIONS": "detect_leaks=0"})  # which wants descriptors at the end
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (1, 1))
    server.signal(signal.SIGUSR1)  # so that it calls poll(2) once more
    assert server.wait() == 5
    assert 'failed call=poll reason="Invalid argument"' in server.log()


# Installation.

def make(target, root):
    """make TARGET with root as DESTDIR; the configuration's file there."""
    system.make(target, root)
    return next((p for p in root.rglob("pollard.ini") if "doc" not in p.parts), None)


def test_an_edited_configuration_is_kept(tmp_path):
    path = make("install", tmp_path)
    example = path.read_text()
    assert "[listener upper]" in example
    path.write_text("; mine\n")
    assert make("install", tmp_path) == path
    assert path.read_text() == "; mine\n"
    copies = [p for p in tmp_path.rglob("doc/**/pollard.ini")]
    assert [p.read_text() for p in copies] == [example]
    assert make("uninstall", tmp_path) == path
    assert path.read_text() == "; mine\n"
    assert [p for p in tmp_path.rglob("*") if not p.is_dir()] == [path]


def test_a_configuration_that_was_not_edited_is_removed(tmp_path):
    path = make("install", tmp_path)
    make("uninstall", tmp_path)
    assert not path.parent.exists()
    assert not [p for p in tmp_path.rglob("*") if not p.is_dir()]


def test_a_configuration_that_is_a_link_is_kept(tmp_path):
    path = make("install", tmp_path)
    path.unlink()
    path.symlink_to("elsewhere")
    make("install", tmp_path)
    assert os.readlink(path) == "elsewhere"


# Under systemd.

def call_unix(path):
    """A connection to a UNIX socket; OSError where nobody would ever answer."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(system.DEADLINE_S)
    try:
        sock.connect(path)
    except OSError:
        sock.close()
        raise
    return sock


def socket_drop_in(text):
    directory = Path("/etc/systemd/system/pollard.socket.d")
    directory.mkdir()
    (directory / "test.conf").write_text(text)
    systemctl("daemon-reload")


@booted
def test_callers_of_passed_sockets_wait_through_restart_crash_watchdog_and_stop():
    own = "/run/pollard/own.sock"
    configure(f"\n[listener passed]\nlisten = unix:{PASSED}\nservices = upper\n"
              f"[listener own]\nlisten = tcp:127.0.0.1:3299 unix:{own}\nservices = upper\n")
    socket_drop_in(f"[Socket]\nListenStream={PASSED}\n")
    drop_in("[Service]\nWatchdogSec=2s\n")
    systemctl("start", "pollard.socket")

    def is_served(calls):
        for connection in calls:
            with connection:
                assert system.exchange(connection, b"hello") == b"HELLO"

    def passed():
        return [system.call(), call_unix(PASSED)]

    def is_back():
        """Who is not called while it is away."""
        try:
            is_served([system.call(3299), call_unix(own)])
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        return True

    def kill(number):
        pid = system.main_pid()
        os.kill(pid, number)
        if number == signal.SIGSTOP:
            system.wait_for("the watchdog", lambda: show("MainPID") != str(pid))

    is_served(passed())  # starts the service
    system.wait_for("the sockets of its own", is_back)
    for end in (lambda: systemctl("restart", "pollard.service"), lambda: kill(signal.SIGKILL),
                lambda: kill(signal.SIGSTOP), lambda: systemctl("stop", "pollard.service")):
        inode = os.stat(PASSED).st_ino
        end()
        assert os.stat(PASSED).st_ino == inode
        is_served(passed())
        system.wait_for("the sockets of its own", is_back)
    assert show("NRestarts") == "0"  # of the last start


@booted
def test_members_of_a_group_may_call_and_others_may_not():
    path = "/run/pollard/requests.sock"
    for user, group in (("alice", "adm"), ("bob", "users")):
        done = system.run("useradd", "--no-create-home", "--groups", group, user)
        assert done.returncode == 0, done.stdout
    configure(f"\n[listener requests]\nlisten = unix:{path}\nprotocol = resp\n"
              "services = upper\nallow_groups = adm\n")
    systemctl("start", "pollard.service")

    def ask_as(user):
        script = ("import socket\nsock = socket.socket(socket.AF_UNIX)\n"
                  f"sock.connect('{path}')\n"
                  "try:\n    sock.sendall(b'UPPER hello\\r\\n')\n    print(sock.recv(100))\n"
                  "except OSError as error:\n    print(error)\n")
        return system.run("runuser", "-u", user, "--", "python3", "-c", script).stdout

    assert ask_as("alice") == "b'$5\\r\\nHELLO\\r\\n'\n"
    assert "HELLO" not in ask_as("bob")
    system.wait_for("the end", lambda: "reason=refused" in journal())
    assert re.search(r"listener=requests peer=unix:uid=%d,\S* \S* out=0 \S* reason=refused"
                     % pwd.getpwnam("bob").pw_uid, journal())
    # Where the key goes, so does what it let in.
    text = system.config_file().read_text()
    configure(text.replace("allow_groups = adm", ""), "w")
    systemctl("reload", "pollard.service")
    assert "Permission denied" in ask_as("bob")
    assert "Permission denied" in ask_as("alice")
    configure(text, "w")
    systemctl("reload", "pollard.service")
    assert "HELLO" in ask_as("alice")


@booted
def test_a_group_that_the_daemon_cannot_give_is_told_once():
    path = "/run/pollard/local.sock"
    configure(f"\n[listener local]\nlisten = unix:{path}\nservices = upper\n"
              "socket_group = adm\n")
    assert system.run("systemctl", "start", "pollard.service").returncode != 0
    assert show("ActiveState") == "failed"
    assert show("ExecMainStatus") == "4"
    assert show("NRestarts") == "0"
    assert "SupplementaryGroups= in the unit for socket_group" in journal()
    drop_in("[Service]\nSupplementaryGroups=adm\n")
    systemctl("start", "pollard.service")
    assert os.stat(path).st_gid == grp.getgrnam("adm").gr_gid


@booted
def test_a_reload_fails_where_only_the_daemon_sees_why():
    systemctl("start", "pollard.service")
    pid = system.main_pid()
    configure("\n[listener more]\nlisten = tcp:127.0.0.1:3299\nservices = upper\n")
    with socket.create_server(("127.0.0.1", 3299)):
        assert system.run("systemctl", "reload", "pollard.service").returncode != 0
        assert "listen on tcp:127.0.0.1:3299: Address already in use" in journal()
        assert show("ActiveState") == "active"
        assert system.answers()
    systemctl("reload", "pollard.service")
    assert system.answers(3299)
    assert system.main_pid() == pid


@booted
def test_an_address_that_is_not_there_yet_is_waited_for():
    configure("\n[listener late]\nlisten = tcp:192.0.2.1:3234\nservices = upper\n")
    begin = time.monotonic()
    assert system.run("systemctl", "start", "pollard.service").returncode != 0
    assert show("ExecMainStatus") == "3"
    system.wait_for("the end of systemd's interval", lambda: time.monotonic() > begin + 10)
    assert int(show("NRestarts")) >= 1
    done = system.run("ip", "address", "add", "192.0.2.1/32", "dev", "lo")
    assert done.returncode == 0, done.stdout
    system.wait_for("the service", lambda: show("ActiveState") == "active")
    with socket.create_connection(("192.0.2.1", 3234), system.DEADLINE_S) as connection:
        assert system.exchange(connection, b"hello") == b"HELLO"


@booted
def test_a_caller_and_a_file_with_errors_are_no_endless_loop():
    systemctl("start", "pollard.socket")
    good = system.config_file().read_text()
    configure("no_such_key = 1\n")
    with system.call():
        system.wait_for("the end of the socket", lambda: show("Result", "pollard.socket") ==
                        "service-start-limit-hit")
    assert journal().count("no_such_key") == 5
    configure(good, "w")
    systemctl("reset-failed", "pollard.service")
    systemctl("start", "pollard.socket")
    assert system.answers()


@booted
def test_no_number_of_restarts_is_one_too_many():
    """So many fit in the interval, and those of the unit take longer."""
    properties = systemctl("show", "-p", "StartLimitIntervalUSec", "-p", "StartLimitBurst",
                           "-p", "RestartUSec", "pollard.service")
    seconds = {name: float(value.removesuffix("s"))
               for name, value in (line.split("=") for line in properties.splitlines())}
    assert seconds["RestartUSec"] * seconds["StartLimitBurst"] > seconds["StartLimitIntervalUSec"]


@booted
def test_a_daemon_that_fails_is_started_again():
    systemctl("start", "pollard.service")
    pid = system.main_pid()
    done = system.run("runuser", "-u", "pollard", "--", "prlimit", f"--pid={pid}", "--nofile=1:1")
    assert done.returncode == 0, done.stdout
    os.kill(pid, signal.SIGUSR1)
    system.wait_for("a restart", lambda: show("NRestarts") == "1" and
                    show("ActiveState") == "active")
    assert system.answers()


main(globals())
