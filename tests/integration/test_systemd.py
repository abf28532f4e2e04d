# SPDX-License-Identifier: MIT
"""The installed unit under a real systemd.

Each test is a function that runs inside a system that ../sdboot boots for it: out here
booted() installs the build, hands this very file to the booted system, and the same
function is called there by name.
"""
import contextlib
import json
import os
import pwd
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve()
DEADLINE_S = 20

if __name__ != "__main__":
    import pytest

    pytestmark = pytest.mark.skipif(
        os.environ.get("POLLARD_SANITIZED") == "1",
        reason="the unit's sandbox and a sanitizer do not get along")


# Outside: install, boot, judge.

def make_install(root):
    """Install the build below root. Its paths stay those it was configured with."""
    build = Path(os.environ.get("POLLARD_BUILD", HERE.parents[2] / "build")).resolve()
    if not (build / "src" / "pollard").exists():
        pytest.skip(f"no src/pollard in {build} (POLLARD_BUILD)")
    if b"sd_listen_fds" not in (build / "src" / "pollard").read_bytes():
        pytest.skip("built without systemd")
    prefix = re.search(r"^prefix = (.*)$", (build / "Makefile").read_text(), re.M)[1]
    if prefix.startswith(("/tmp/", "/var/tmp/", "/home/", "/root/")):
        pytest.skip(f"the unit's sandbox hides the prefix {prefix}")
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    done = subprocess.run(
        ["make", "-C", build, "install", f"DESTDIR={root}"],
        env=environment, umask=0o022, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


def boot(case, name):
    root = case / "root"
    root.mkdir()
    make_install(root)
    (case / HERE.name).write_bytes(HERE.read_bytes())
    (case / "test.sh").write_text(
        "set -e\n"
        "tar -C /t/root -c . | tar -C / -x --no-overwrite-dir --keep-directory-symlink\n"
        f"exec /usr/bin/python3 -B /t/{HERE.name} {name}\n")
    done = subprocess.run([HERE.parents[1] / "sdboot", case], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode == 77:
        pytest.skip(done.stdout.strip())
    output = case / "result" / "output"
    text = output.read_text(errors="replace") if output.exists() else ""
    assert done.returncode == 0, f"{done.stdout}\n{text}"


def booted(function):
    """Make function a test that runs in a system of its own."""
    if __name__ == "__main__":
        return function

    def test(tmp_path):
        boot(tmp_path, function.__name__)

    test.__doc__ = function.__doc__
    return test


# Inside: the verbs of the tests.

def run(*argv):
    return subprocess.run(argv, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def systemctl(*argv):
    done = run("systemctl", *argv)
    assert done.returncode == 0, f"systemctl {' '.join(argv)}: {done.stdout}\n{journal()}"
    return done.stdout.strip()


def show(name, unit="pollard.service"):
    return systemctl("show", "--value", "-p", name, unit)


def main_pid():
    pid = int(show("MainPID"))
    assert pid > 0, journal()
    return pid


def journal(*argv):
    run("journalctl", "--sync")
    return run("journalctl", "--no-pager", "-u", "pollard.service", *argv).stdout


def wait_for(what, condition):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}\n{journal()}"
        time.sleep(0.02)


def unit_file():
    return Path(show("FragmentPath"))


def config_file():
    """The file that the installed unit names."""
    return Path(re.search(r'^ExecStart=.* -c "(.*)"', unit_file().read_text(), re.M).group(1))


def configure(text, mode="a"):
    with config_file().open(mode) as file:
        file.write(text)


def drop_in(text):
    directory = Path("/etc/systemd/system/pollard.service.d")
    directory.mkdir()
    (directory / "test.conf").write_text(text)
    systemctl("daemon-reload")


def call(port=3234):
    return socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)


def exchange(connection, data):
    """Send data; returns as many bytes of answer."""
    connection.settimeout(DEADLINE_S)
    connection.sendall(data)
    answer = b""
    while len(answer) < len(data):
        part = connection.recv(len(data) - len(answer))
        assert part, f"end of stream after {answer!r}\n{journal()}"
        answer += part
    return answer


def answers(port=3234):
    with call(port) as connection:
        return exchange(connection, b"hello") == b"HELLO"


def is_refused(port=3234):
    try:
        call(port).close()
    except ConnectionRefusedError:
        return True
    return False


def listening_inodes(port):
    """Inodes of the sockets that listen on 127.0.0.1:port, proc(5)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[9] for row in rows if row[1] == f"0100007F:{port:04X}" and row[3] == "0A"]


def prepare():
    """What a package's postinst does."""
    installed = Path("/t/root")
    for kind, tool in (("sysusers.d", ["systemd-sysusers"]),
                       ("tmpfiles.d", ["systemd-tmpfiles", "--create"])):
        files = ["/" + str(f.relative_to(installed)) for f in installed.rglob(f"{kind}/*.conf")]
        assert files, f"nothing installed in {kind}"
        done = run(*tool, *files)
        assert done.returncode == 0, done.stdout
    if run("systemctl", "cat", "pollard.service").returncode != 0:
        for kind in ("service", "socket"):
            for file in installed.rglob(f"pollard.{kind}"):
                systemctl("link", "/" + str(file.relative_to(installed)))
    systemctl("daemon-reload")
    assert config_file().exists(), f"{config_file()} is not installed"


# The tests.

@booted
def test_the_unit_is_clean_and_confined():
    done = run("systemd-analyze", "verify", "--man=no", str(unit_file()))
    assert done.returncode == 0 and "pollard" not in done.stdout, done.stdout
    done = run("systemd-analyze", "security", "--offline=true", "--threshold=15",
               str(unit_file()))
    assert done.returncode == 0, done.stdout


@booted
def test_starts_as_its_own_user_and_answers():
    systemctl("start", "pollard.service")
    assert show("ActiveState") == "active"
    assert answers()
    assert os.stat(f"/proc/{main_pid()}").st_uid == pwd.getpwnam("pollard").pw_uid
    assert os.stat("/run/pollard").st_uid == pwd.getpwnam("pollard").pw_uid


@booted
def test_a_file_with_errors_is_not_tried_again():
    configure("[listener bad]\nno_such_key = 1\n")
    assert run("systemctl", "start", "pollard.service").returncode != 0
    assert show("ActiveState") == "failed"
    assert show("ExecMainStatus") == "1"
    assert show("NRestarts") == "0"
    assert "no_such_key" in journal()


@booted
def test_reload_takes_over_and_keeps_connections():
    systemctl("start", "pollard.service")
    pid = main_pid()
    with call() as connection:
        assert exchange(connection, b"before") == b"BEFORE"
        configure("\n[listener more]\nlisten = tcp:127.0.0.1:3299\nservices = upper\n")
        systemctl("reload", "pollard.service")
        wait_for("the new listener", lambda: not is_refused(3299))
        assert answers(3299)
        assert exchange(connection, b"after") == b"AFTER"
    assert main_pid() == pid
    assert show("ActiveState") == "active"


@booted
def test_a_bad_reload_fails_and_changes_nothing():
    systemctl("start", "pollard.service")
    pid = main_pid()
    with call() as connection:
        configure("\n[listener more]\nlisten = tcp:127.0.0.1:3299\nservices = upper\n"
                  "no_such_key = 1\n")
        done = run("systemctl", "reload", "pollard.service")
        assert done.returncode != 0, done.stdout
        assert exchange(connection, b"still") == b"STILL"
    assert answers()
    assert is_refused(3299)
    assert main_pid() == pid
    assert show("ActiveState") == "active"


@booted
def test_a_hangup_with_a_bad_file_changes_nothing():
    systemctl("start", "pollard.service")
    pid = main_pid()
    configure("\n[listener more]\nlisten = tcp:127.0.0.1:3299\nservices = upper\n"
              "no_such_key = 1\n")
    os.kill(pid, signal.SIGHUP)
    wait_for("the reason in the log", lambda: "no_such_key" in journal())
    assert answers()
    assert is_refused(3299)
    assert main_pid() == pid


@booted
def test_a_unix_socket_knows_its_callers():
    """The sandbox must not hide who is calling."""
    path = "/run/pollard/local.sock"
    configure(f"\n[listener local]\nlisten = unix:{path}\nservices = upper\n"
              "allow_users = root\n")
    systemctl("start", "pollard.service")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        assert exchange(connection, b"root") == b"ROOT"


@booted
def test_files_and_commands_work_in_the_sandbox():
    path = "/run/pollard/requests.sock"
    root = Path("/srv/pollard")
    root.mkdir()
    (root / "large").write_bytes(b"x" * 1_000_000)
    configure(f"\n[listener requests]\nlisten = unix:{path}\nprotocol = resp\n"
              "services = files commands\n[service files]\nroot = /srv/pollard\n"
              "[command nice]\nnice = 7\n"
              "exec = /usr/bin/nice\n")
    drop_in("[Service]\nSystemCallFilter=setpriority\n")
    systemctl("start", "pollard.service")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(b"GET large\r\nSHA256 large\r\nRUN nice\r\nQUIT\r\n")
        answer = connection.makefile("rb").read()
    large = b"$1000000\r\n" + b"x" * 1_000_000 + b"\r\n"
    assert answer.startswith(large + b"$64\r\n"), answer[:200]
    nice = b"%d\n" % min(os.nice(0) + 7, 19)
    assert b"$6\r\nstdout\r\n$%d\r\n%b\r\n" % (len(nice), nice) in answer, answer[-300:]


@booted
def test_the_watchdog_is_fed_by_an_idle_loop():
    drop_in("[Service]\nWatchdogSec=2s\n")
    systemctl("start", "pollard.service")
    pid = main_pid()
    fed = set()

    def fed_often():
        fed.add(show("WatchdogTimestampMonotonic"))
        return len(fed) >= 5 # four feedings, at most 1 s apart

    wait_for("the watchdog's timestamp to move", fed_often)
    assert main_pid() == pid
    assert show("NRestarts") == "0"


@booted
def test_the_watchdog_restarts_a_stopped_loop():
    drop_in("[Service]\nWatchdogSec=2s\n")
    systemctl("start", "pollard.service")
    pid = main_pid()
    os.kill(pid, signal.SIGSTOP)
    wait_for("a restart", lambda: show("NRestarts") == "1" and show("ActiveState") == "active")
    assert main_pid() != pid
    assert answers()


@booted
def test_a_crash_is_restarted():
    systemctl("start", "pollard.service")
    pid = main_pid()
    os.kill(pid, signal.SIGKILL)
    wait_for("a restart", lambda: show("NRestarts") == "1" and show("ActiveState") == "active")
    assert answers()


@booted
def test_a_passed_socket_outlives_the_daemon():
    systemctl("start", "pollard.socket")
    assert show("ActiveState") == "inactive"
    inodes = listening_inodes(3234)
    assert len(inodes) == 1
    pids = set()
    for _ in range(3):
        assert answers() # the call starts the service
        wait_for("the service", lambda: show("ActiveState") == "active")
        pids.add(main_pid())
        assert listening_inodes(3234) == inodes
        assert answers()
        systemctl("stop", "pollard.service")
        assert listening_inodes(3234) == inodes
    assert len(pids) == 3


@booted
def test_a_reload_keeps_a_passed_socket():
    systemctl("start", "pollard.socket")
    assert answers()
    inodes = listening_inodes(3234)
    wait_for("the service", lambda: show("ActiveState") == "active")
    systemctl("reload", "pollard.service")
    assert listening_inodes(3234) == inodes
    assert answers()


@booted
def test_the_journal_has_a_line_for_each_connection():
    systemctl("start", "pollard.service")
    assert answers()
    line = re.compile(r"closed listener=upper peer=\S+ in=5 out=5 ms=\d+ reason=eof")
    wait_for("the line", lambda: line.search(journal()))
    entries = [json.loads(entry) for entry in journal("-o", "json").splitlines()]
    entry = next(e for e in entries if line.search(str(e.get("MESSAGE"))))
    assert entry["PRIORITY"] == "6"
    assert entry["_PID"] == str(main_pid())


@booted
def test_stops_clean():
    systemctl("start", "pollard.service")
    assert answers()
    systemctl("stop", "pollard.service")
    assert show("ActiveState") == "inactive"
    assert show("Result") == "success"
    assert is_refused()


@booted
def test_a_stop_drains_and_then_ends():
    systemctl("start", "pollard.service")
    with call() as connection:
        assert exchange(connection, b"open") == b"OPEN"
        systemctl("stop", "--no-block", "pollard.service")
        wait_for("the listener to close", is_refused)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1024):
                pass
    wait_for("the end", lambda: show("ActiveState") == "inactive")
    assert show("Result") == "success"


if __name__ == "__main__":
    prepare()
    globals()[sys.argv[1]]()
