# SPDX-License-Identifier: MIT
"""Tests that run inside a system of their own, with its real systemd.

Such a test is a function marked @booted, in a file that ends with main(globals()). Out here it
installs the build and hands its file to the system that ../sdboot boots for it; the same
function is called there by name.
"""
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve()
DEADLINE_S = 20
INSIDE = "POLLARD_BOOTED" in os.environ
NOT_SANITIZED = pytest.mark.skipif(
    os.environ.get("POLLARD_SANITIZED") == "1",
    reason="the unit's sandbox and a sanitizer do not get along")


# Outside: install, boot, judge.

def build_directory():
    build = Path(os.environ.get("POLLARD_BUILD", HERE.parents[2] / "build")).resolve()
    if not (build / "src" / "pollard").exists():
        pytest.skip(f"no src/pollard in {build} (POLLARD_BUILD)")
    return build


def make(target, root):
    """make install or uninstall of the build, below root."""
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    done = subprocess.run(
        ["make", "-C", build_directory(), target, f"DESTDIR={root}"],
        env=environment, umask=0o022, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


def make_install(root):
    """Install the build below root. Its paths stay those it was configured with."""
    makefile = (build_directory() / "Makefile").read_text()
    prefix = re.search(r"^prefix = (.*)$", makefile, re.M)[1]
    if prefix.startswith(("/tmp/", "/var/tmp/", "/home/", "/root/")):
        pytest.skip(f"the unit's sandbox hides the prefix {prefix}")
    make("install", root)


def boot(case, file, name):
    root = case / "root"
    root.mkdir()
    make_install(root)
    for source in (HERE, file):
        (case / source.name).write_bytes(source.read_bytes())
    (case / "test.sh").write_text(
        "set -e\n"
        "tar -C /t/root -c . | tar -C / -x --no-overwrite-dir --keep-directory-symlink\n"
        f"POLLARD_BOOTED=1 exec /usr/bin/python3 -B /t/{file.name} {name}\n")
    done = subprocess.run([HERE.parents[1] / "sdboot", case], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode == 77:
        pytest.skip(done.stdout.strip())
    output = case / "result" / "output"
    text = output.read_text(errors="replace") if output.exists() else ""
    assert done.returncode == 0, f"{done.stdout}\n{text}"


def booted(function):
    """Make function a test that runs in a system of its own."""
    if INSIDE:
        return function

    @NOT_SANITIZED
    def test(tmp_path):
        boot(tmp_path, Path(function.__code__.co_filename), function.__name__)

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


def main(functions):
    """Inside: call the function that the command line names."""
    if INSIDE:
        prepare()
        sbin = Path(re.search(r'^ExecStart="(.*)/pollard"', unit_file().read_text(), re.M).group(1))
        os.environ["PATH"] += f":{sbin}:{sbin.parent / 'bin'}"  # whatever the prefix is
        functions[sys.argv[1]]()
