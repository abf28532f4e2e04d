# SPDX-License-Identifier: MIT
"""Reloads that hold nobody up, and addresses that come and go."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from conftest import DEADLINE_S, POLLARD, SANITIZED, ask, ini, need, receive_all, run, wait_for
from talk import children

# Stands before libc: whoever asks for "slow" waits until the file $GATE is there, and then gets
# what "root", or 127.0.0.1, gets; $GATE.asked says so. $NO_IPV6: a kernel without.
SLOW = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *wait_for(const char *name, const char *instead)
{
	char asked[4096];

	if (name == NULL || strcmp(name, "slow") != 0)
		return name;
	snprintf(asked, sizeof(asked), "%s.asked", getenv("GATE"));
	close(open(asked, O_CREAT | O_WRONLY, 0600));
	while (access(getenv("GATE"), F_OK) != 0)
		usleep(1000);
	return instead;
}

struct passwd *getpwnam(const char *name)
{
	struct passwd *(*real)(const char *) = dlsym(RTLD_NEXT, "getpwnam");

	return real(wait_for(name, "root"));
}

struct group *getgrnam(const char *name)
{
	struct group *(*real)(const char *) = dlsym(RTLD_NEXT, "getgrnam");

	return real(wait_for(name, "root"));
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
		struct addrinfo **list)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		dlsym(RTLD_NEXT, "getaddrinfo");

	if (host != NULL && strcmp(host, "lost") == 0 && access(getenv("GATE"), F_OK) == 0)
		return EAI_AGAIN;
	if (host != NULL && strcmp(host, "lost") == 0)
		host = "127.0.0.1";
	return real(wait_for(host, "127.0.0.1"), port, hints, list);
}

int socket(int family, int type, int protocol)
{
	int (*real)(int, int, int) = dlsym(RTLD_NEXT, "socket");

	if (family == AF_INET6 && getenv("NO_IPV6") != NULL && access(getenv("NO_IPV6"), F_OK) == 0) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	return real(family, type, protocol);
}
"""


@pytest.fixture(scope="session")
def slow_library(tmp_path_factory):
    if SANITIZED:
        pytest.skip("a sanitizer must come first")
    need("cc")
    path = tmp_path_factory.mktemp("slow")
    (path / "slow.c").write_text(SLOW)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", path / "slow.so", path / "slow.c", "-ldl"],
                   check=True, timeout=DEADLINE_S)
    return path / "slow.so"


@pytest.fixture
def slow(slow_library, tmp_path):
    """The environment of a daemon for which "slow" waits, until slow["GATE"] is made."""
    return {"LD_PRELOAD": str(slow_library), "GATE": str(tmp_path / "gate")}


def port_of(line):
    return int(line.rpartition(":")[2])


SLOW_SECTIONS = {
    "user": {"listen": "unix:{dir}/late", "allow_users": "slow"},
    "group": {"listen": "unix:{dir}/late", "socket_group": "slow"},
    "host": {"listen": "tcp:slow:0"},
}


def slow_ini(tmp_path, kind, **main):
    late = {key: text.format(dir=tmp_path) for key, text in SLOW_SECTIONS[kind].items()}
    return ini(main=main, late=late)


@pytest.mark.parametrize("kind", SLOW_SECTIONS)
def test_a_name_that_is_slow_to_find_holds_up_nobody_at_a_reload(pollard, tmp_path, slow, kind):
    server = pollard(env=slow)
    with server.connect() as sock:
        server.reload(slow_ini(tmp_path, kind))
        wait_for(lambda: children(server.pid), "child")
        for n in range(1000):
            assert ask(sock, b"%d hello" % n) == b"%d HELLO" % n
        assert children(server.pid)
        Path(slow["GATE"]).touch()
        server.wait_log("reloaded")
        server.wait_log("listening listener=late")
        assert ask(sock, b"hello") == b"HELLO"


