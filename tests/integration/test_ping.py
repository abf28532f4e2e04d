# SPDX-License-Identifier: MIT
"""pollcat ping, in networks of its own, as root and as a user."""

import os
import re
import signal
import subprocess
import sys

import pytest

from conftest import DEADLINE_S, SANITIZED, need
from test_pollcat import POLLCAT

pytestmark = pytest.mark.skipif(not os.access(POLLCAT, os.X_OK), reason=f"{POLLCAT} is not built")

NOBODY = 65534
ROOT = os.geteuid() == 0
UNSHARE = ["unshare", "-n", "-m"] if ROOT else ["unshare", "-r", "-n", "-m"]
# An address that was just added may not be in use yet.
READY = 'until "$0" ping -c 1 -t 200ms {} >/dev/null 2>&1; do :; done'
# Nobody is at 10.8.8.8 and 2001:db8::8, but the addresses of their machines are known.
SILENT = f"""
ip link add v0 type veth peer name v1
ip addr add 10.8.8.1/24 dev v0
ip addr add 2001:db8::1/64 dev v0 nodad
ip link set v0 up
ip link set v1 up
ip neigh add 10.8.8.8 lladdr 02:00:00:00:00:08 dev v0 nud permanent
ip neigh add 2001:db8::8 lladdr 02:00:00:00:00:08 dev v0 nud permanent
{READY.format("2001:db8::1")}
"""
# Who is asked for at 10.8.8.9 and 2001:db8::9 is soon known not to be there.
QUICK = "".join(
    f"echo 1 > /proc/sys/net/{ip}/neigh/v0/mcast_solicit;"
    f"echo 50 > /proc/sys/net/{ip}/neigh/v0/retrans_time_ms;"
    for ip in ("ipv4", "ipv6")
)
RANGE = "/proc/sys/net/ipv4/ping_group_range"
AS_USER = (
    f"echo 0 2147483647 > {RANGE}; as='setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups'"
    if ROOT
    else f"echo 0 0 > {RANGE}; as='setpriv --bounding-set -net_raw'"
)
# A new network allows no group.
AS_NOBODY = "as='setpriv --bounding-set -net_raw'"


