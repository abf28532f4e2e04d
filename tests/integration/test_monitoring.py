# SPDX-License-Identifier: MIT
"""Debian's monitoring plugins as commands under the installed unit, with its drop-ins and without.

Where the sandbox hides what a plugin looks at, the plugin says OK. So each test has something
that is wrong on the host: with the drop-in the plugin says so.
"""
import os
import re
import struct
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer, UDPServer

import pytest
from booted import booted, configure, journal, main, run, systemctl, wait_for

HERE = Path(__file__).resolve()
PLUGINS = Path("/usr/lib/nagios/plugins")
SOCKET = "/run/pollard/requests.sock"
OK, WARNING, CRITICAL, UNKNOWN = range(4)

pytestmark = pytest.mark.skipif(not (PLUGINS / "check_procs").exists(),
                                reason="monitoring-plugins-basic is not installed")


# The verbs of the tests.

def add_drop_ins(*names):
    """As their comments say, from where they are installed."""
    directory = Path("/etc/systemd/system/pollard.service.d")
    directory.mkdir(exist_ok=True)
    for name in names:
        [file] = Path("/t/root").rglob(f"systemd/{name}")
        (directory / name).write_bytes(file.read_bytes())
    systemctl("daemon-reload")
    systemctl("restart", "pollard.service")


def offer(**commands):
    """Start a daemon with a [command] for each."""
    text = (f"\n[listener requests]\nlisten = unix:{SOCKET}\nprotocol = resp\n"
            "services = commands\n[listener time]\nlisten = tcp:127.0.0.1:3237\nservices = time\n")
    for name, words in commands.items():
        text += f"[command {name}]\nexec = {plugin(words)}\ntimeout = 1m\n"
    configure(text)
    systemctl("start", "pollard.service")


def plugin(words):
    """Plugins are named without their folder."""
    return f"{PLUGINS}/{words}" if words.startswith("check_") else words


def ask(name):
    """The exit status and the output of a command."""
    done = run("pollcat", f"unix:{SOCKET}", "run", name)
    return done.returncode, done.stdout


def says(name, status, text=""):
    done = ask(name)
    assert done[0] == status and text in done[1], f"{name}: {done}\n{journal()}"


def outside(words):
    """The same as the same user, in no sandbox."""
    done = run("runuser", "-u", "pollard", "--", "/bin/sh", "-c", f"cd / && exec {plugin(words)}")
    return done.returncode, done.stdout


def is_confined(exposure=20):
    """exposure: tenths of the points of systemd-analyze(1); the unit alone has 15."""
    done = run("systemd-analyze", "security", f"--threshold={exposure}", "pollard.service")
    assert done.returncode == 0, done.stdout.splitlines()[-1]


# The tests.

@booted
def test_processes_are_seen_with_the_drop_in():
    children = [subprocess.Popen("/bin/true") for _ in range(3)]
    for child in children: # ended, and nobody has asked for their status
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    offer(zombies="check_procs -w 0 -c 1 -s Z", journald="check_procs -c 1: -C systemd-journal",
          environment="/bin/cat /proc/1/environ")
    says("zombies", OK, "0 processes")
    says("journald", CRITICAL, "0 processes")
    add_drop_ins("see-processes.conf")
    says("zombies", CRITICAL, "3 processes")
    says("journald", OK, "1 process")
    says("environment", 1, "Permission denied")
    is_confined()


@booted
def test_disks_below_home_are_seen_with_the_drop_in():
    run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/home")
    Path("/home/alice").mkdir()
    run("dd", "if=/dev/zero", "of=/home/alice/full", "bs=64k")
    disk = "check_disk -w 5% -c 2% "
    offer(home=f"{disk} -p /home", below=f"{disk} -p /home/alice", root=f"{disk} -p /root",
          user=f"{disk} -p /run/user", other=f"{disk} -p /", all=f"{disk} -A -i ^/t/",
          size="/bin/df /home",
          write="/usr/bin/touch /home/alice/x", list="/bin/ls -A /home /root /run/user")
    assert outside(f"{disk} -p /home")[0] == CRITICAL
    says("home", UNKNOWN)
    says("below", CRITICAL, "not accessible")
    says("root", UNKNOWN)
    says("user", UNKNOWN)
    says("other", outside(f"{disk} -p /")[0])
    assert "/home" not in ask("all")[1]
    says("list", 0, "/home:\n\n/root:\n\n/run/user:\n")
    add_drop_ins("see-disks.conf")
    says("home", CRITICAL, "/home 0MiB (0%")
    says("below", CRITICAL, "/home 0MiB (0%")
    says("all", CRITICAL, "/home 0MiB (0%")
    says("size", 0, " 1024 ")
    says("root", outside(f"{disk} -p /root")[0])
    says("write", 1, "Read-only file system")
    is_confined()


