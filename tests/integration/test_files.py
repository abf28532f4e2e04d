# SPDX-License-Identifier: MIT
"""The service files: what is read, what is refused, and who is not disturbed by it."""

import contextlib
import ctypes
import hashlib
import os
import random
import resource
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from conftest import DEADLINE_S, SANITIZED, assert_bounded, ini, need, receive, reset, run, wait_for
from talk import Client, children, is_refused, open_files, talking
from test_pollcat import POLLCAT

KIB32 = 32 * 1024
IN_OPEN = 0x20  # inotify(7)
HUGE = 1 << 40  # of holes; more than anybody reads in the time of a test


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def config(root, main=None, files=None, **others):
    main = {"protocol": "resp", "services": "files", **(main or {})}
    keys = {"root": root, **(files or {})}
    section = "".join(f"{key} = {value}\n" for key, value in keys.items())
    return f"{ini(main=main, **others)}\n[service files]\n{section}"


@pytest.fixture
def serve(pollard, talking, root):
    """serve(main={...}, files={...}, other={...}) starts one; its clients end with the test."""
    def start(prefix=(), **sections):
        return talking(pollard(config(root, **sections), prefix=prefix))

    return start


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def sparse(path, size, end=b""):
    with open(path, "wb") as file:
        file.truncate(size)
        if end:
            file.seek(size - len(end))
            file.write(end)


def held(server, path):
    """How many descriptors the server has of the file."""
    return sum(name.startswith(str(path)) for name in open_files(server.pid))


def wait_open(server, path, count=1):
    wait_for(lambda: held(server, path) == count, f"{count} times {path}")


@contextlib.contextmanager
def faults(server, *injections):
    """Its system calls fail, or are slow, as strace(1) says it: "openat2:error=EIO:when=2"."""
    need("strace")
    words = [word for text in injections for word in ("-e", f"inject={text}")]
    tracer = subprocess.Popen(
        ["strace", "-o", "/dev/null", *words, "-p", str(server.pid)],
        stderr=subprocess.PIPE, text=True)
    try:
        said = tracer.stderr.readline()
        if "attached" not in said:
            pytest.skip(f"strace cannot attach: {said}")
        yield
    finally:
        tracer.terminate()
        tracer.wait(DEADLINE_S)
        tracer.stderr.close()


traced = pytest.mark.skipif(SANITIZED, reason="a tracer and a sanitizer do not get along")


def wait_closed(server, path):
    wait_for(lambda: held(server, path) == 0, f"end of {path}")


# GET


@pytest.mark.parametrize("size", [0, 1, KIB32 - 1, KIB32, KIB32 + 1, 5_000_003])
def test_a_file_arrives_byte_for_byte(serve, root, size):
    (root / "data").write_bytes(noise(size))
    server = serve()
    client = server.client()
    assert client("GET", "data") == noise(size)
    assert client("PING") == "PONG"
    wait_closed(server, root / "data")


def test_a_file_arrives_over_a_unix_socket(serve, root, tmp_path):
    (root / "data").write_bytes(noise(3_000_000))
    client = serve(main={"listen": f"unix:{tmp_path}/s"}).client(tmp_path / "s")
    assert client("GET", "data") == noise(3_000_000)


def test_a_file_in_a_sub_folder_is_named_by_its_path(serve, root):
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "with blank").write_bytes(b"here")
    assert serve().client()("GET", "a/b/with blank") == b"here"


def test_no_file_is_nil(serve):
    client = serve().client()
    for verb in ("GET", "STAT", "SHA256"):
        assert client(verb, "none") is None
    assert client("GETRANGE", "none", 0, -1) is None
    assert client("STRLEN", "none") == 0
    assert client("EXISTS", "none") == 0


# Names


@pytest.fixture
def nasty(root, tmp_path):
    """A folder with everything that is no regular file in it."""
    (tmp_path / "outside").write_bytes(b"secret")
    (root / "folder").mkdir()
    (root / "folder" / "file").write_bytes(b"inner")
    (root / "file").write_bytes(b"plain")
    (root / ".hidden").write_bytes(b"hidden")
    (root / ".folder").mkdir()
    (root / ".folder" / "file").write_bytes(b"hidden")
    (root / os.fsdecode(b"caf\xe9\xff")).write_bytes(b"latin")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "out_by_dots").symlink_to("../outside")
    (root / "up").symlink_to("..")
    (root / "in").symlink_to("folder/file")
    (root / "in_absolute").symlink_to(root / "file")
    (root / "loop").symlink_to("loop")
    (root / "dangling").symlink_to("nowhere")
    (root / "magic").symlink_to("/proc/self/fd/0")
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(root / "socket"))
    return root


def check_name(server, name, expected):
    """Each verb says the same of name, nothing stays open, and the daemon answers."""
    client = server.client()
    before = len(open_files(server.pid))
    for verb, *more in ("GET",), ("GETRANGE", 0, -1), ("STAT",), ("SHA256",):
        reply = client(verb, name, *more)
        assert reply is None if expected is None else is_refused(reply, expected), reply
    if expected is None:
        assert client("STRLEN", name) == 0
    else:
        assert is_refused(client("STRLEN", name), expected)
    if expected is None or name in NO_FILES:
        assert client("EXISTS", name, "file") == 1
    else:
        assert is_refused(client("EXISTS", "file", name), expected)
    assert client("GET", "file") == b"plain"
    wait_for(lambda: len(open_files(server.pid)) == before, "end of descriptors")


NAMES = [
    ("..", None),
    ("../outside", None),
    ("../../../../../../etc/passwd", None),
    ("folder/../../outside", None),
    ("/etc/passwd", "ERR"),
    ("//etc/passwd", "ERR"),
    ("/", "ERR"),
    (b"file\0", "ERR"),
    (b"file\0.txt", "ERR"),
    ("x" * 255, None),
    ("x" * 256, "ERR"),
    ("x/" * 2047, None),
    ("x" * 4095, "ERR"),
    ("x" * 4096, "ERR"),
    ("x" * 5120, "ERR"),
    ("", "ERR"),
    (".", None),
    ("./file", None),
    ("folder/../file", None),
    ("folder/", "ERR"),
    ("file/", None),
    ("file/x", None),
    ("folder", "ERR"),
    (b"\xff\xfe\x80", None),
    ("%2e%2e/outside", None),
    ("..\\outside", None),
    ("file\n", None),
    ("out", "ERR"),
    ("out_by_dots", "ERR"),
    ("up/outside", "ERR"),
    ("in_absolute", "ERR"),
    ("loop", "ERR"),
    ("dangling", None),
    ("magic", "ERR"),
    ("fifo", "ERR"),
    ("socket", "ERR"),
    (".hidden", None),
    (".folder/file", None),
    ("folder/.hidden", None),
]
NO_FILES = ("folder", "folder/", "fifo", "socket", "device")


def test_strange_names_are_nil_or_an_error_and_harm_nobody(serve, nasty):
    server = serve()
    for name, expected in NAMES:
        check_name(server, name, expected)