@pytest.fixture
def network():
    """Run a shell script in a network where only the loopback is."""
    need("unshare", "ip", "setpriv")
    made = subprocess.run(
        [*UNSHARE, "sh", "-ec", f"ip link set lo up; {SILENT} {AS_USER}; $as true", POLLCAT],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    if made.returncode != 0:
        pytest.skip(f"there are no networks of our own: {made.stderr.strip()}")

    def command(script):
        return [*UNSHARE, "sh", "-ec", f"ip link set lo up; {script}", POLLCAT]

    def run(script):
        return subprocess.run(
            command(script),
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            env={**os.environ, "HOME": "/nonexistent", "LC_ALL": "C"},
        )

    run.command = command
    return run


def hosts(folder, *lines):
    """What makes them all that /etc/hosts has, in a network of our own."""
    (folder / "hosts").write_text("".join(f"{line}\n" for line in lines))
    return f"mount --bind {folder}/hosts /etc/hosts;"


def read_to(ping, text):
    """Its lines, up to the one that has text."""
    while (line := ping.stdout.readline()) and text not in line:
        pass
    assert line, f"it ended without {text}"


def assert_all_answered(done, address, count):
    assert (done.returncode, done.stderr) == (0, "")
    head, *replies = done.stdout.split("\n\n")[0].splitlines()
    assert re.fullmatch(rf"PING \S+ \({address}\) 56\((84|104)\) bytes of data\.", head)
    assert len(replies) == count
    for number, line in enumerate(replies, 1):
        assert re.fullmatch(
            rf"64 bytes from {address}: icmp_seq={number} ttl=64 time=[0-9]+\.[0-9]+ ms", line
        )
    summary = done.stdout.split("\n\n")[1]
    match = re.fullmatch(
        r"--- \S+ ping statistics ---\n"
        rf"{count} packets transmitted, {count} received, 0% packet loss, time (\d+)ms\n"
        r"rtt min/avg/max/mdev = ([0-9.]+)/([0-9.]+)/([0-9.]+)/([0-9.]+) ms\n",
        summary,
    )
    assert match, summary
    low, mean, high, deviation = map(float, match.groups()[1:])
    assert 0 < low <= mean <= high and 0 <= deviation <= high - low + 0.001
    return int(match[1])


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("as_who", ["as=", AS_USER], ids=["raw", "datagrams"])
def test_the_loopback_answers(network, as_who, address):
    done = network(f'{as_who}; $as "$0" ping -c 3 -i 20ms {address}')
    assert assert_all_answered(done, address, 3) >= 40


def test_the_sockets_are_raw_where_they_may_be(network):
    if SANITIZED:
        pytest.skip("a sanitizer stands in the way of a tracer")
    need("strace")
    for as_who, kinds in (("as=", ["RAW"]), (AS_USER, ["RAW", "DGRAM"])):
        done = network(
            f'{as_who}; strace -f -e trace=socket $as "$0" ping -c 1 127.0.0.1'
        )
        assert re.findall(r"SOCK_(\w+)\|.*IPPROTO_ICMP\b", done.stderr) == kinds


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_who_may_not_is_told_what_to_do(network, address):
    done = network(f'{AS_NOBODY}; $as "$0" ping {address}')
    assert (done.returncode, done.stdout) == (2, "")
    assert "net.ipv4.ping_group_range" in done.stderr and "cap_net_raw" in done.stderr


@pytest.mark.parametrize(
    "host, address",
    [
        ("tcp:127.0.0.1:7", "127.0.0.1"),
        ("127.0.0.1:7", "127.0.0.1"),
        ("udp:[::1]:7", "::1"),
        ("-4 localhost", "127.0.0.1"),
        ("localhost -6", "::1"),
        ("there", "127.0.0.1"),
        ("fe80::1%lo", "fe80::1%lo"),
    ],
)
def test_a_host_may_be_written_as_an_address(network, tmp_path, host, address):
    (tmp_path / "pollcat").write_text("[there]\naddress = 127.0.0.1:7\n")
    localhost = hosts(tmp_path, "127.0.0.1 localhost", "::1 localhost")
    done = network(
        f"{localhost}"
        f"ip addr add fe80::1/128 dev lo nodad; {READY.format('fe80::1%lo')};"
        f'XDG_CONFIG_HOME={tmp_path} "$0" ping -c 1 {host}'
    )
    assert_all_answered(done, address, 1)


@pytest.mark.parametrize("host", ["-6 127.0.0.1", "-4 ::1"])
def test_a_host_without_an_address_of_the_kind_is_an_error(network, host):
    done = network(f'"$0" ping {host}')
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"pollcat: host '\S+' has no IPv[46] address\n", done.stderr)


@pytest.mark.parametrize("address", ["10.8.8.8", "2001:db8::8"])
def test_silence_is_a_loss_and_ends(network, address):
    done = network(f'{SILENT} "$0" ping -c 2 -i 10ms -t 100ms {address}')
    assert (done.returncode, done.stderr) == (1, "")
    match = re.search(
        r"\n\n--- \S+ ping statistics ---\n"
        r"2 packets transmitted, 0 received, 100% packet loss, time (\d+)ms\n\Z",
        done.stdout,
    )
    assert match and int(match[1]) >= 110


def test_the_timeout_may_stand_before_ping(network):
    done = network(f'{SILENT} "$0" -t 1500ms ping -c 1 10.8.8.8')
    assert done.returncode == 1
    assert int(re.search(r"time (\d+)ms", done.stdout)[1]) >= 1500  # and not the second of ping


