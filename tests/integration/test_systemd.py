# SPDX-License-Identifier: MIT
"""The installed unit under a real systemd, see booted.py."""
import contextlib
import json
import os
import pwd
import re
import signal
import socket
from pathlib import Path

from booted import (
    answers, booted, call, configure, drop_in, exchange, is_refused, journal, listening_inodes,
    main, main_pid, run, show, systemctl, unit_file, wait_for,
)


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
def test_what_the_sandbox_forbids_a_command_is_logged_with_the_drop_in_that_allows_it():
    programs = {"ping": Path("/opt/ping"), "sudo": Path("/opt/sudo")}
    for program in programs.values():
        program.write_bytes(Path("/bin/true").read_bytes())
        program.chmod(0o755)
    programs["sudo"].chmod(0o4755)
    net_raw = (0x02000001).to_bytes(4, "little") + (1 << 13).to_bytes(4, "little") + bytes(12)
    os.setxattr(programs["ping"], "security.capability", net_raw)
    path = "/run/pollard/requests.sock"
    configure(f"\n[listener requests]\nlisten = unix:{path}\nprotocol = resp\n"
              "services = commands\n[command nice]\nexec = /bin/true\nnice = 7\n"
              f"[command ping]\nexec = {programs['ping']}\n"
              f"[command sudo]\nexec = {programs['sudo']}\n"
              "[command home]\nexec = /bin/true\ncwd = /root\n"
              "[command away]\nexec = /home/alice/true\ncwd = /run/user/1000\n")

    systemctl("start", "pollard.service")
    expected = [("nice", "nice.conf", "allows"), ("exec", "ping.conf", "gives"),
                ("exec", "sudo.conf", "changes"),
                ("cwd", "/root is .* see-disks.conf", "shows"),
                ("exec", "/home/alice/true is .* see-disks.conf", "shows"),
                ("cwd", "/run/user/1000 is .* see-disks.conf", "shows")]
    text = journal(f"_PID={main_pid()}")
    for key, name, what in expected:
        assert len(re.findall(f": {key}: warning: .*{name} {what}", text)) == 1, text
    assert text.count("warning: ") == len(expected), text
    systemctl("reload", "pollard.service")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(b"RUN nice\r\nRUN ping\r\nRUN sudo\r\nRUN home\r\nRUN away\r\nQUIT\r\n")
        answer = connection.makefile("rb").read()
    assert answer.count(b"$4\r\nexit\r\n:0\r\n") == 4, answer
    reason = b"-ERR away: cannot be run: its folder /run/user/1000 is hidden by the unit"
    assert reason in answer, answer


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


main(globals())