@pytest.mark.parametrize("name", ["..", "../outside", "folder/../../outside", "up"])
def test_dots_do_not_lead_out_where_hidden_names_are_served(serve, nasty, name):
    check_name(serve(files={"hidden": "yes"}), name, "ERR")


def test_hidden_names_are_served_where_configured(serve, nasty):
    client = serve(files={"hidden": "yes"}).client()
    assert client("GET", ".hidden") == b"hidden"
    assert client("GET", ".folder/file") == b"hidden"
    assert client("GET", "./folder/../file") == b"plain"


def test_a_link_that_stays_inside_is_followed(serve, nasty):
    assert serve().client()("GET", "in") == b"inner"


def test_names_are_bytes(serve, nasty):
    assert serve().client()("GET", b"caf\xe9\xff") == b"latin"


def test_a_device_is_not_opened(serve, nasty):
    try:
        os.mknod(nasty / "device", 0o20666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")
    check_name(serve(), "device", "ERR")


def test_what_is_no_regular_file_is_not_even_opened(serve, nasty):
    libc = ctypes.CDLL(None, use_errno=True)
    notes = libc.inotify_init1(os.O_NONBLOCK)
    for name in ("fifo", "file"):
        assert libc.inotify_add_watch(notes, os.fsencode(nasty / name), IN_OPEN) > 0
    client = serve().client()
    for verb in ("GET", "SHA256", "STAT"):
        assert is_refused(client(verb, "fifo"))
    with pytest.raises(BlockingIOError):
        os.read(notes, 4096)
    assert client("GET", "file") == b"plain"
    assert os.read(notes, 4096)
    os.close(notes)


def test_a_file_that_may_not_be_read_is_an_error(serve, root):
    (root / "closed").write_bytes(b"secret")
    (root / "closed").chmod(0)
    prefix = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root reads everything, and setpriv is missing")
        prefix = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    server = serve(prefix=prefix)
    client = server.client()
    assert is_refused(client("GET", "closed"))
    assert is_refused(client("SHA256", "closed"))
    assert client("STRLEN", "closed") == 6
    assert client("PING") == "PONG"
    assert held(server, root / "closed") == 0


def test_a_thousand_refusals_leave_no_descriptor(serve, nasty):
    server = serve()
    client = server.client()
    before = len(open_files(server.pid))
    for _ in range(10):
        requests = [(verb, name) for verb in ("GET", "STAT", "SHA256") for name, _ in NAMES]
        client.send(*requests)
        for _ in requests:
            client.read()
    assert len(open_files(server.pid)) == before


# What cannot be known


VERBS = [("GET", "data"), ("GETRANGE", "data", 0, -1), ("STRLEN", "data"), ("STAT", "data"),
         ("EXISTS", "none", "data"), ("SHA256", "data"), ("SCAN", 0), ("SCAN", 0, "MATCH", "sub/*")]


@traced
@pytest.mark.parametrize(
    "error, code", [("EMFILE", "BUSY"), ("ENFILE", "BUSY"), ("ENOMEM", "BUSY"), ("EAGAIN", "BUSY"),
                    ("EACCES", "ERR"), ("ELOOP", "ERR"), ("EIO", "ERR"), ("ESTALE", "ERR")])
def test_what_cannot_be_looked_at_is_an_error_and_not_missing(serve, root, error, code):
    (root / "data").write_bytes(b"here")
    server = serve()
    client = server.client()
    with faults(server, f"openat2,newfstatat:error={error}"):
        for words in VERBS:
            assert is_refused(client(*words), code), words
    for words in VERBS:
        assert not is_refused(client(*words)), words


def test_without_descriptors_nothing_is_missing(serve, root):
    (root / "data").write_bytes(b"here")
    server = serve()
    client = server.client()
    looks = {words: client(*words) for words in (("STRLEN", "data"), ("STAT", "data"))}
    limits = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    taken = {int(path.name) for path in Path(f"/proc/{server.pid}/fd").iterdir()}
    free = min(set(range(len(taken) + 1)) - taken)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (free, limits[1]))
    for words in VERBS:
        if words in looks:  # which takes no descriptor
            assert client(*words) == looks[words]
        else:
            assert is_refused(client(*words), "BUSY"), words
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limits)
    assert client("EXISTS", "data") == 1
    assert client("SCAN", 0) == [b"0", [b"data"]]


@traced
@pytest.mark.parametrize("error", ["EIO", "ENOMEM"])
def test_a_folder_that_breaks_off_is_an_error_and_not_at_its_end(serve, many, error):
    server = serve()
    client = server.client()
    with faults(server, f"getdents64:error={error}:when=3"):
        assert is_refused(client("SCAN", 0, "COUNT", 1000), "ERR" if error == "EIO" else "BUSY")
    assert scan(client) == many


@traced
def test_a_link_is_not_missing_because_it_could_not_be_followed(serve, root):
    (root / "data").write_bytes(b"here")
    (root / "link").symlink_to("data")
    server = serve()
    client = server.client()
    for error in ("EMFILE", "ENFILE", "ENOMEM"):
        with faults(server, f"openat2:error={error}:when=2"):
            assert is_refused(client("SCAN", 0), "BUSY")
    for error in ("EACCES", "EIO"):
        with faults(server, f"openat2:error={error}:when=2"):
            assert scan(client) == [b"data", b"link"]
    with faults(server, "openat2:error=ENOENT:when=2"):
        assert scan(client) == [b"data"]


def test_a_folder_that_may_not_be_read_is_an_error(serve, root):
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root reads everything, and setpriv is missing")
    (root / "closed").mkdir(0)
    prefix = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    client = serve(prefix=prefix if os.geteuid() == 0 else ()).client()
    assert is_refused(client("SCAN", 0, "MATCH", "closed/*"))
    for verb in ("EXISTS", "STRLEN", "STAT", "GET"):
        assert is_refused(client(verb, "closed/x")), verb
    assert scan(client) == [b"closed/"]


# GETRANGE


def redis_range(data, first, last):
    """What Redis gives, since 7.4: ends that are before the first byte give nothing."""
    first = max(first + len(data), 0) if first < 0 else first
    last = last + len(data) if last < 0 else last
    return data[first : last + 1] if 0 <= last >= first else b""


@pytest.mark.parametrize("size", [0, 1, 10, 3 * KIB32])
def test_ranges_are_those_of_redis(serve, root, size):
    data, chance = noise(size), random.Random(size)
    (root / "data").write_bytes(data)
    client = serve().client()
    edges = [0, 1, -1, size - 1, size, size + 1, -size, -size - 1, 2**63 - 1, -(2**63)]
    ranges = [(first, last) for first in edges for last in edges]
    ranges += [(chance.randint(-2 * size, 2 * size), chance.randint(-2 * size, 2 * size))
               for _ in range(200)]
    for first, last in ranges:
        assert client("GETRANGE", "data", first, last) == redis_range(data, first, last)


@pytest.mark.parametrize(
    "first, last", [("", 1), ("x", 1), (0, "1x"), ("1.0", 2), (" 1", 2), ("+1", 2), ("-", 2),
                    (0, 2**63), (-(2**63) - 1, 0), ("1" * 30, 2), ("0x1", 2),
                    (b"1\0", 2)])
