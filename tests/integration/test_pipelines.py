# SPDX-License-Identifier: MIT
"""Clients that write all they want to ask before they read the first answer."""

import ctypes
import ctypes.util
import threading

import pytest
from conftest import DEADLINE_S, SANITIZED, fill, ini, receive
from talk import pack, talking

COUNT = 4000
FOLDER = "a" * 120 + "/" + "b" * 100  # so that what is asked is more than sockets hold
SIZES = {"small": 100, "medium": 2_000, "large": 100_000}


def content(name):
    return (name.encode() * SIZES[name])[: SIZES[name]]


@pytest.fixture
def server(pollard, talking, tmp_path):
    root = tmp_path / "root"
    (root / FOLDER).mkdir(parents=True)
    for name in SIZES:
        (root / FOLDER / name).write_bytes(content(name))
    text = ini(main={"listen": f"tcp:127.0.0.1:0 unix:{tmp_path}/s", "protocol": "resp",
                     "services": "files"},
               line={"listen": f"tcp:127.0.0.1:0 unix:{tmp_path}/line", "protocol": "line",
                     "services": "upper", "max_owed": "256k"})
    return talking(pollard(f"{text}\n[service files]\nroot = {root}\n"))


# The large ones are fewer: what matters is that requests and replies are more than sockets hold.
BOTH = pytest.mark.parametrize("name, count", [("small", COUNT), ("large", COUNT // 10)])
TRANSPORTS = pytest.mark.parametrize("transport", ["tcp", "unix"])


@TRANSPORTS
@BOTH
def test_a_pipeline_of_redis_py_is_answered(server, tmp_path, transport, name, count):
    redis = pytest.importorskip("redis")
    if transport == "tcp":
        client = redis.Redis(port=server.port(), socket_timeout=DEADLINE_S)
    else:
        client = redis.Redis(unix_socket_path=str(tmp_path / "s"), socket_timeout=DEADLINE_S)
    with client, client.pipeline(transaction=False) as pipe:
        for _ in range(count):
            pipe.get(f"{FOLDER}/{name}")
        assert pipe.execute() == [content(name)] * count


class Reply(ctypes.Structure):  # redisReply of hiredis 0.14 and 1.0
    _fields_ = [("type", ctypes.c_int), ("integer", ctypes.c_longlong)]


@TRANSPORTS
@BOTH
def test_what_hiredis_has_appended_is_answered(server, tmp_path, transport, name, count):
    path = ctypes.util.find_library("hiredis")
    if path is None:
        pytest.skip("libhiredis is missing")
    hiredis = ctypes.CDLL(path)
    hiredis.redisConnect.restype = hiredis.redisConnectUnix.restype = ctypes.c_void_p
    if transport == "tcp":
        context = ctypes.c_void_p(hiredis.redisConnect(b"127.0.0.1", server.port()))
    else:
        context = ctypes.c_void_p(hiredis.redisConnectUnix(bytes(tmp_path / "s")))
    codes = []

    def talk():
        for _ in range(count):
            codes.append(hiredis.redisAppendCommand(
                context, b"GET %s", f"{FOLDER}/{name}".encode()))
        for _ in range(count):
            reply = ctypes.c_void_p()
            codes.append(hiredis.redisGetReply(context, ctypes.byref(reply)))
            codes.append(ctypes.cast(reply, ctypes.POINTER(Reply)).contents.type - 1)  # a string
            hiredis.freeReplyObject(reply)

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    thread.join(2 * DEADLINE_S)
    assert not thread.is_alive(), f"no answer to the rest behind {len(codes)} calls"
    assert codes == [0] * (3 * count)
    hiredis.redisFree(context)


def check_stall(server, where, ask, answer, most_kib):
    """Five clients write all that is taken, read nothing, and then all of it."""
    socks = [server.connect(where) for _ in range(5)]
    before = server.rss()
    sent = [fill(sock, ask * 60_000) for sock in socks]
    assert max(sent) < 60_000 * len(ask), "all is taken without being read"
    assert SANITIZED or server.rss() - before < len(socks) * most_kib
    assert server.client()("PING") == "PONG"
    for sock, size in zip(socks, sent):
        whole, part = divmod(size, len(ask))
        rest = ask[part:] if part else b""
        writer = threading.Thread(target=sock.sendall, args=(rest,))
        writer.start()
        for _ in range(whole + bool(part)):
            assert receive(sock, len(answer)) == answer
        writer.join(DEADLINE_S)
        sock.close()
    return sent


@TRANSPORTS
def test_who_writes_without_reading_stalls_in_bounded_memory_and_then_gets_all(
        server, tmp_path, transport):
    """Of a megabyte that is read ahead, all, and twice as much for the memory that it is in."""
    where = "main" if transport == "tcp" else tmp_path / "s"
    answer = b"$2000\r\n" + content("medium") + b"\r\n"
    sent = check_stall(server, where, pack("GET", f"{FOLDER}/medium"), answer, 3 * 1024)
    assert min(sent) > 1 << 20


@TRANSPORTS
def test_lines_are_read_ahead_as_far_as_the_listener_says(server, tmp_path, transport):
    where = "line" if transport == "tcp" else tmp_path / "line"
    line = b"x" * 999 + b"\n"
    sent = check_stall(server, where, line, line.upper(), 3 * 256)
    assert min(sent) > 256 << 10
