# SPDX-License-Identifier: MIT
"""A pollard of its own for every test, on ports the kernel chooses."""

import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

POLLARD = os.environ.get("POLLARD", str(Path(__file__).resolve().parents[2] / "src" / "pollard"))
SANITIZED = os.environ.get("POLLARD_SANITIZED") == "1"
VALGRIND = Path(POLLARD).name == "valgrind"  # has descriptors of its own, and runs no commands
DEADLINE_S = 20
REPORTS = ("ERROR: AddressSanitizer", "runtime error:", "LeakSanitizer")
LINGER_NONE = struct.pack("ii", 1, 0)  # close(2) resets the connection
PASS_SOCKETS = """\
import fcntl, os, sys
fds = [fcntl.fcntl(int(fd), fcntl.F_DUPFD_CLOEXEC, 500) for fd in sys.argv[1].split(",")]
os.closerange(3, 500)
for n, fd in enumerate(fds):
    os.dup2(fd, 3 + n)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)))
os.execv(sys.argv[2], sys.argv[2:])
"""
LISTENING = re.compile(r"listening listener=(\S+) address=(tcp|udp):\S*:(\d+)$")
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d "
ESCAPE = r'\\(?:["\\abfnrtv]|[0-7]{3}|0(?![0-7]))'
VALUE = rf'"(?:[ !#-\[\]-~]|{ESCAPE})*"(?:\.\.\.)?|[!#-&(-\[\]-~]+'
LINE = re.compile(rf"([a-z0-9_]+)((?: [a-z0-9_]+=(?:{VALUE}))+)( \.\.\.)?")
COMBINED = re.compile(r'\S+ - - \[[^]]+\] "[^"]*" \d{3} \d+ "[^"]*" "[^"]*"')
MANUAL = Path(__file__).resolve().parents[2] / "man" / "pollard.8"
MANUAL_FIELD = re.search(r"^ \(\[a-z.*$", MANUAL.read_text(), re.M)[0].replace(r"\e", "\\")
ESCAPED = {ord(at): to for at, to in zip('"\\abfnrtv', b'"\\\a\b\f\n\r\t\v')}


def value_of(text):
    """What a value in the log stands for, as bytes."""
    if not text.startswith('"'):
        return text.encode()
    return re.sub(rb"\\([0-7]{1,3}|.)", lambda at: bytes(
        [ESCAPED[at[1][0]] if at[1][0] in ESCAPED else int(at[1], 8)]),
        text.removesuffix("...")[1:-1].encode())


def parsed(line):
    """The event of a line of the log, and its fields as (key, value) in their order."""
    line = re.sub(f"^(?:{TIME}|<[0-7]>)", "", line)
    if COMBINED.fullmatch(line):
        return "request", []
    match = LINE.fullmatch(line)
    assert match, f"not a line of the log: {line}"
    fields = re.findall(rf" ([a-z0-9_]+)=({VALUE})", match[2])
    assert fields == [said[:2] for said in re.findall(MANUAL_FIELD, match[2])]
    return match[1], [(key, value_of(text)) for key, text in fields]