@pytest.mark.parametrize("as_who", ["as=", AS_USER], ids=["raw", "datagrams"])
@pytest.mark.parametrize(
    "gone, ours, text",
    [
        ("10.8.8.9", "10.8.8.1", "Destination Host Unreachable"),
        ("2001:db8::9", "2001:db8::1", "Destination unreachable: Address unreachable"),
    ],
)
def test_a_host_that_is_not_there_is_told_in_words(network, as_who, gone, ours, text):
    done = network(f'{SILENT} {QUICK} {as_who}; $as "$0" ping -c 2 -i 10ms -t 15s {gone}')
    assert done.returncode == 1
    assert f"From {ours} icmp_seq=1 {text}\n" in done.stdout, (done.stdout, done.stderr)
    assert "2 packets transmitted, 0 received, +2 errors, 100% packet loss" in done.stdout
    assert int(re.search(r"time (\d+)ms", done.stdout)[1]) < 15000  # not waited for any longer


def test_no_route_is_an_error(network):
    done = network('"$0" ping 192.0.2.1')
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "pollcat: cannot ping 192.0.2.1: Network is unreachable\n"


def test_a_broadcast_address_is_an_error_of_its_own(network):
    done = network(f'{SILENT} "$0" ping 10.8.8.255')
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "pollcat: cannot ping 10.8.8.255: Permission denied\n"


def test_a_part_of_the_replies_is_a_part_of_the_loss(network):
    """The host goes away after the first reply."""
    with subprocess.Popen(
        network.command('"$0" ping -c 4 -i 1s -t 100ms 127.0.0.1 & p=$!; read x;'
                        'ip link set lo down; echo gone; wait $p'),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as ping:
        read_to(ping, "icmp_seq=1")
        ping.stdin.write("\n")
        ping.stdin.flush()
        rest = ping.stdout.read()
        assert ping.wait(DEADLINE_S) == 0
    received = int(re.search(r"4 packets transmitted, (\d) received", rest)[1])
    assert received < 4
    assert f"{100 - 25 * received}% packet loss" in rest


def test_an_interrupt_prints_the_summary(network):
    with subprocess.Popen(
        network.command('exec "$0" ping -c 65535 -i 20ms 127.0.0.1'),
        stdout=subprocess.PIPE,
        text=True,
    ) as ping:
        read_to(ping, "icmp_seq=2")
        ping.send_signal(signal.SIGINT)
        assert re.search(r"\d+ packets transmitted, \d+ received.*\nrtt ", ping.stdout.read())
        assert ping.wait(DEADLINE_S) == 0


def test_two_at_once_take_their_own_replies(network):
    done = network('"$0" ping -c 20 -i 10ms 127.0.0.1 & "$0" ping -c 20 -i 10ms 127.0.0.1; wait')
    assert done.stdout.count("20 packets transmitted, 20 received, 0% packet loss") == 2
    assert done.stdout.count("icmp_seq=") == 40 and "DUP" not in done.stdout


# Sends each echo reply once more.
REPEATER = """\
import socket, subprocess, sys, threading
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
def repeat():
    seen = set()
    while True:
        message = raw.recv(2048)[20:]
        if message[0] == 0 and message not in seen:
            seen.add(message)
            raw.sendto(message, ("127.0.0.1", 0))
threading.Thread(target=repeat, daemon=True).start()
sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""


def test_a_second_reply_to_a_request_is_a_duplicate(network, tmp_path):
    (tmp_path / "repeater.py").write_text(REPEATER)
    done = network(f'{sys.executable} {tmp_path}/repeater.py "$0" ping -c 2 -i 1s 127.0.0.1')
    assert re.search(r"icmp_seq=1 ttl=64 time=[0-9.]+ ms \(DUP!\)\n", done.stdout)
    assert re.search(r"2 received, \+[12] duplicates, 0% packet loss", done.stdout)
    assert done.returncode == 0


@pytest.mark.parametrize("args", ["-c 1 127.0.0.1", "--help"])
def test_output_that_goes_nowhere_is_an_error(network, args):
    done = network(f'"$0" ping {args} > /dev/full')
    assert done.returncode == 2
    assert "standard output" in done.stderr


def test_output_that_nobody_reads_ends_it_quietly(network):
    done = network('{ "$0" ping -c 65535 -i 10ms 127.0.0.1 || echo $? >&3; } 3>&2 | head -n 2')
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == f"{128 + signal.SIGPIPE}\n"
