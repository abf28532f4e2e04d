# SPDX-License-Identifier: MIT
"""Clients that load is not: who downloads, and who runs commands."""

import contextlib
import re
import selectors
import socket
import subprocess
import sys
import time

RUN_DONE = re.compile(rb"duration_ms\r\n:\d+\r\n$")
DISCARD = getattr(socket, "MSG_TRUNC", 0)  # tcp(7): the bytes are thrown away uncopied
BUFFER = bytearray(1 << 20)
WINDOW = 1 << 20


def reply_size(start):
    """Bytes of a whole reply of RESP or HTTP by how it begins; None: not known yet."""
    if match := re.match(rb"\$(\d+)\r\n", start):
        return match.end() + int(match[1]) + 2
    if (end := start.find(b"\r\n\r\n")) >= 0 and start.startswith(b"HTTP/1.1 200"):
        return end + 4 + int(re.search(rb"(?i)content-length: (\d+)", start)[1])
    return None


class Download:
    """The same request on one connection, again and again."""

    def __init__(self, port, request):
        # The same window for each; else the kernel guesses, and not the same for all.
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
        self.sock.settimeout(60)
        self.sock.connect(("127.0.0.1", port))
        self.request, self.bytes = request, 0
        self.start()

    def start(self):
        self.sock.sendall(self.request)
        self.head, self.left = b"", None

    def step(self):
        """One receive. True when a reply was whole, and the next is on its way."""
        if self.left is None:
            self.head += self.sock.recv(64)
            size = reply_size(self.head)
            if size is not None:
                self.left = size - len(self.head)
            elif not self.head or len(self.head) > 4096:
                raise OSError(f"no reply: {self.head[:80]}")
        else:
            count = self.sock.recv_into(BUFFER, min(self.left, len(BUFFER)), DISCARD)
            if count == 0:
                raise OSError("the reply ends early")
            self.left -= count
            self.bytes += count
        if self.left == 0:
            self.start()
            return True
        return False


def download(port, request, seconds):
    """MB/s of whole replies."""
    one = Download(port, request)
    began = time.monotonic()
    while not one.step() or time.monotonic() < began + seconds:
        pass
    return one.bytes / 1e6 / (time.monotonic() - began)


def downloads(port, request, count):
    """So many at once until stdin ends; then what each has got, in MB."""
    selector = selectors.DefaultSelector()
    for _ in range(count):
        one = Download(port, request)
        one.sock.setblocking(False)
        selector.register(one.sock, selectors.EVENT_READ, one)
    selector.register(sys.stdin, selectors.EVENT_READ)
    ones = [key.data for key in selector.get_map().values() if key.data]
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            if key.data is None:
                print(*(f"{one.bytes / 1e6:.1f}" for one in ones))
                return
            with contextlib.suppress(BlockingIOError):
                key.data.step()


@contextlib.contextmanager
def downloading(argv, port, request, count):
    """Downloads in a process of their own; their sizes are in the list when it is over."""
    sizes = []
    process = subprocess.Popen([*argv, sys.executable, __file__, str(port), request, str(count)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout.readline() != "ready\n":
            raise OSError("the downloads do not begin")
        yield sizes
    finally:
        process.stdin.close()
        sizes += map(float, process.stdout.readline().split())
        process.wait()


def run_ended(reply):
    """Whether this is a whole reply of RUN; an error is none."""
    if not reply or reply.startswith(b"-"):
        raise OSError(f"no reply: {bytes(reply)}")
    return RUN_DONE.search(reply) is not None


def runs(port, request, clients, seconds):
    """Replies of RUN a second, with so many clients."""
    selector = selectors.DefaultSelector()
    for _ in range(clients):
        sock = socket.create_connection(("127.0.0.1", port), 60)
        selector.register(sock, selectors.EVENT_READ, bytearray())
        sock.sendall(request)
    count, began = 0, time.monotonic()
    while time.monotonic() < began + seconds:
        for key, _ in selector.select():
            key.data.extend(key.fileobj.recv(4096))
            if run_ended(key.data):
                count += 1
                key.data.clear()
                key.fileobj.sendall(request)
    return count / (time.monotonic() - began)


def run_time(sock, request):
    reply, began = bytearray(), time.monotonic()
    sock.sendall(request)
    while True:
        reply.extend(sock.recv(4096))
        if run_ended(reply):
            return time.monotonic() - began


def run_times(port, request, seconds, warmup):
    """Seconds of each RUN of one client who asks again and again."""
    with socket.create_connection(("127.0.0.1", port), 60) as sock:
        began, times = time.monotonic() + warmup, []
        while time.monotonic() < began:
            run_time(sock, request)
        while not times or time.monotonic() < began + seconds:
            times.append(run_time(sock, request))
    return times


if __name__ == "__main__":
    downloads(int(sys.argv[1]), sys.argv[2].encode(), int(sys.argv[3]))