def need(*programs):
    """Skip the test where one of them is not there."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing")


def wait_for(condition, what, timeout=DEADLINE_S):
    """Poll condition until it is true; what it gave is returned."""
    end = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, f"in {timeout} s there was no {what}"
        select.select([], [], [], 0.01)


def receive(sock, size):
    """Exactly size bytes, or what came before the end."""
    data = bytearray()
    while len(data) < size:
        part = sock.recv(min(1 << 18, size - len(data)))
        if not part:
            break
        data += part
    return bytes(data)


def receive_all(sock):
    data = bytearray()
    while part := sock.recv(1 << 18):
        data += part
    return bytes(data)


def ask(sock, data):
    sock.sendall(data)
    return receive(sock, len(data))


def fill(sock, data):
    """Send until nobody takes any more for a while. Returns how many bytes went."""
    sent = 0
    sock.setblocking(False)
    while sent < len(data) and select.select([], [sock], [], 0.5)[1]:
        try:
            sent += sock.send(data[sent : sent + (1 << 18)])
        except BlockingIOError:
            pass
    sock.settimeout(DEADLINE_S)
    return sent


def read_slowly(sock, size, part, pause=0.05):
    """Up to size bytes, part of them each pause: what a slow line looks like."""
    data = bytearray()
    while len(data) < size:
        got = receive(sock, min(part, size - len(data)))
        if not got:
            break
        data += got
        select.select([], [], [], pause)
    return bytes(data)


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
    sock.close()


def ini(daemon=None, **listeners):
    """The text of a configuration: a dictionary for each section."""
    sections = {"[daemon]": {"log_target": "stderr", **(daemon or {})}}
    for name, keys in listeners.items():
        keys = {"listen": "tcp:127.0.0.1:0", "services": "upper", **keys}
        sections[f"[listener {name}]"] = keys
    return "\n".join(
        title + "\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
        for title, keys in sections.items()
    )


def run(*arguments):
    """pollard to its end; what the daemon says are lines of the log."""
    done = subprocess.run(
        [POLLARD, *map(str, arguments)], capture_output=True, text=True, timeout=DEADLINE_S
    )
    for line in done.stderr.splitlines() if arguments[:-1] == ("-c",) else ():
        parsed(line)
    return done


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """Each test that was skipped, by name, and then what has failed."""
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        terminalreporter.write_line(f"SKIP: {report.nodeid}: {reason}")
    yield


class Pollard:
    def __init__(self, path, prefix=(), env=None, sockets=()):
        """sockets: those that the service manager passes."""
        self.path = path
        self.alone = not prefix and not VALGRIND
        self.lines = []
        self.rest = b""  # of a line
        self.changed = threading.Condition()
        self.stopped = False
        self.ended = False  # it says nothing more
        environment = {
            k: v for k, v in os.environ.items()
            if k not in ("JOURNAL_STREAM", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
        }
        fds = [sock.fileno() for sock in sockets]
        if fds:
            prefix = [sys.executable, "-c", PASS_SOCKETS, ",".join(map(str, fds)), *prefix]
        self.process = subprocess.Popen(
            [*prefix, POLLARD, "-c", str(path)],
            env={**environment, **(env or {})}, pass_fds=fds,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )
        self.pid = self.process.pid
        self.thread = threading.Thread(target=self._collect, daemon=True)
        self.thread.start()

    def _collect(self):
        while not self.ended:
            select.select([self.process.stderr], [], [])
            with self.changed:
                self._take()

    def _take(self):
        """What can be read now. Under the lock."""
        pipe = self.process.stderr
        while not self.ended and select.select([pipe], [], [], 0)[0]:
            data = os.read(pipe.fileno(), 65536)
            *lines, self.rest = (self.rest + data).split(b"\n")
            if not data and self.rest:
                lines.append(self.rest)
            self.lines += [line.decode(errors="replace") for line in lines]
            self.ended = not data
        self.changed.notify_all()

    def log(self):
        """All that it has said by now."""
        with self.changed:
            self._take()
            return "\n".join(self.lines)

    def wait_log(self, text, timeout=DEADLINE_S, count=1):
        """The first line with text in it, once there are count such lines. Where it begins with an
        event, that is the whole event: "reloaded" is not in "not_reloaded"."""
        def found():
            return [line for line in self.lines if re.search(f"(?<!_){re.escape(text)}", line)]

        with self.changed:
            self.changed.wait_for(lambda: len(found()) >= count or self.ended, timeout)
            assert len(found()) >= count, f"not logged: {text!r}\n" + "\n".join(self.lines)
            return found()[0]

    def port(self, name="main", transport="tcp"):
        self.wait_log("ready ")
        with self.changed:
            for line in self.lines:
                match = LISTENING.search(line)
                if match and match[1] == name and match[2] == transport:
                    return int(match[3])
        raise AssertionError(f"listener {name} has no {transport} port\n{self.log()}")

    def connect(self, where="main", source=None):
        """where: a listener's name, a port, or the path of a socket."""
        if isinstance(where, (Path, str)) and str(where).startswith("/"):
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(DEADLINE_S)
            sock.connect(str(where))
            return sock
        port = where if isinstance(where, int) else self.port(where)
        return socket.create_connection(
            ("127.0.0.1", port), DEADLINE_S, (source, 0) if source else None
        )

    def rss(self):
        """Resident memory in KiB."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1])

    def cpu(self):
        """Seconds of processor time."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self, text=None):
        if VALGRIND:
            pytest.skip("valgrind runs no child as the daemon starts it")
        if text is not None:
            Path(self.path).write_text(text)
        self.signal(signal.SIGHUP)

    def wait(self, timeout=DEADLINE_S):
        status = self.process.wait(timeout)
        self.thread.join(timeout)
        self.stopped = True
        return status

    def stop(self):
        if not self.stopped:
            self.signal(signal.SIGTERM)
            assert self.wait(2 * DEADLINE_S) == 0, self.log()

    def finish(self):
        try:
            self.stop()
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.thread.join(DEADLINE_S)
            self.process.stderr.close()
        for report in REPORTS:
            assert report not in self.log(), self.log()
        assert not re.search(r"ERROR SUMMARY: [1-9]", self.log()), self.log()
        for line in self.lines:
            if self.alone or re.match(TIME, line):
                parsed(line)


def told(server, event, **fields):
    """How many such lines there are, and how many more were suppressed, says the log."""
    wanted = {(key, value.encode()) for key, value in fields.items()}
    lines = [(at, set(said)) for at, said in map(parsed, server.log().splitlines())]
    written = sum(at == event and wanted <= said for at, said in lines)
    wanted.add(("event", event.encode()))
    return written, sum(int(dict(said)["lines"]) for at, said in lines
                        if at == "suppressed" and wanted <= said)


def assert_bounded(server, began, event, count, **fields):
    """Of so many lines in this time few are there, and the others were counted."""
    server.stop()
    written, suppressed = told(server, event, **fields)
    assert written + suppressed == count
    assert 10 <= written <= 10 * (1 + (time.monotonic() - began) // 10)


@pytest.fixture
def pollard(tmp_path):
    """pollard(main={...}, other={...}, daemon={...}) starts one and waits until it serves."""
    started = []

    def start(text=None, prefix=(), env=None, sockets=(), ready=True, **sections):
        path = tmp_path / f"pollard{len(started)}.ini"
        path.write_text(text if text is not None else ini(**(sections or {"main": {}})))
        server = Pollard(path, prefix, env, sockets)
        started.append(server)
        if ready and (sections.get("daemon") or {}).get("log_target", "stderr") == "stderr":
            server.wait_log("ready ")
        return server

    if not os.access(POLLARD, os.X_OK):
        pytest.skip(f"{POLLARD} is not built")
    yield start
    failures = []
    for server in started:
        try:
            server.finish()
        except (AssertionError, subprocess.TimeoutExpired) as error:
            failures.append(str(error))
    assert not failures, "\n".join(failures)