@booted
def test_pings_need_the_drop_in():
    pings = {"ping": "check_ping -H 127.0.0.1 -p 1 -w 5000,20% -c 9000,60%",
             "ping6": "check_ping -6 -H ::1 -p 1 -w 5000,20% -c 9000,60%",
             "icmp": "check_icmp -H 127.0.0.1 -w 5000,20% -c 9000,60%",
             "host": "check_host -H 127.0.0.1 -w 5000,20% -c 9000,60%",
             "multi": "check_rta_multi -H 127.0.0.1 -w 5000,20% -c 9000,60%"}
    frames = "import socket as s; s.socket(s.AF_PACKET, s.SOCK_RAW)"
    offer(**pings, frames=f"/usr/bin/python3 -c '{frames}'", sudo="/usr/bin/sudo -n true")
    for name in pings:
        status, output = ask(name)
        assert status != OK, (name, output)
    add_drop_ins("ping.conf")
    for name in pings:
        says(name, OK)
    says("frames", 1, "Address family not supported")
    says("sudo", 1, "no new privileges")
    is_confined()


def allow_sudo():
    """Anything: these tests ask what is left for root, too."""
    file = Path("/etc/sudoers.d/pollard")
    file.write_text("pollard ALL=(root) NOPASSWD: ALL\n")
    file.chmod(0o440)


@booted
def test_sudo_needs_the_drop_in():
    allow_sudo()
    secret = Path("/var/log/secret")
    secret.write_text("a fault\n")
    secret.chmod(0o600)
    sudo = "/usr/bin/sudo -n "
    offer(root=f"{sudo}id -u", log=f"{sudo}{PLUGINS}/check_log -F {secret} -O /dev/null -q fault",
          kernel=f"{sudo}/bin/sh -c 'echo x > /proc/sys/kernel/hostname'",
          etc=f"{sudo}touch /etc/x", device=f"{sudo}cat /dev/disk")
    says("root", 1, "no new privileges")
    add_drop_ins("sudo.conf")
    run("mknod", "-m", "666", "/dev/disk", "b", "7", "0")
    assert ask("root") == (0, "0\n")
    says("log", CRITICAL, "a fault")
    says("kernel", 2, "Read-only file system")
    says("etc", 1, "Read-only file system")
    says("device", 1, "Operation not permitted")
    is_confined(60)


def niceness(added):
    """What nice(1) says where so much is added to the value that the whole test was started with."""
    return 0, f"{min(os.nice(0) + added, 19)}\n"


@booted
def test_nice_needs_the_drop_in():
    offer(inherited="/usr/bin/nice", more="/usr/bin/nice -n 5 /usr/bin/nice",
          less="/usr/bin/nice -n -5 /usr/bin/nice")
    configure("[command key]\nexec = /usr/bin/nice\nnice = 7\n")
    systemctl("reload", "pollard.service")
    wait_for("the command", lambda: ask("key")[0] == 0)
    assert ask("inherited") == ask("key") == niceness(0)
    says("more", 0, "cannot set niceness")
    add_drop_ins("nice.conf")
    assert ask("inherited") == niceness(0)
    assert ask("key") == niceness(7)
    assert ask("more") == niceness(5)
    says("less", 0, "cannot set niceness")
    is_confined()


@booted
def test_logs_are_followed_with_the_drop_in():
    log = Path("/var/log/monitored.log")
    log.write_text("it begins\n")
    run("chgrp", "adm", str(log))
    log.chmod(0o640)
    offer(log=f"check_log -F {log} -O /var/lib/pollard/monitored -q fault",
          nowhere="check_log -F /etc/hostname -O /var/lib/pollard/hostname -q .")
    says("log", UNKNOWN, "not readable")
    says("nowhere", OK, "initialized")
    says("nowhere", OK, "initialized") # and so on: there is nothing to compare with
    add_drop_ins("read-logs.conf")
    says("log", OK, "initialized")
    with log.open("a") as file:
        file.write("a fault\n")
    systemctl("restart", "pollard.service")
    says("log", CRITICAL, "a fault")
    assert os.stat("/var/lib/pollard").st_mode & 0o777 == 0o700
    is_confined()


class Time(BaseRequestHandler):
    """A time server of stratum 1, RFC 5905."""
    def handle(self):
        data, sock = self.request
        now = struct.pack("!Q", int((time.time() + 2208988800) * (1 << 32)))
        sock.sendto(b"\x24\x01\x06\xec" + bytes(8) + b"LOCL" + now + data[40:48] + now + now,
                    self.client_address)


