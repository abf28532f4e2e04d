# SPDX-License-Identifier: MIT
"""Messages to a log daemon: whole, in shape, and never at the cost of the service."""

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from conftest import DEADLINE_S, POLLARD, TIME, ask, ini, parsed, wait_for

SHAPE = r"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d pollard\[%s\]: (.*)"
QUEUE = Path("/proc/sys/net/unix/max_dgram_qlen")
WAITING = 128  # messages that the daemon keeps


class LogDaemon:
    def __init__(self, path):
        self.path = path
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(path))
        self.sock.settimeout(DEADLINE_S)

    def wait(self, text):
        while True:
            message = self.sock.recv(65536).decode()
            parsed(re.fullmatch(SHAPE % r"\d+", message)[2])
            if text in message:
                return message

    def close(self):
        self.sock.close()
        self.path.unlink(missing_ok=True)


@pytest.fixture
def log(tmp_path):
    daemon = LogDaemon(tmp_path / "log")
    yield daemon
    daemon.close()


@pytest.fixture
def logged(pollard, tmp_path):
    """A daemon that logs to tmp_path/log, and its socket."""
    def start(**daemon):
        server = pollard(
            daemon={"log_target": "syslog", "log_socket": tmp_path / "log", **daemon},
            main={"listen": f"unix:{tmp_path}/s", "services": "echo"})
        wait_for((tmp_path / "s").exists, "socket")

        def serves():
            try:
                with server.connect(tmp_path / "s") as sock:
                    return ask(sock, b"hello") == b"hello"
            except OSError:
                return False

        wait_for(serves, "service")
        return server

    return start


def call(server, tmp_path, times=1):
    for _ in range(times):
        with server.connect(tmp_path / "s") as sock:
            assert ask(sock, b"hello") == b"hello"


def test_messages_have_the_shape_of_the_rfc(log, logged):
    server = logged()
    ready = re.fullmatch(SHAPE % server.pid, log.wait("ready "))
    assert ready and ready[1] == "29"
    closed = re.fullmatch(SHAPE % server.pid, log.wait("closed listener=main"))
    assert closed and closed[1] == "30"
    assert server.log() == ""


def test_the_facility_is_what_is_asked_for(log, logged):
    logged(log_facility="local3")
    assert log.wait("closed listener=main").startswith("<158>")


def test_nothing_less_urgent_than_the_level_is_logged(log, logged, tmp_path):
    server = logged(log_level="notice")
    call(server, tmp_path, 3)
    server.signal(signal.SIGUSR1)
    while True:
        message = log.sock.recv(65536).decode()
        assert "closed" not in message
        if "stats accepted=" in message:
            break


def test_a_log_that_nobody_reads_stalls_nobody_and_what_was_lost_is_counted(
        log, logged, tmp_path):
    server = logged()
    room = int(QUEUE.read_text()) + WAITING
    call(server, tmp_path, room + 200)
    line = log.wait("log_dropped")
    assert int(re.search(r"log_dropped messages=(\d+)", line)[1]) >= 100
    call(server, tmp_path)
    log.wait("closed listener=main")


def test_messages_arrive_again_after_the_log_daemon_was_restarted(log, logged, tmp_path):
    server = logged()
    log.wait("ready ")
    log.close()
    call(server, tmp_path, 3)
    again = LogDaemon(tmp_path / "log")
    try:
        again.wait("closed listener=main")
        server.signal(signal.SIGUSR1)
        again.wait("stats accepted=")
    finally:
        again.close()


def test_a_log_daemon_that_comes_late_gets_what_was_said_before(logged, tmp_path):
    server = logged()
    late = LogDaemon(tmp_path / "log")
    try:
        assert re.fullmatch(SHAPE % server.pid, late.wait("ready "))
    finally:
        late.close()


def test_a_stop_does_not_wait_for_a_log_that_nobody_reads(log, logged, tmp_path):
    server = logged()
    call(server, tmp_path, int(QUEUE.read_text()) + WAITING + 10)
    server.signal(signal.SIGTERM)
    assert server.wait() == 0


def test_a_real_log_daemon_understands_the_messages(pollard, logged, tmp_path):
    program = shutil.which("rsyslogd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        pytest.skip("rsyslogd is missing")
    conf, out = tmp_path / "rsyslog.conf", tmp_path / "out"
    conf.write_text(
        f'global(workDirectory="{tmp_path}")\n'
        'module(load="imuxsock" SysSock.Use="off")\n'
        f'input(type="imuxsock" Socket="{tmp_path}/log")\n'
        'template(name="t" type="string" '
        'string="%syslogfacility-text%.%syslogseverity-text% %programname% %procid% %msg%\\n")\n'
        f'*.* action(type="omfile" file="{out}" template="t")\n')
    daemon = subprocess.Popen(
        [program, "-n", "-f", conf, "-i", tmp_path / "rsyslog.pid"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: (tmp_path / "log").exists() or daemon.poll() is not None, "log socket")
        if daemon.poll() is not None:
            pytest.skip("rsyslogd does not start")
        server = logged()

        def text():
            return out.read_text() if out.exists() else ""

        wait_for(lambda: f"daemon.info pollard {server.pid}  closed listener=main" in text(),
                 "line in the log file")
        assert f"daemon.notice pollard {server.pid}  ready " in text()
    finally:
        daemon.terminate()
        daemon.wait(DEADLINE_S)


@pytest.mark.parametrize("level", ["info", "error"])
def test_what_waits_for_one_target_goes_to_the_next_in_its_shape(logged, tmp_path, level):
    server = logged()  # there is no log daemon
    call(server, tmp_path, 3)
    server.reload(ini(
        {"log_target": "stderr", "log_level": level},
        main={"listen": f"unix:{tmp_path}/s", "services": "echo"}))
    server.wait_log("closed listener=main", timeout=5, count=4)
    assert re.match(TIME + r"ready config=\S+$", server.wait_log("ready "))
    for line in server.log().splitlines():
        assert re.match(TIME + "(listening listener=main |ready |closed |reloaded |log_socket )", line), line


def test_the_last_words_wait_for_a_log_that_is_read_slowly(tmp_path):
    path = tmp_path / "p.ini"
    path.write_text(ini(main={"listen": f"unix:{tmp_path}/s"}))
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    with subprocess.Popen([POLLARD, "-c", path], stderr=writer) as process, open(reader) as log:
        os.close(writer)

        def connected():
            sock = socket.socket(socket.AF_UNIX)
            return sock if sock.connect_ex(f"{tmp_path}/s") == 0 else None

        def descriptors():
            return len(os.listdir(f"/proc/{process.pid}/fd"))

        with wait_for(connected, "listener") as sock:
            assert ask(sock, b"hello") == b"HELLO"
            before = descriptors()
            for other in [connected() for _ in range(100)]:
                assert ask(other, b"hello") == b"HELLO"
                other.close()
            wait_for(lambda: descriptors() == before, "end of the calls")
        process.terminate()
        wait_for(lambda: not (tmp_path / "s").exists(), "stop")
        lines = log.read().splitlines()
        assert process.wait(DEADLINE_S) == 0
    assert len([line for line in lines if " closed listener=main " in line]) == 101
    assert " stats " in lines[-1]