def test_a_range_that_is_no_integer_is_refused(serve, root, first, last):
    (root / "data").write_bytes(b"0123456789")
    client = serve().client()
    assert is_refused(client("GETRANGE", "data", first, last))
    assert client("GETRANGE", "data", 1, 2) == b"12"


def test_a_range_with_the_right_etag_is_given_and_with_another_is_stale(serve, root):
    (root / "data").write_bytes(b"0123456789")
    client = serve().client()
    etag = client.pairs("STAT", "data")["etag"]
    assert client("GETRANGE", "data", 2, -1, etag) == b"23456789"
    for wrong in (b"x", b"", etag[:-1], etag + b"0"):
        assert is_refused(client("GETRANGE", "data", 2, -1, wrong), "STALE")
    (root / "data").write_bytes(b"0123456789a")
    assert is_refused(client("GETRANGE", "data", 2, -1, etag), "STALE")
    assert client("GETRANGE", "none", 2, -1, etag) is None


def test_a_range_of_a_file_that_grows_is_given_by_its_id_until_it_is_another(serve, root):
    (root / "data").write_bytes(b"0123456789")
    client = serve().client()
    known = client.pairs("STAT", "data")["id"]
    with open(root / "data", "ab") as file:
        file.write(b"more")
    assert client("GETRANGE", "data", 0, 9, known) == b"0123456789"
    (root / "new").write_bytes(b"0123456789more")
    (root / "new").rename(root / "data")
    assert is_refused(client("GETRANGE", "data", 0, 9, known), "STALE")


def test_a_file_replaced_by_one_of_the_same_size_and_time_has_another_etag(serve, root):
    for name in ("data", "new"):
        (root / name).write_bytes(name.encode().ljust(10))
        os.utime(root / name, ns=(10**18, 10**18))
    client = serve().client()
    etag = client.pairs("STAT", "data")["etag"]
    (root / "new").rename(root / "data")
    assert client.pairs("STAT", "data")["etag"] != etag


# Large ones


@pytest.fixture
def giant(root):
    path = root / "giant"
    sparse(path, (1 << 32) + 100, b"the end")
    with open(path, "r+b") as file:
        file.seek((1 << 31) - 2)
        file.write(b"middle")
    return path


def test_a_part_of_a_file_over_four_gigabytes_is_found(serve, giant):
    client = serve().client()
    assert client("STRLEN", "giant") == (1 << 32) + 100
    assert client("GETRANGE", "giant", -7, -1) == b"the end"
    assert client("GETRANGE", "giant", (1 << 32) + 93, (1 << 32) + 99) == b"the end"
    assert client("GETRANGE", "giant", (1 << 31) - 2, (1 << 31) + 3) == b"middle"
    assert client("GETRANGE", "giant", -200_000, -1) == bytes(199_993) + b"the end"


def test_a_file_over_four_gigabytes_arrives_whole(serve, giant):
    size = (1 << 32) + 100
    server = serve()
    with server.connect() as sock:
        sock.sendall(b"GET giant\r\nPING\r\n")
        header = b"$%d\r\n" % size
        assert receive(sock, len(header)) == header
        left, space = size - 7, bytearray(1 << 20)
        while left > 0:
            got = sock.recv_into(space, min(left, len(space)), socket.MSG_TRUNC)  # uncopied
            assert got > 0, f"{left} bytes are missing"
            left -= got
        assert receive(sock, 16) == b"the end\r\n+PONG\r\n"
    wait_closed(server, giant)


# Files that change while they are sent


def test_a_file_that_is_cut_short_ends_the_connection(serve, root):
    path = root / "data"
    sparse(path, 64 << 20)
    server = serve()
    with server.connect() as sock:
        sock.sendall(b"GET data\r\nPING\r\n")
        received = len(receive(sock, 100_000))
        os.truncate(path, 0)
        while part := sock.recv(1 << 20):
            received += len(part)
    assert received < 64 << 20
    server.wait_log("reason=error")
    wait_closed(server, path)
    assert server.client()("GET", "data") == b""


def test_a_file_that_is_replaced_arrives_as_it_was(serve, root):
    (root / "data").write_bytes(noise(20_000_000))
    client = serve().client()
    client.send(("GET", "data"))
    client.sock.recv(1, socket.MSG_PEEK)
    (root / "new").write_bytes(b"new")
    (root / "new").rename(root / "data")
    assert client.read() == noise(20_000_000)
    assert client("GET", "data") == b"new"


def test_a_file_that_is_removed_arrives_as_it_was(serve, root):
    (root / "data").write_bytes(noise(20_000_000))
    client = serve().client()
    client.send(("GET", "data"), ("GET", "data"))
    client.sock.recv(1, socket.MSG_PEEK)
    (root / "data").unlink()
    assert client.read() == noise(20_000_000)
    assert client.read() is None


def test_a_file_that_grows_arrives_in_the_size_that_was_announced(serve, root):
    (root / "data").write_bytes(noise(20_000_000))
    client = serve().client()
    client.send(("GET", "data"), ("PING",))
    client.sock.recv(1, socket.MSG_PEEK)
    with open(root / "data", "ab") as file:
        file.write(b"more")
    assert client.read() == noise(20_000_000)
    assert client.read() == "PONG"


def test_pollcat_gets_a_log_while_it_is_written(serve, root, tmp_path):
    address = f"127.0.0.1:{serve().port()}"
    written = threading.Event()

    def write():
        with open(root / "log", "ab", buffering=0) as file:
            for n in range(200_000):
                file.write(b"line %d\n" % n)
                if written.is_set():
                    return

    (root / "log").write_bytes(b"")
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for n in range(5):
            done = subprocess.run([POLLCAT, address, "get", "log", "-o", tmp_path / "got"],
                                  capture_output=True, timeout=DEADLINE_S)
            assert (done.returncode, done.stderr) == (0, b"")
            assert (root / "log").read_bytes().startswith((tmp_path / "got").read_bytes())
    finally:
        written.set()
        writer.join()


# STAT, EXISTS, STRLEN


def test_stat_gives_size_mtime_and_an_etag_that_changes_with_the_file(serve, root):
    (root / "data").write_bytes(b"0123456789")
    os.utime(root / "data", (1_700_000_000, 1_700_000_000))
    client = serve().client()
    first = client.pairs("STAT", "data")
    assert list(first) == ["size", "mtime", "id", "etag"]
    assert (first["size"], first["mtime"]) == (10, 1_700_000_000)
    assert client.pairs("STAT", "data") == first
    os.utime(root / "data", ns=(1, 1_700_000_000 * 10**9 + 1))
    second = client.pairs("STAT", "data")
    assert second["mtime"] == 1_700_000_000
    assert second["etag"] != first["etag"] and second["id"] == first["id"]


def test_stat_knows_files_from_before_1970(serve, root):
    (root / "data").write_bytes(b"")
    os.utime(root / "data", (-5, -5))
    assert serve().client().pairs("STAT", "data")["mtime"] == -5