def test_a_name_server_that_does_not_answer_holds_up_nobody_at_a_reload(pollard, tmp_path):
    outside = ["unshare", "-mn", "true"]
    if shutil.which("unshare") is None or subprocess.run(outside).returncode != 0:
        pytest.skip("there can be no network of its own")
    (tmp_path / "resolv.conf").write_text(
        "nameserver 127.0.0.1\noptions timeout:2 attempts:1\n")
    (tmp_path / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    (tmp_path / "silent.py").write_text(
        "import os, socket, subprocess, sys\n"
        "subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)\n"
        "for name in ('resolv.conf', 'nsswitch.conf'):\n"
        f"    subprocess.run(['mount', '--bind', '{tmp_path}/' + name, '/etc/' + name], check=True)\n"
        "sock = socket.socket(type=socket.SOCK_DGRAM)\n"
        "sock.bind(('127.0.0.1', 53))\n"
        "os.set_inheritable(sock.fileno(), True)\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n")
    main = {"listen": f"unix:{tmp_path}/s"}
    server = pollard(
        main=main, prefix=["unshare", "-mn", "/usr/bin/python3", f"{tmp_path}/silent.py"])
    waits = []
    with server.connect(tmp_path / "s") as sock:
        def is_over():
            before = time.monotonic()
            for _ in range(100):
                assert ask(sock, b"hello") == b"HELLO"
            waits.append(time.monotonic() - before)
            return "the configuration stays as it was" in server.log()

        server.reload(ini(main=main, late={"listen": "tcp:silent.test:0"}))
        wait_for(is_over, "end of the reload")
    assert "host 'silent.test': Temporary failure in name resolution" in server.log()
    assert max(waits) < 1  # half of what the resolver waits


def test_a_watchdog_is_answered_during_a_reload(pollard, tmp_path, slow):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{tmp_path}/notify")
        manager.settimeout(DEADLINE_S)
        server = pollard(
            main={}, prefix=["sh", "-c", 'WATCHDOG_PID=$$ exec "$@"', "sh"],
            env={**slow, "NOTIFY_SOCKET": f"{tmp_path}/notify", "WATCHDOG_USEC": "200000"})
        heard = []

        def hear(word):
            while not heard or word not in heard[-1]:
                heard.append(manager.recv(4096).decode())

        hear("READY=1")
        server.reload(slow_ini(tmp_path, "user"))
        hear("RELOADING=1")
        for _ in range(5):
            hear("WATCHDOG=1")
            heard.append("")
        assert not any("READY=1" in message for message in heard[1:])
        Path(slow["GATE"]).touch()
        hear("READY=1")
        server.wait_log("reloaded")


def test_a_stop_does_not_wait_for_a_reload(pollard, tmp_path, slow):
    server = pollard(env=slow)
    with server.connect() as sock:
        server.reload(slow_ini(tmp_path, "host"))
        child = wait_for(lambda: children(server.pid), "child")[0]
        server.signal(signal.SIGTERM)
        assert receive_all(sock) == b""
    assert server.wait() == 0
    server.wait_log("reload_given_up config=")
    wait_for(lambda: not Path(f"/proc/{child}/cmdline").exists()
             or Path(f"/proc/{child}/cmdline").read_bytes() == b"", "end of the child")


def test_a_reload_that_is_asked_for_during_another_comes_after_it(pollard, tmp_path, slow):
    server = pollard(env=slow)
    server.reload(slow_ini(tmp_path, "user"))
    wait_for(lambda: children(server.pid), "child")
    server.reload(slow_ini(tmp_path, "user", services="echo"))
    for _ in range(10):
        server.signal(signal.SIGHUP)
        with server.connect() as sock:
            assert ask(sock, b"hello") == b"HELLO"
    Path(slow["GATE"]).touch()
    server.wait_log("reloaded", count=2)
    with server.connect() as sock:
        assert ask(sock, b"hello") == b"hello"


@pytest.fixture
def askers(pollard):
    """askers(server) is a new process that has asked for a reload and waits."""
    processes = []

    def make(server):
        process = subprocess.Popen([POLLARD, "--reload", str(server.pid)],
                                   stderr=subprocess.PIPE, text=True)
        processes.append(process)

        def asks():
            assert process.poll() is None, process.stderr.read()
            return f"@pollard-order.{process.pid}\n" in Path("/proc/net/unix").read_text()

        wait_for(asks, "asker")
        return process

    yield make
    for process in processes:
        process.kill()
        process.wait()
        process.stderr.close()


def test_who_asks_during_a_reload_hears_how_the_next_one_ended(pollard, tmp_path, slow, askers):
    server = pollard(env=slow)
    server.path.write_text(slow_ini(tmp_path, "user"))
    first = askers(server)
    wait_for(lambda: Path(slow["GATE"] + ".asked").exists(), "question of the child")
    server.path.write_text("nonsense\n")
    others = [askers(server) for _ in range(3)]
    Path(slow["GATE"]).touch()
    assert first.wait(DEADLINE_S) == 0
    assert [other.wait(DEADLINE_S) for other in others] == [1, 1, 1]


def test_a_stop_refuses_all_who_wait_for_a_reload(pollard, tmp_path, slow, askers):
    server = pollard(env=slow)
    server.path.write_text(slow_ini(tmp_path, "user"))
    first = askers(server)
    wait_for(lambda: children(server.pid), "child")
    with server.connect() as sock:
        second = askers(server)
        assert ask(sock, b"hello") == b"HELLO"
        server.signal(signal.SIGTERM)
        assert first.wait(DEADLINE_S) == 1
    assert server.wait() == 0
    assert second.wait(DEADLINE_S) in (1, 4)  # 4: its order came too late for anybody to answer


def test_a_host_that_cannot_be_asked_for_keeps_its_sockets(pollard, slow):
    server = pollard(main={"listen": "tcp:lost:0"}, env=slow)
    port = server.port()
    Path(slow["GATE"]).touch()
    server.reload(ini(main={"listen": "tcp:lost:0", "services": "echo"}))
    server.wait_log("sockets_kept listener=main reason=\"host 'lost': Temporary failure in name "
                    "resolution\"")
    server.wait_log("reloaded")
    with server.connect(port) as sock:
        assert ask(sock, b"hello") == b"hello"
    server.reload(ini(main={"listen": "tcp:lost:0"}, more={"listen": "tcp:lost:1"}))
    server.wait_log("failed listener=more reason=\"host 'lost': ")
    server.wait_log("the configuration stays as it was")


def test_reloads_leave_no_descriptors_and_no_children(pollard, tmp_path):
    server = pollard(main={"listen": f"unix:{tmp_path}/s tcp:127.0.0.1:0"})

    def descriptors():
        return sorted(os.readlink(entry) for entry in Path(f"/proc/{server.pid}/fd").iterdir())

    before = descriptors()
    for n in range(20):
        server.reload()
        server.wait_log("reloaded", count=n + 1)
    server.reload("nonsense\n")
    server.wait_log("the configuration stays as it was")
    assert descriptors() == before
    assert not children(server.pid)


def test_a_reload_reads_what_there_was_before_the_program_was_replaced(pollard, tmp_path):
    copy = tmp_path / "pollard"
    shutil.copy(POLLARD, copy)
    server = pollard(prefix=["sh", "-c", f'shift; exec {copy} "$@"', "sh"])
    copy.unlink()
    copy.write_text("#!/bin/sh\nexit 1\n")
    copy.chmod(0o755)
    server.reload(ini(main={"services": "echo"}))
    server.wait_log("reloaded")


def test_a_big_configuration_is_reloaded(pollard, tmp_path):
    big = ini(main={"listen": f"unix:{tmp_path}/s"}) + "".join(
        f"; {n}\n[listener l{n}]\nservices = upper\nallow_users = root\nlisten = unix:{tmp_path}/{n}\n"
        for n in range(500)) + "; more\n" * 200_000
    server = pollard(big)
    server.reload(big.replace("services = upper", "services = echo"))
    server.wait_log("reloaded")
    with server.connect(tmp_path / "499") as sock:
        assert ask(sock, b"hello") == b"hello"


def test_a_configuration_without_end_is_refused(tmp_path):
    path = tmp_path / "p.ini"
    path.write_text(ini(main={}))
    os.truncate(path, 1 << 40)
    done = run("--check", "-c", path)
    assert done.returncode == 1
    assert f"{path}: with this the configuration is larger than 4 MiB" in done.stderr


@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "folder", "huge"])
def test_what_is_no_file_is_not_included(tmp_path, kind):
    (tmp_path / "p.ini").write_text(ini({"include": "conf.d/*.ini"}, main={}))
    (tmp_path / "conf.d").mkdir()
    path = tmp_path / "conf.d" / "x.ini"
    with socket.socket(socket.AF_UNIX) as sock:
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "device":
            path.symlink_to("/dev/zero")
        elif kind == "socket":
            sock.bind(str(path))
        elif kind == "folder":
            path.mkdir()
        else:
            path.touch()
            os.truncate(path, 1 << 40)
        done = run("--check", "-c", tmp_path / "p.ini")
    assert done.returncode == 1
    assert f"{path}: " in done.stderr


