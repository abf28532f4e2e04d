# SPDX-License-Identifier: MIT
"""A client of the protocol resp, and what /proc knows of a process."""

import os
import socket
from pathlib import Path

import pytest
from conftest import LINGER_NONE


class Refusal(str):
    """The text of an error reply."""


def to_bytes(word):
    return word if isinstance(word, bytes) else os.fsencode(str(word))


def pack(*words):
    """A request."""
    words = [to_bytes(word) for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(w), w) for w in words)


class Push(list):
    """What comes before a reply in version 3, and is none."""


class Client:
    """client("GET", "name") is the reply: bytes, int, None, list, str for a status, Refusal; in
    version 3 a dict, and Push besides."""

    def __init__(self, sock):
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.file = sock.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def __call__(self, *words):
        self.send(words)
        return self.read()

    def send(self, *requests):
        self.sock.sendall(b"".join(pack(*words) for words in requests))

    def read(self):
        """The next reply. EOFError at the end."""
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError(line)
        kind, text = line[:1], line[1:-2]
        if kind == b"+":
            return text.decode()
        if kind == b"-":
            return Refusal(text.decode())
        if kind == b":":
            return int(text)
        if kind == b"*":
            return [self.read() for _ in range(int(text))]
        if kind == b"%":
            return {self.read().decode(): self.read() for _ in range(int(text))}
        if kind == b">":
            return Push(self.read() for _ in range(int(text)))
        if line == b"_\r\n":
            return None
        if kind == b"=":
            return self.read_body(int(text))[4:]  # after its format
        assert kind == b"$", line
        return None if text == b"-1" else self.read_body(int(text))

    def read_body(self, size):
        data = self.file.read(size)
        if len(data) < size or self.file.read(2) != b"\r\n":
            raise EOFError(f"{len(data)} of {size} bytes")
        return data

    def pairs(self, *words):
        """A reply that is a list of names and values."""
        reply = self(*words)
        if isinstance(reply, dict):
            return reply
        assert isinstance(reply, list), reply
        return {name.decode(): value for name, value in zip(reply[::2], reply[1::2])}

    def ended(self):
        """Whether the server has nothing more to say and hangs up; waits for that."""
        return self.file.read() == b""

    def reset(self):
        """Break the connection off."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
        self.close()

    def close(self):
        self.file.close()
        self.sock.close()


@pytest.fixture
def talking():
    """talking(server) gives it client(where="main"), a connection that ends with the test."""
    clients = []

    def attach(server):
        def client(where="main"):
            clients.append(Client(server.connect(where)))
            assert clients[-1]("PING") == "PONG"
            return clients[-1]

        server.client = client
        return server

    yield attach
    for each in clients:
        each.close()


def is_refused(reply, code="ERR"):
    return isinstance(reply, Refusal) and reply.startswith(code + " ")


def open_files(pid):
    """What its descriptors lead to."""
    found = []
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(os.readlink(fd))
        except FileNotFoundError:
            pass
    return found


def children(pid):
    """The numbers of its children, those that nobody has waited for too."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(number) for number in text.split()]


def group(pgid):
    """The members of a process group that live."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) == pgid and fields[0] not in "ZX":
            found.append(int(path.parent.name))
    return found