def test_exists_counts_files_and_nothing_else(serve, nasty):
    client = serve().client()
    assert client("EXISTS", "file", "file", "none", "folder", "in", "file/x", ".hidden") == 3
    assert client("EXISTS", *["file"] * 1000) == 1000


def test_strlen_is_the_size(serve, root):
    (root / "data").write_bytes(noise(KIB32 + 1))
    (root / "empty").write_bytes(b"")
    client = serve().client()
    assert client("STRLEN", "data") == KIB32 + 1
    assert client("STRLEN", "empty") == 0


# SCAN


def scan(client, *options, most=1000):
    """The names of a whole scan, of which no step gives more than most."""
    names, cursor = [], b"0"
    for _ in range(20_000):
        cursor, part = client("SCAN", cursor, *options)
        assert len(part) <= most
        names += part
        if cursor == b"0":
            return sorted(names)
    raise AssertionError("a scan without an end")


@pytest.fixture
def many(root):
    for n in range(5000):
        os.close(os.open(root / f"file{n:04}", os.O_CREAT | os.O_WRONLY))
    return sorted(b"file%04d" % n for n in range(5000))


def test_a_scan_gives_each_name_once_in_bounded_steps(serve, many):
    client = serve().client()
    assert scan(client, most=100) == many
    assert scan(client, "COUNT", 7, most=7) == many
    assert scan(client, "count", 1000) == many
    assert scan(client, "COUNT", 10**12) == many


def test_a_scan_with_a_pattern_gives_what_matches(serve, many):
    client = serve().client()
    assert scan(client, "MATCH", "file*9", "COUNT", 500) == many[9::10]
    assert scan(client, "COUNT", 500, "MATCH", "file00[0-4]?") == many[:50]
    assert scan(client, "MATCH", "none*") == []


def test_names_that_stay_are_found_while_others_come_and_go(serve, root, many):
    client = serve().client()
    names, cursor = [], b"0"
    for n in range(1000):
        cursor, part = client("SCAN", cursor, "COUNT", 50)
        names += part
        if cursor == b"0":
            break
        (root / f"new{n}").touch()
        (root / f"file{n:04}").unlink()
    stayed = many[n:]
    assert [name for name in sorted(names) if name in set(stayed)] == stayed


def test_a_scan_lists_regular_files_and_folders_that_can_be_had(serve, nasty):
    expected = [b"caf\xe9\xff", b"file", b"folder/", b"in"]
    assert scan(serve().client()) == expected


def test_a_scan_lists_hidden_names_where_they_are_served(serve, nasty):
    client = serve(files={"hidden": "yes"}).client()
    assert {b".hidden", b".folder/"} <= set(scan(client))
    assert scan(client, "MATCH", ".folder/*") == [b".folder/file"]


def test_a_scan_of_a_hidden_folder_is_empty(serve, nasty):
    assert scan(serve().client(), "MATCH", ".folder/*") == []


def test_a_scan_of_a_sub_folder_gives_whole_paths(serve, root):
    (root / "a" / "b").mkdir(parents=True)
    for name in ("a/one.txt", "a/two.txt", "a/b/three.txt", "four.txt"):
        (root / name).touch()
    client = serve().client()
    assert scan(client, "MATCH", "a/*") == [b"a/b/", b"a/one.txt", b"a/two.txt"]
    assert scan(client, "MATCH", "a/t*") == [b"a/two.txt"]
    assert scan(client, "MATCH", "a/") == [b"a/b/", b"a/one.txt", b"a/two.txt"]
    assert scan(client, "MATCH", "a/b/*") == [b"a/b/three.txt"]
    assert scan(client, "MATCH", "*/*") == []


def test_a_scan_of_a_sub_folder_goes_on_from_its_cursor(serve, root):
    (root / "sub").mkdir()
    for n in range(300):
        (root / "sub" / str(n)).touch()
    names = scan(serve().client(), "MATCH", "sub/*", "COUNT", 10, most=10)
    assert names == sorted(b"sub/%d" % n for n in range(300))


@pytest.fixture(params=["/tmp", "/dev/shm"])
def busy(request):
    """A folder in which others make and remove files all the time, of another file system each."""
    with tempfile.TemporaryDirectory(dir=request.param) as path:
        folder, stop = Path(path), threading.Event()

        def churn():
            chance = random.Random(1)
            while not stop.is_set():
                name = folder / f"other{chance.randrange(500)}"
                if name.exists():
                    name.unlink()
                else:
                    name.touch()

        thread = threading.Thread(target=churn)
        thread.start()
        yield folder
        stop.set()
        thread.join()


@pytest.mark.parametrize("count", [1, 10, 1000])
def test_a_scan_in_floating_point_gives_each_name_once_whatever_comes_and_goes(serve, busy, count):
    names = sorted(b"%d" % n for n in range(300))
    for name in names:
        (busy / name.decode()).touch()
    client = serve(files={"root": busy}).client()
    for _ in range(3):
        found, cursor = [], 0.0
        while True:
            cursor, part = client("SCAN", int(cursor), "COUNT", count)
            found += part
            cursor = float(cursor)
            assert cursor < 2**53
            if cursor == 0:
                break
        assert sorted(name for name in found if not name.startswith(b"other")) == names


def test_a_cursor_is_good_on_another_connection_and_after_a_restart(serve, many):
    server = serve()
    cursor, first = server.client()("SCAN", 0, "COUNT", 1000)
    second_cursor, second = server.client()("SCAN", cursor, "COUNT", 1000)
    server.stop()
    client = serve().client()
    assert client("SCAN", cursor, "COUNT", 1000) == [second_cursor, second]
    assert client("SCAN", cursor, "COUNT", 1000) == [second_cursor, second]
    assert not set(first) & set(second)


def test_a_scan_gives_what_was_made_before_it_began(serve, root):
    for n in range(50):
        (root / f"old{n}").touch()
    client = serve().client()
    for n in range(30):
        early, _ = client("SCAN", 0, "COUNT", 1)
        client("SCAN", early, "COUNT", 1)
        (root / f"new{n}").touch()
        (root / f"old{n}").unlink()
        assert len(scan(client, "COUNT", 1, most=1)) == 50
        assert {b"new%d" % n, b"old%d" % n} & set(scan(client, "COUNT", 7)) == {b"new%d" % n}


@pytest.fixture(scope="module")
def huge(tmp_path_factory):
    """A folder with names of more bytes than are kept; beside it one with few."""
    folder = tmp_path_factory.mktemp("huge") / "names"
    for each in folder, folder.with_name("few"):
        each.mkdir()
    (folder.with_name("few") / "name").touch()
    for n in range(30_000):
        os.close(os.open(folder / f"{n:0200}", os.O_CREAT | os.O_WRONLY))
    return folder


def test_a_folder_of_any_size_is_scanned_in_bounded_memory(serve, huge):
    server = serve(files={"root": huge})
    client = server.client()
    before = server.rss()
    assert scan(client, "COUNT", 1000) == [b"%0200d" % n for n in range(30_000)]
    if not SANITIZED:
        assert server.rss() - before < 12 * 1024