def test_thousands_of_mistakes_are_told_in_short_at_a_reload(pollard):
    server = pollard()
    server.reload("[daemon]\n" + "what\n" * 20_000)
    server.wait_log("the configuration stays as it was")
    assert server.log().count("expected 'key = value'") == 50
    server.wait_log("and 19950 more errors, which pollard --check names")


def test_more_listeners_than_the_soft_limit_of_descriptors_are_opened(pollard, tmp_path):
    listeners = {f"l{n}": {"listen": f"unix:{tmp_path}/{n}"} for n in range(300)}
    server = pollard(daemon={"max_clients": 10}, main={},
                     prefix=["sh", "-c", 'ulimit -Sn 64; exec "$@"', "sh"])
    server.reload(ini({"max_clients": 10}, main={}, **listeners))
    server.wait_log("reloaded")
    with server.connect(tmp_path / "299") as sock:
        assert ask(sock, b"hello") == b"HELLO"


# Addresses that are not there.

def network(tmp_path, *commands):
    """The prefix of a daemon in a network of its own, made ready by commands."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-mn", "true"]).returncode != 0:
        pytest.skip("there can be no network of its own")
    return ["unshare", "-mn", "sh", "-c",
            " && ".join(["ip link set lo up", *commands, 'exec "$@"']), "sh"]


def inside(server, *command):
    subprocess.run(["nsenter", "-t", str(server.pid), "-n", *command],
                   check=True, timeout=DEADLINE_S)


def test_without_ipv6_an_address_that_is_optional_is_left_out(pollard, tmp_path):
    text = ini(main={"listen": f"unix:{tmp_path}/s -tcp:[::1]:3234 -tcp:127.0.0.1:3234"})
    server = pollard(text, prefix=network(
        tmp_path, "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"))
    server.wait_log("left_out listener=main reason=\"listen on tcp:[::1]:3234: Cannot assign "
                    "requested address\"")
    server.wait_log("listening listener=main address=tcp:127.0.0.1:3234")
    inside(server, "sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6")
    server.reload()
    server.wait_log("listening listener=main address=tcp:[::1]:3234")
    server.wait_log("reloaded")


def test_without_ipv6_in_the_kernel_an_address_that_is_optional_is_left_out(
        pollard, tmp_path, slow):
    missing = tmp_path / "no ipv6"
    missing.touch()
    server = pollard(main={"listen": "tcp:127.0.0.1:0 -tcp:[::1]:0"},
                     env={**slow, "NO_IPV6": str(missing)})
    server.wait_log("tcp:[::1]:0: Address family not supported by protocol")
    missing.unlink()
    server.reload()
    server.wait_log("listening listener=main address=tcp:[::1]:")


def test_the_example_starts_without_ipv6(pollard, tmp_path):
    example = Path(__file__).resolve().parents[2] / "etc" / "pollard.ini"
    text = example.read_text().replace("log_target    = auto", "log_target = stderr")
    server = pollard(text, prefix=network(
        tmp_path, "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"))
    server.wait_log("ready ")


def test_an_optional_address_that_is_in_use_ends_the_start(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = tmp_path / "p.ini"
        path.write_text(ini(main={"listen": f"-tcp:127.0.0.1:{port}"}))
        done = run("-c", path)
    assert done.returncode == 3
    assert "Address already in use" in done.stderr


def test_an_address_is_one_whether_optional_or_not(tmp_path):
    path = tmp_path / "p.ini"
    path.write_text(ini(main={"listen": "tcp:127.0.0.1:80 -tcp:127.0.0.1:80 -unix:/s"}))
    done = run("--check", "-c", path)
    assert "tcp:127.0.0.1:80 is taken by listener main" in done.stderr
    assert "'-' has no meaning for unix:" in done.stderr


@pytest.mark.parametrize("address", ["tcp:192.0.2.7:80", "udp:192.0.2.7:80", "tcp:[2001:db8::7]:80"])
def test_an_address_that_is_not_there_yet_can_be_bound(pollard, tmp_path, address):
    keys = {"listen": address, "services": "echo"}
    path = tmp_path / "p.ini"
    path.write_text(ini(main=keys))
    done = run("-c", path)
    assert done.returncode == 3
    assert f"listen on {address}: Cannot assign requested address" in done.stderr
    server = pollard(main={**keys, "freebind": "yes"})
    server.wait_log(f"listening listener=main address={address}")


def test_a_host_of_many_addresses_is_bound_on_all_of_them(pollard, tmp_path):
    hosts = tmp_path / "hosts"
    hosts.write_text("".join(f"127.0.0.{n} many\n" for n in range(1, 21)))
    (tmp_path / "host.conf").write_text("multi on\n")
    server = pollard(main={"listen": "tcp:many:3234"}, prefix=network(
        tmp_path, *(f"mount --bind {tmp_path}/{name} /etc/{name}" for name in ("hosts", "host.conf"))))
    assert server.log().count("listening listener=main address=tcp:127.0.0.") == 20


# Socket files that go.

@pytest.mark.parametrize("instead", ["nothing", "another"])
def test_a_socket_file_that_has_gone_is_made_anew_by_a_reload(pollard, tmp_path, instead):
    path = tmp_path / "s"
    server = pollard(main={"listen": f"unix:{path}"})
    with server.connect(path) as sock, socket.socket(socket.AF_UNIX) as other:
        path.unlink()
        if instead == "another":
            other.bind(str(path))
            other.close()
        server.reload()
        server.wait_log("reloaded")
        server.wait_log(f"socket_file_gone listener=main address=unix:{path}")
        with server.connect(path) as later:
            assert ask(later, b"hello") == b"HELLO"
        assert ask(sock, b"hello") == b"HELLO"
    server.reload()
    server.wait_log("reloaded", count=2)
    assert server.log().count("socket_file_gone") == 1
    server.stop()
    assert not path.exists()


# Sockets that systemd passes.

def dual_stack(port=0):
    sock = socket.socket(socket.AF_INET6)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::", port))
    sock.listen()
    return sock


@pytest.mark.parametrize("address, configured", [
    ("[::]", "0.0.0.0"), ("[::]", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"),
    ("127.0.0.1", "0.0.0.0"),
])
def test_a_passed_socket_that_takes_an_address_in_another_way_is_named(
        pollard, address, configured):
    sock = dual_stack() if address == "[::]" else socket.create_server((address, 0))
    with sock:
        port = sock.getsockname()[1]
        server = pollard(main={"listen": f"tcp:{configured}:{port}"}, sockets=[sock], ready=False)
        assert server.wait() == 3
    assert (f'failed listener=main reason="listen on tcp:{configured}:{port}: Address already in use; '
            f"systemd passed tcp:{address}:{port}, which takes it") in server.log()


def test_a_passed_socket_that_takes_ipv4_too_is_told_of(pollard):
    with dual_stack() as sock:
        port = sock.getsockname()[1]
        server = pollard(main={"listen": f"tcp:[::]:{port}"}, sockets=[sock])
        server.wait_log(f"v6only_ignored listener=main address=tcp:[::]:{port} "
                        'text="systemd passed it with BindIPv6Only=both"')


def datagram_beside_a_free_tcp_port():
    """A datagram socket, and its port, below those that the kernel chooses for others."""
    for number in random.sample(range(20000, 30000), 100):
        datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagram.bind(("127.0.0.1", number))
            socket.create_server(("127.0.0.1", number)).close()
            return datagram, number
        except OSError:
            datagram.close()
    raise AssertionError("no port is free for both")


def test_passed_sockets_of_the_wrong_kind_are_named_and_closed(pollard, tmp_path):
    listening = socket.create_server(("127.0.0.1", 0))
    connection = socket.create_connection(listening.getsockname())
    port = connection.getsockname()[1]
    datagram, number = datagram_beside_a_free_tcp_port()
    packets = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    packets.bind(f"{tmp_path}/packets")
    packets.listen()
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind("\0pollard abstract")
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    sockets = [connection, datagram, packets, abstract, netlink]
    server = pollard(
        main={"listen": f"unix:{tmp_path}/s tcp:127.0.0.1:{number}"}, sockets=sockets)
    for address, reason in ((f"tcp:127.0.0.1:{port}", "is a connection (Accept=yes)"),
                            (f"udp:127.0.0.1:{number}", "no listener names it"),
                            (f"unix:{tmp_path}/packets", "is of no type that is served"),
                            ('"unix:@pollard abstract"', "no listener names it"),
                            ('"descriptor 7"', "is of no family that is served")):
        server.wait_log(f'socket_unused address={address} reason="{reason}')
    with server.connect(tmp_path / "s") as sock:
        assert ask(sock, b"hello") == b"HELLO"
    for sock in [*sockets, listening]:
        sock.close()


def test_a_passed_socket_whose_file_has_gone_is_told_of_and_kept(pollard, tmp_path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(f"{tmp_path}/s")
        sock.listen()
        server = pollard(main={"listen": f"unix:{tmp_path}/s"}, sockets=[sock])
        (tmp_path / "s").unlink()
        server.reload()
        server.wait_log(f"socket_file_gone listener=main address=unix:{tmp_path}/s "
                        'text="restart the systemd socket"')
        server.wait_log("reloaded")
    assert not (tmp_path / "s").exists()