class Shell(BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"SSH-2.0-test\r\n")
        self.request.recv(1024)


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def serve():
    for server in (UDPServer(("127.0.0.1", 123), Time), TCPServer(("127.0.0.1", 22), Shell),
                   HTTPServer(("127.0.0.1", 80), Page)):
        threading.Thread(target=server.serve_forever, daemon=True).start()


def log_in(user):
    """A row of utmp(5) for a user at a terminal."""
    row = struct.pack("<hxxi32s4s32s256s", 7, os.getpid(), b"tty1", b"1", user, b"")
    with open("/run/utmp", "ab") as file:
        file.write(row.ljust(384, b"\0"))


def release_bash():
    """A newer one, in the only repository there is."""
    repository = Path("/srv/repository")
    repository.mkdir()
    (repository / "Packages").write_text(
        "Package: bash\nVersion: 99\nArchitecture: all\nFilename: bash.deb\nSize: 1\n")
    run("rm", "-rf", "/etc/apt/sources.list.d", "/var/lib/apt/lists")
    Path("/etc/apt/sources.list").write_text(f"deb [trusted=yes] file:{repository} ./\n")
    done = run("apt-get", "update")
    assert done.returncode == 0, done.stdout


def without_numbers(done):
    status, output = done
    return status, re.sub(r"-?\d[\d.]*(e-\d+)?", "N", output)


@booted
def test_the_others_need_no_drop_in():
    """They say what they say outside of the sandbox."""
    serve()
    log_in(b"alice")
    release_bash()
    good = {
        "age": "check_file_age -f /etc/hostname -w 999999999 -c 999999999",
        "http": "check_http -I 127.0.0.1", "load": "check_load -w 999,999,999 -c 999,999,999",
        "ntp": "check_ntp_time -H 127.0.0.1", "ssh": "check_ssh 127.0.0.1",
        "tcp": "check_tcp -H 127.0.0.1 -p 3234", "time": "check_time -H 127.0.0.1 -p 3237",
        "udp": "check_udp -H 127.0.0.1 -p 3236 -s hello -e hello",
        "urlize": f"{PLUGINS}/urlize http://localhost {PLUGINS}/check_dummy 0 good",
    }
    bad = {
        "apt": "check_apt -t 60", "closed": "check_tcp -H 127.0.0.1 -p 9",
        "cluster": "check_cluster -s -d 0,2,2 -w 0 -c 1",
        "dummy": "check_dummy 1 bad", "loaded": "check_load -w 0,0,0 -c 0,0,0",
        "missing": "check_file_age -f /etc/missing",
        "negate": f"{PLUGINS}/negate {PLUGINS}/check_dummy 0 good",
        "old": "check_file_age -f /etc/hostname -w 0 -c 0 -W 0 -C 0",
        "users": "check_users -w 0 -c 5",
    }
    others = {"sensors": "check_sensors", "swap": "check_swap -w 1% -c 1%"}
    offer(**good, **bad, **others)
    for name, words in {**good, **bad, **others}.items():
        there = without_numbers(outside(words))
        assert without_numbers(ask(name)) == there, name
        assert name in others or (there[0] == OK) == (name in good), (name, there)
    says("apt", WARNING, "1 packages available")
    says("users", WARNING, "1 users")


@booted
def test_all_drop_ins_go_together():
    allow_sudo()
    offer(procs="check_procs -c 1: -C systemd-journal", root="/usr/bin/sudo -n id -u",
          ping="check_ping -H 127.0.0.1 -p 1 -w 5000,20% -c 9000,60%",
          icmp="check_icmp -H 127.0.0.1 -w 5000,20% -c 9000,60%", nice="/usr/bin/nice -n 5 nice",
          disk="check_disk -w 0 -c 0 -p /root")
    add_drop_ins("nice.conf", "ping.conf", "read-logs.conf", "see-disks.conf",
                 "see-processes.conf", "sudo.conf")
    for name in ("procs", "ping", "icmp", "disk"):
        says(name, OK)
    assert ask("root") == (0, "0\n")
    assert ask("nice") == niceness(5)


def test_the_manual_names_every_plugin():
    manual = HERE.parents[2] / "man" / "pollard.8"
    words = set(re.findall(r"\w+", manual.read_text()))
    done = run("dpkg-query", "-L", "monitoring-plugins-basic")
    plugins = {Path(name).name for name in done.stdout.split() if f"{PLUGINS}/" in name}
    assert plugins - {"utils.pm", "utils.sh"} <= words


main(globals())