@traced
def test_others_are_served_while_a_folder_is_read(serve, huge):
    server = serve(files={"root": huge})
    reader, other = server.client(), server.client()
    with faults(server, "getdents64:delay_enter=20000"):
        reader.send(("SCAN", 0))
        for _ in range(20):
            assert other("PING") == "PONG"
        assert not select.select([reader.sock], [], [], 0)[0], "it was not put off"
    assert len(reader.read()[1]) == 100


@traced
def test_a_small_folder_does_not_wait_for_large_ones(serve, huge):
    server = serve(files={"root": huge.parent})
    readers, other = [server.client() for _ in range(3)], server.client()
    with faults(server, "getdents64:delay_enter=20000"):
        for reader in readers:
            reader.send(("SCAN", 0, "MATCH", "names/*"))
        wait_for(lambda: held(server, huge) == 3, "reading")
        assert scan(other, "MATCH", "few/*") == [b"few/name"]
        assert not select.select([reader.sock for reader in readers], [], [], 0)[0]


@traced
def test_a_few_folders_are_read_at_a_time_some_wait_and_the_rest_come_again(serve, huge):
    server = serve(files={"root": huge})
    clients = [server.client() for _ in range(67)]
    with faults(server, "getdents64:delay_enter=20000"):
        for client in clients:
            client.send(("SCAN", 0))
        ready = select.select([client.sock for client in clients], [], [], DEADLINE_S)[0]
        refused = [client for client in clients if client.sock in ready]
        assert [is_refused(client.read(), "BUSY") for client in refused] == [True]
        clients.remove(refused[0])
        for client in clients[3:]:
            client.reset()
        server.wait_log("reason=reset", count=63)
    for client in clients[:3]:
        assert len(client.read()[1]) == 100
    wait_for(lambda: held(server, huge) == 1, "end of the folders")


@traced
def test_who_leaves_while_a_folder_is_read_leaves_nothing_open(serve, huge):
    server = serve(files={"root": huge})
    with faults(server, "getdents64:delay_enter=20000"):
        for leave in (lambda client: client.reset(), lambda client: client.close()):
            client = server.client()
            client.send(("SCAN", 0))
            wait_for(lambda: held(server, huge) == 2, "reading")
            leave(client)
            wait_for(lambda: held(server, huge) == 1, "end of the folder")
    assert server.client()("SCAN", 0, "COUNT", 1)[0] != b"0"


@traced
def test_a_reload_lets_a_scan_of_the_old_folder_end(serve, huge, tmp_path):
    (tmp_path / "other").mkdir()
    server = serve(files={"root": huge})
    client = server.client()
    with faults(server, "getdents64:delay_enter=20000"):
        client.send(("SCAN", 0), ("SCAN", 0))
        wait_for(lambda: held(server, huge) == 2, "reading")
        server.reload(config(tmp_path / "other"))
        server.wait_log("reloaded")
    assert len(client.read()[1]) == 100
    assert client.read() == [b"0", []]
    assert held(server, huge) == 0


def place(name):
    """Where a name stands in a scan, as a cursor has it."""
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big") % (1 << 44)


@traced
def test_what_was_read_before_a_scan_began_does_not_serve_it(serve, huge):
    server = serve(files={"root": huge})
    early, late = server.client(), server.client()
    names = [b"%0200dnew" % n for n in range(1000)]
    first, end = 3 << 42, 1 << 44  # the last quarter
    with faults(server, "getdents64:delay_enter=20000"):
        early.send(("SCAN", first * 256, "COUNT", 1))
        wait_for(lambda: held(server, huge) == 2, "first reader")
        for name in names:
            (huge / name.decode()).touch()
        late.send(("SCAN", 0, "COUNT", 1))
        wait_for(lambda: held(server, huge) == 3, "second reader")
    assert early.read()
    found, cursor = set(), b"%d" % (first * 256 + int(late.read()[0]) % 256)
    while cursor != b"0":
        cursor, part = late("SCAN", cursor, "COUNT", 1000)
        found |= set(part)
    for name in names:
        (huge / name.decode()).unlink()
    assert {name for name in names if first <= place(name) < end} == found & set(names)


def test_a_scan_in_small_steps_does_not_read_the_folder_for_each(serve, many):
    server = serve()
    before = server.cpu()
    assert scan(server.client(), "COUNT", 1) == many
    assert server.cpu() - before < 5


def test_a_name_that_does_not_fit_behind_its_folder_is_an_error(serve, root):
    (root / "sub").mkdir()
    (root / "sub" / ("x" * 200)).touch()
    client = serve().client()
    assert scan(client, "MATCH", "sub" + "/" * 3800 + "*") != []
    assert is_refused(client("SCAN", 0, "MATCH", "sub" + "/" * 4000 + "*"))


@pytest.mark.parametrize("glob", ["none/*", "file/*", "fifo/*", "dangling/*"])
def test_a_scan_of_a_folder_that_is_not_there_is_empty(serve, nasty, glob):
    for hidden in ("yes", "no"):
        assert serve(files={"hidden": hidden}).client()("SCAN", 0, "MATCH", glob) == [b"0", []]


@pytest.mark.parametrize("glob", ["../*", "/etc/*", "up/*", "loop/*"])
def test_a_scan_does_not_leave_the_folder(serve, nasty, glob):
    assert is_refused(serve(files={"hidden": "yes"}).client()("SCAN", 0, "MATCH", glob))


@pytest.mark.parametrize(
    "words", [("x",), ("-1",), ("",), (2**52,), (2**63 - 1,), (2**63,), ("0x1",), (0, "COUNT"), (0, "COUNT", 0),
              (0, "COUNT", -1), (0, "COUNT", "x"), (0, "MATCH"), (0, "TYPE", "string"),
              (0, "MATCH", b"a\0b"), (0, "MATCH", "x" * 4096), (0, 1, 2, 3, 4, 5)])
def test_a_bad_scan_is_refused(serve, words):
    client = serve().client()
    assert is_refused(client("SCAN", *words))
    assert client("SCAN", 0) == [b"0", []]


@pytest.mark.parametrize("cursor", [1, 12345, 2**31, 2**52 - 1])
def test_a_cursor_that_was_never_given_does_no_harm(serve, root, cursor):
    for n in range(300):
        (root / str(n)).touch()
    server = serve()
    client = server.client()
    answered, names = client("SCAN", cursor)
    assert answered.isdigit() and {int(name) for name in names} <= set(range(300))
    assert len(scan(client)) == 300
    assert held(server, root) == 1  # the folder itself


def test_a_pattern_made_to_be_slow_is_not(serve, root):
    for n in range(200):
        (root / ("a" * 200 + str(n))).touch()
    server = serve()
    client = server.client()
    before = server.cpu()
    assert scan(client, "MATCH", "*a" * 254 + "b", "COUNT", 1000) == []
    assert scan(client, "MATCH", "*[a-z]" * 84 + "*b", "COUNT", 1000) == []
    assert server.cpu() - before < 5
    assert is_refused(client("SCAN", 0, "MATCH", "*a" * 256))


def test_a_scan_that_is_much_work_has_more_steps(serve, root):
    for n in range(200):
        (root / ("a" * 200 + str(n))).touch()
    client = serve().client()
    cursor, names = client("SCAN", 0, "COUNT", 1000, "MATCH", "*[ab]" * 50 + "*")
    assert cursor != b"0" and len(names) < 100
    assert len(scan(client, "COUNT", 1000, "MATCH", "*[ab]" * 50 + "*")) == 200


def test_a_reply_to_scan_is_bounded_however_the_folder_is_spelled(serve, root):
    (root / "sub").mkdir()
    for n in range(500):
        (root / "sub" / f"f{n}").touch()
    client = serve().client()
    cursor, names = client("SCAN", 0, "COUNT", 1000, "MATCH", "sub" + "/" * 4000 + "*")
    assert cursor != b"0" and sum(map(len, names)) < 80_000


# SHA256


def sha256(data):
    return hashlib.sha256(data).hexdigest().encode()


def test_the_digest_is_right_and_changes_with_the_file(serve, root):
    client = serve().client()
    for size in (0, 1, 3_000_000):
        (root / "data").write_bytes(noise(size))
        assert client("SHA256", "data") == sha256(noise(size))
        assert client("SHA256", "data") == sha256(noise(size))


def children_faults(pid):
    """Page faults of those that have been waited for: no program runs without."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[8])


def test_a_digest_is_kept_as_long_as_the_file_is_the_same(serve, root):
    (root / "data").write_bytes(b"x")
    server = serve()
    client = server.client()
    assert client("SHA256", "data") == sha256(b"x")
    used = children_faults(server.pid)
    assert used > 0
    assert client("SHA256", "data") == sha256(b"x")
    assert children_faults(server.pid) == used, "it was computed anew"


def test_a_file_whose_time_was_set_back_has_a_new_digest(serve, root):
    path = root / "data"
    path.write_bytes(b"old")
    client = serve().client()
    assert client("SHA256", "data") == sha256(b"old")
    stamp = path.stat().st_mtime_ns
    path.write_bytes(b"new")
    os.utime(path, ns=(stamp, stamp))
    assert client("SHA256", "data") == sha256(b"new")


def test_more_files_than_are_remembered_have_right_digests(serve, root):
    for n in range(150):
        (root / str(n)).write_bytes(noise(100, n))
    client = serve().client()
    for _ in range(2):
        client.send(*[("SHA256", n) for n in range(150)])
        for n in range(150):
            assert client.read() == sha256(noise(100, n))


def test_a_digest_waits_for_its_turn_in_a_pipeline(serve, root):
    (root / "data").write_bytes(noise(1000))
    client = serve().client()
    client.send(("PING",), ("SHA256", "data"), ("GET", "data"), ("SHA256", "none"), ("PING",))
    replies = [client.read() for _ in range(5)]
    assert replies == ["PONG", sha256(noise(1000)), noise(1000), None, "PONG"]


@traced
def test_a_digest_that_cannot_begin_says_why(serve, root):
    (root / "data").write_bytes(b"here")
    server = serve()
    client = server.client()
    began = time.monotonic()
    with faults(server, "clone,clone3,vfork:error=EAGAIN"):
        for _ in range(50):
            assert is_refused(client("SHA256", "data"), "BUSY")
    assert client("SHA256", "data") == sha256(b"here")
    client.close()
    assert_bounded(server, began, "not_run", 50, program="/usr/bin/sha256sum")


def test_many_digests_at_once_are_right_and_few_run_at_a_time(serve, root):
    for n in range(24):
        sparse(root / str(n), 4_000_000 + n)
    server = serve(files={"max_digests": 3})
    clients = [server.client() for _ in range(24)]
    stop, most = threading.Event(), [0]

    def watch():
        while not stop.wait(0.002):
            most.append(len(children(server.pid)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for n, client in enumerate(clients):
            client.send(("SHA256", n))
        for n, client in enumerate(clients):
            assert client.read() == sha256(bytes(4_000_000 + n))
    finally:
        stop.set()
        watcher.join()
    assert 1 <= max(most) <= 3


def test_who_comes_after_those_that_wait_for_a_digest_is_told_to_come_again(serve, root):
    sparse(root / "huge", HUGE)
    (root / "small").write_bytes(b"small")
    server = serve(files={"max_digests": 1})
    clients = [server.client() for _ in range(65)]
    for client in clients:
        client.send(("SHA256", "huge"))
    wait_open(server, root / "huge", len(clients))
    other = server.client()
    assert is_refused(other("SHA256", "small"), "BUSY")
    assert other("GET", "small") == b"small"
    for client in clients[1:]:
        client.reset()
    wait_for(lambda: server.log().count("reason=reset") == 64, "end of those who wait")
    other.send(("SHA256", "small"))
    clients[0].reset()
    assert other.read() == sha256(b"small")
    wait_for(lambda: not children(server.pid), "end of the digest")
    wait_closed(server, root / "huge")


def test_a_digest_ends_with_its_client(serve, root):
    sparse(root / "huge", HUGE)
    server = serve()
    client = server.client()
    client.send(("SHA256", "huge"))
    wait_for(lambda: children(server.pid), "digest")
    assert server.client()("PING") == "PONG"
    client.reset()
    wait_for(lambda: not children(server.pid), "end of the digest")
    wait_closed(server, root / "huge")


def test_a_stop_ends_a_digest(serve, root):
    sparse(root / "huge", HUGE)
    server = serve(daemon={"drain_timeout": "0"})
    server.client().send(("SHA256", "huge"))
    child = wait_for(lambda: children(server.pid), "digest")[0]
    server.stop()
    wait_for(lambda: not os.path.exists(f"/proc/{child}"), "end of the digest")


def test_a_file_that_changes_during_its_digest_has_none(serve, root):
    sparse(root / "huge", HUGE)
    (root / "data").write_bytes(b"some")
    server = serve(files={"max_digests": 1})
    first, client = server.client(), server.client()
    first.send(("SHA256", "huge"))
    wait_open(server, root / "huge")
    client.send(("SHA256", "data"))
    wait_open(server, root / "data")
    with open(root / "data", "ab") as file:
        file.write(b"more")
    first.reset()
    assert is_refused(client.read())
    assert client("SHA256", "data") == sha256(b"somemore")


# Many, and those that do not behave


def test_fifty_downloads_at_once_are_right_while_another_listener_answers(serve, root):
    for n in range(50):
        (root / str(n)).write_bytes(noise(2_000_000, n))
    server = serve(other={})
    wrong = []

    def download(n):
        with Client(server.connect()) as client:
            if client("GET", n) != noise(2_000_000, n):
                wrong.append(n)

    threads = [threading.Thread(target=download, args=(n,)) for n in range(50)]
    with server.connect("other") as other:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            other.sendall(b"hello")
            assert receive(other, 5) == b"HELLO"
        for thread in threads:
            thread.join()
    assert not wrong
    wait_closed(server, f"{root}/")


def test_a_client_that_stops_reading_a_file_is_cut_off(serve, root):
    sparse(root / "data", 1 << 30)
    server = serve(main={"write_timeout": "300ms"})
    client = server.client()
    client.send(("GET", "data"))
    server.wait_log("reason=stalled")
    wait_closed(server, root / "data")


def leave_in_the_middle(server, leave):
    """Twenty callers go so while they get a file."""
    for _ in range(20):
        sock = server.connect()
        sock.sendall(b"GET data\r\n")
        receive(sock, 100_000)
        leave(sock)
    server.wait_log("closed listener=main", count=20)


@pytest.mark.parametrize("leave", [reset, lambda sock: sock.close()])
def test_a_client_that_leaves_in_the_middle_of_a_file_leaves_no_descriptor(serve, root, leave):
    sparse(root / "data", 1 << 30)
    server = serve()
    before = len(open_files(server.pid))
    leave_in_the_middle(server, leave)
    wait_for(lambda: len(open_files(server.pid)) == before, "end of descriptors")


def test_clients_that_reset_in_the_middle_of_a_file_are_logged_so(serve, root):
    sparse(root / "data", 1 << 30)
    server = serve()
    leave_in_the_middle(server, reset)
    assert "reason=error" not in server.log()


def test_downloads_leave_descriptors_for_callers_and_a_reload(serve, root):
    sparse(root / "data", 1 << 30)
    server = serve(daemon={"max_clients": 200}, prefix=("prlimit", "--nofile=400:400"))
    clients = [server.client() for _ in range(190)]
    for client in clients:
        client.send(("GET", "data"))
    busy = 0
    for client in clients:
        line = client.file.readline()
        busy += line.startswith(b"-BUSY")
        assert line.startswith((b"-BUSY", b"$1073741824"))
    assert 0 < busy < 190
    assert server.client()("PING") == "PONG"
    server.reload()
    server.wait_log("reloaded")


def test_a_download_costs_no_memory(serve, root):
    sparse(root / "data", 200 << 20)
    server = serve()
    client = server.client()
    assert client("GETRANGE", "data", 0, 1 << 20)
    before = most = server.rss()
    client.send(("GET", "data"))
    left = len(b"$209715200\r\n") + (200 << 20) + 2
    while left > 0:
        left -= len(client.file.read(min(left, 20 << 20)))
        most = max(most, server.rss())
    if not SANITIZED:
        assert most - before < 1024


# The folder itself


def deployed(tmp_path, name, text):
    """A version of the folder, with one file in it."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "data").write_bytes(text)
    return tmp_path / name


def point(link, target):
    """As "ln -sfn" does."""
    new = link.with_name("new-link")
    new.symlink_to(target)
    new.rename(link)


def test_a_root_that_is_a_link_is_followed_where_it_leads_now(serve, tmp_path):
    old, new = deployed(tmp_path, "old", b"old"), deployed(tmp_path, "new", b"new")
    (new / "more").touch()
    current = tmp_path / "current"
    current.symlink_to(old)
    server = serve(files={"root": current})
    client = server.client()
    assert client("GET", "data") == b"old"
    point(current, new)
    wait_for(lambda: client("GET", "data") == b"new", "new folder", 5)
    assert scan(client) == [b"data", b"more"]
    server.wait_log(f"root_changed root={current}")
    assert (held(server, old), held(server, new)) == (0, 1)


def test_a_scan_sees_the_folder_that_is_there_now(serve, tmp_path, root):
    client = serve().client()
    assert scan(client) == []
    root.rename(tmp_path / "before")
    root.mkdir()
    (root / "data").touch()
    wait_for(lambda: scan(client) == [b"data"], "new folder", 5)


def test_a_root_that_is_removed_and_made_anew_is_found_again(serve, root):
    (root / "data").write_bytes(b"old")
    server = serve()
    client = server.client()
    shutil.rmtree(root)
    assert client("GET", "data") is None
    wait_for(lambda: client("PING") and client("GET", "data") is None
             and "root_lost" in server.log(), "warning", 5)
    root.mkdir()
    (root / "data").write_bytes(b"new")
    wait_for(lambda: client("GET", "data") == b"new", "new folder", 5)


def test_a_root_whose_path_leads_nowhere_is_served_on_and_that_is_said_once(serve, root, tmp_path):
    (root / "data").write_bytes(b"old")
    server = serve()
    client = server.client()
    root.rename(tmp_path / "away")
    wait_for(lambda: client("GET", "data") == b"old" and "root_lost" in server.log(), "warning")
    os.symlink(root.name, root)  # a loop
    wait_for(lambda: client("GET", "data") == b"old" and server.log().count("root_lost") == 2,
             "second reason")
    root.unlink()
    (tmp_path / "away").rename(root)
    wait_for(lambda: client("GET", "data") == b"old" and "root_changed" in server.log(), "end")
    assert server.log().count("root_lost") == 2


def within(server, *words):
    """Run a program among the mounts of the server, which has its own."""
    subprocess.run(["nsenter", "-m", "-t", str(server.pid), *map(str, words)], check=True)


@pytest.fixture
def mounting(serve):
    """A server with mounts of its own."""
    if subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("there are no mounts of our own")
    return lambda **sections: serve(prefix=("unshare", "-m"), **sections)


def test_a_root_that_is_mounted_over_is_the_new_one_and_then_the_old_again(mounting, root, tmp_path):
    (root / "data").write_bytes(b"below")
    over = deployed(tmp_path, "over", b"above")
    server = mounting()
    client = server.client()
    assert client("GET", "data") == b"below"
    within(server, "mount", "--bind", over, root)
    wait_for(lambda: client("GET", "data") == b"above", "mounted folder", 5)
    within(server, "umount", "-l", root)
    wait_for(lambda: client("GET", "data") == b"below", "folder below", 5)


CHURN = """
import os, random, sys
os.chdir(sys.argv[1])
while os.getppid() == int(sys.argv[2]):
    name = f"other{random.randrange(500)}"
    try:
        os.close(os.open(name, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        os.unlink(name)
"""


def test_a_scan_of_layers_gives_each_name_once_whatever_comes_and_goes(mounting, root, tmp_path):
    lower, upper = tmp_path / "lower", tmp_path / "layers" / "upper"
    for folder in (lower, upper, upper.with_name("work")):
        folder.mkdir(parents=True)
    names = sorted(b"%d" % n for n in range(300))
    for n, name in enumerate(names):
        ((lower, upper)[n % 2] / name.decode()).touch()
    server = mounting()
    client = server.client()
    try:
        within(server, "mount", "-t", "overlay", "overlay", "-o",
               f"lowerdir={lower},upperdir={upper},workdir={upper.with_name('work')}", root)
    except subprocess.CalledProcessError:
        pytest.skip("there is no overlay")
    wait_for(lambda: client("EXISTS", names[0]), "mounted folder")
    churn = subprocess.Popen(["nsenter", "-m", "-t", str(server.pid), sys.executable, "-c", CHURN,
                              str(root), str(os.getpid())])
    try:
        for count in (1, 10, 100):
            found = scan(client, "COUNT", count)
            assert [name for name in found if not name.startswith(b"other")] == names
    finally:
        churn.kill()
        churn.wait(DEADLINE_S)


# Sizes that are not true


@pytest.mark.parametrize("folder", ["/proc", "/sys/kernel", "/proc/self/net"])
def test_a_root_without_sizes_is_refused(tmp_path, folder):
    (tmp_path / "p.ini").write_text(config(folder))
    result = run("-c", tmp_path / "p.ini")
    assert result.returncode == 4
    assert f'failed service=files reason="root {folder}: ' in result.stderr and "size" in result.stderr


def test_files_without_a_size_are_refused_by_all_verbs_alike(mounting, root):
    (root / "proc").mkdir()
    (root / "empty").touch()
    server = mounting()
    client = server.client()
    within(server, "mount", "-t", "proc", "proc", root / "proc")
    for name in ("proc/version", "proc/sys/kernel/ostype", "proc/kmsg"):
        for verb, *more in ("GET",), ("GETRANGE", 0, 1), ("STRLEN",), ("STAT",), ("SHA256",), (
                "EXISTS",):
            reply = client(verb, name, *more)
            assert is_refused(reply) and "size" in reply
    assert is_refused(client("SCAN", 0, "MATCH", "proc/*"))
    assert scan(client) == [b"empty", b"proc/"]
    assert client("GET", "empty") == b""
    assert client("SHA256", "empty") == sha256(b"")


def test_a_file_that_says_too_large_a_size_has_no_digest(mounting, root):
    (root / "queues").mkdir()
    server = mounting()
    client = server.client()
    within(server, "mount", "-t", "mqueue", "mqueue", root / "queues")
    within(server, "touch", root / "queues" / "q")
    try:
        assert client("STRLEN", "queues/q") == 80  # and gives fewer
        client.send(("PING",), ("GET", "queues/q"), ("SHA256", "queues/q"), ("PING",))
        assert client.read() == "PONG"
        assert is_refused(client.read()) and is_refused(client.read())
        assert client.read() == "PONG"
    finally:
        within(server, "rm", root / "queues" / "q")


LYING_FSTAT = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/stat.h>
static int lie(int result, struct stat64 *st)
{
	if (result == 0 && st->st_size == 4321)
		st->st_size = 0;
	return result;
}
int fstat64(int fd, struct stat64 *st) /* by which name sizes of 64 bits are asked for */
{
	int (*real)(int, struct stat64 *) = (int (*)(int, struct stat64 *))dlsym(RTLD_NEXT, "fstat64");

	return lie(real(fd, st), st);
}
int fstatat64(int fd, const char *name, struct stat64 *st, int flags)
{
	int (*real)(int, const char *, struct stat64 *, int) =
		(int (*)(int, const char *, struct stat64 *, int))dlsym(RTLD_NEXT, "fstatat64");

	return lie(real(fd, name, st, flags), st);
}
"""


@pytest.fixture
def lying(serve, root, tmp_path):
    """A server to which a file of 4321 bytes is empty before it is read, as in FUSE."""
    if SANITIZED or shutil.which("cc") is None:
        pytest.skip("cc is missing, or a sanitizer stands in the way")
    (tmp_path / "fstat.c").write_text(LYING_FSTAT)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / "fstat.so", tmp_path / "fstat.c"],
                   check=True)
    (root / "data").write_bytes(noise(4321))
    return serve(prefix=("env", f"LD_PRELOAD={tmp_path}/fstat.so"))


def test_an_empty_file_that_gives_something_is_refused(lying, root):
    (root / "empty").touch()
    client = lying.client()
    assert client("STRLEN", "data") == 0
    for words in ("GET", "data"), ("GETRANGE", "data", 0, 9), ("SHA256", "data"):
        assert is_refused(client(*words))
    assert client("GET", "empty") == b""


def test_pollcat_does_not_take_such_a_file_for_an_empty_one(lying, tmp_path):
    target = tmp_path / "target"
    for options in ([], ["--verify"], ["--resume"]):
        done = subprocess.run(
            [POLLCAT, f"127.0.0.1:{lying.port()}", "get", "data", "-o", target, *options],
            capture_output=True, text=True, timeout=DEADLINE_S)
        assert done.returncode != 0 and "size" in done.stderr, done
        assert not target.exists()


# Reload and stop


def test_a_reload_changes_the_folder_for_those_who_are_there(serve, root, tmp_path):
    (root / "data").write_bytes(b"old")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "data").write_bytes(b"new")
    server = serve()
    client = server.client()
    assert client("GET", "data") == b"old"
    server.reload(config(tmp_path / "other"))
    wait_for(lambda: client("GET", "data") == b"new", "reload")
    assert [name for name in open_files(server.pid) if name == str(root)] == []


def test_a_reload_lets_a_download_of_the_old_folder_end(serve, root, tmp_path):
    (root / "data").write_bytes(noise(20_000_000))
    (tmp_path / "other").mkdir()
    server = serve()
    client = server.client()
    client.send(("GET", "data"), ("GET", "data"))
    client.sock.recv(1, socket.MSG_PEEK)
    server.reload(config(tmp_path / "other"))
    wait_for(lambda: server.client()("EXISTS", "data") == 0, "reload")
    assert client.read() == noise(20_000_000)
    assert client.read() is None


def test_a_reload_that_raises_max_digests_lets_those_who_wait_have_theirs(serve, root):
    sparse(root / "huge", HUGE)
    (root / "small").write_bytes(b"small")
    server = serve(files={"max_digests": 1})
    first, second = server.client(), server.client()
    first.send(("SHA256", "huge"))
    wait_for(lambda: children(server.pid), "digest")
    second.send(("SHA256", "small"))
    assert server.client()("PING") == "PONG"
    server.reload(config(root, files={"max_digests": 2}))
    assert second.read() == sha256(b"small")
    first.reset()
    wait_for(lambda: not children(server.pid), "end of the digest")


@pytest.mark.parametrize("broken", ["root = /none/such\n", "root = relative\n", "hidden = yes\n"])
def test_a_reload_to_a_folder_that_is_not_there_keeps_the_old(serve, root, broken):
    (root / "data").write_bytes(b"old")
    server = serve()
    client = server.client()
    text = server.path.read_text()
    before = len(open_files(server.pid))
    server.reload(text[: text.index("[service")] + "[service files]\n" + broken)
    server.wait_log("not_reloaded ")
    assert client("GET", "data") == b"old"
    server.reload(text)
    assert client("GET", "data") == b"old"
    wait_for(lambda: len(open_files(server.pid)) == before, "end of descriptors")


def test_a_stop_waits_for_a_download(serve, root):
    (root / "data").write_bytes(noise(20_000_000))
    server = serve()
    client = server.client()
    client.send(("GET", "data"))
    client.sock.recv(1, socket.MSG_PEEK)
    server.signal(15)
    server.wait_log("stopping clients=1")
    assert client.read() == noise(20_000_000)
    assert client.ended()
    client.close()
    assert server.wait(DEADLINE_S) == 0
