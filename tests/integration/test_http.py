# SPDX-License-Identifier: MIT
"""The protocol http: what is a request, what is refused, and when a connection ends."""

import http.client
import io
import re
import select
import signal
import socket
import subprocess
import time

import pytest
from conftest import DEADLINE_S, ini, need, receive_all, run, wait_for

HOST = b"Host: a\r\n"
GET = b"GET /a HTTP/1.1\r\n" + HOST
BAD = {  # what is refused, and how; the connection ends after it
    b"GET /a\r\n": 400,
    b"GET  /a HTTP/1.1\r\n": 400,
    b"GET /a HTTP/1.1\nHost: a\n\n": 400,
    b"GET a HTTP/1.1\r\n" + HOST: 400,
    b"GET /../a HTTP/1.1\r\n" + HOST: 400,
    b"GET /%00 HTTP/1.1\r\n" + HOST: 400,
    b"GET /%zz HTTP/1.1\r\n" + HOST: 400,
    b"GET /a HTTP/1.1\r\n\r\n": 400,
    GET + b"Host: b\r\n\r\n": 400,
    GET + b"X : y\r\n\r\n": 400,
    GET + b"X: y\r\n z\r\n\r\n": 400,
    GET + b"X: \0\r\n\r\n": 400,
    GET + b"X: y\rZ: z\r\n\r\n": 400,
    GET + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx": 400,
    GET + b"Content-Length: x\r\n\r\n": 400,
    GET + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": 400,
    b"GET /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": 400,
    GET + b"Content-Length: 1\r\n\r\nx": 413,
    GET + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n": 413,
    GET + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n": 501,
    b"POST /a HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n\r\nx": 405,
    b"DELETE /a HTTP/1.1\r\n" + HOST + b"\r\n": 405,
    b"BREW /a HTTP/1.1\r\n" + HOST + b"\r\n": 501,
    b"GET /a HTTP/2.0\r\n" + HOST + b"\r\n": 505,
    b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n": 414,
    GET + b"X: y\r\n" * 100 + b"\r\n": 431,
    GET + b"X: " + b"y" * 70000 + b"\r\n\r\n": 431,
}
NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 1;
    server {{ listen unix:{folder}/nginx.sock; root {root}; }}
}}
"""


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "a").write_bytes(b"hello")
    (folder / "secret").write_bytes(b"SECRET")
    return folder


def config(root, main=None, files=None, **others):
    main = {"protocol": "http", "services": "files", **(main or {})}
    keys = {"root": root, **(files or {})}
    section = "".join(f"{key} = {value}\n" for key, value in keys.items())
    return f"{ini(main=main, **others)}\n[service files]\n{section}"


@pytest.fixture
def serve(pollard, root):
    def start(**sections):
        return pollard(config(root, **sections))

    return start


class Received:
    """Bytes as if they came from a socket."""

    def __init__(self, data):
        self.file = io.BytesIO(data)

    def makefile(self, mode):
        return self.file


def replies(data, methods=("GET",) * 1000):
    """(status, body) of each reply in data, and that there is nothing else in it."""
    source, found = Received(data), []
    source.file.close = lambda: None
    for method in methods:
        if source.file.tell() == len(data):
            break
        reply = http.client.HTTPResponse(source, method=method)
        reply.begin()
        found.append((reply.status, reply.read()))
        assert reply.length in (0, None)
    assert source.file.tell() == len(data)
    return found


def said(server, data, where="main"):
    """All that comes back where nothing follows data."""
    with server.connect(where) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        return receive_all(sock)


def answered(server, data):
    """All that comes back, without an end of what is sent: the server hangs up."""
    with server.connect() as sock:
        sock.sendall(data)
        return receive_all(sock)


def test_a_stock_client_asks_again_on_the_same_connection(serve):
    server = serve()
    client = http.client.HTTPConnection("127.0.0.1", server.port(), timeout=DEADLINE_S)
    for method, body in (("GET", b"hello"), ("HEAD", b""), ("GET", b"hello")):
        client.request(method, "/a")
        reply = client.getresponse()
        assert (reply.status, reply.read(), reply.getheader("Content-Length")) == (200, body, "5")
        assert reply.getheader("Server") == "pollard"
        assert reply.getheader("X-Content-Type-Options") == "nosniff"
        assert reply.getheader("Date").endswith(" GMT")
        assert reply.getheader("Connection") is None
    client.close()
    server.stop()
    assert "accepted=1 " in server.log() and "requests=3 " in server.log()


def test_the_version_is_told_where_the_configuration_says_so(serve, root):
    server = serve(daemon={"show_version": "yes"})
    version = run("--version").stdout.split()[1]
    assert f"\r\nServer: pollard/{version}\r\n".encode() in answered(server, GET + b"A b\r\n")
    server.reload(config(root, main={"listen": f"tcp:127.0.0.1:{server.port()}"}))
    server.wait_log("reloaded")
    assert b"\r\nServer: pollard\r\n" in answered(server, GET + b"A b\r\n")


def test_a_line_of_the_log_has_method_path_and_status(serve):
    server = serve(main={"log_requests": "yes"})
    for data, line in ((GET + b"\r\n", "verb=GET name=/a outcome=200 "),
                       (GET + b"Range: bytes=1-2\r\n\r\n", "verb=GET name=/a outcome=206 "),
                       (GET + b"If-None-Match: *\r\n\r\n", "verb=GET name=/a outcome=304 "),
                       (b"HEAD /%22 HTTP/1.0\r\n\r\n", r'verb=HEAD name="/\"" outcome=404 ')):
        said(server, data)
        server.wait_log(line)


# HOST - - [DATE] "REQUEST" STATUS BYTES "REFERER" "AGENT", as goaccess and awk scripts read it
COMBINED = re.compile(
    rb'^(?:\S+ )?(\S+) - - \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "([^"]*)" (\d{3}) (\d+) '
    rb'"([^"]*)" "([^"]*)"$', re.M)


def test_lines_of_the_log_are_those_of_other_web_servers_where_wanted(serve):
    server = serve(main={"log_requests": "yes", "log_format": "combined"})
    long = b"/" + b"x" * 3000
    for data in (GET + b"User-Agent: curl/8 \"quoted\"\r\nReferer: http://x/\xe4\r\n\r\n",
                 GET + b"Range: bytes=1-2\r\n\r\n", GET + b"If-None-Match: *\r\n\r\n",
                 b"HEAD /a HTTP/1.1\r\n" + HOST + b"\r\n",
                 b"GET " + long + b"?q=%22 HTTP/1.1\r\n" + HOST + b"\r\n"):
        said(server, data)
    wait_for(lambda: len(COMBINED.findall(server.log().encode())) == 5, "lines")
    rows = COMBINED.findall(server.log().encode())
    assert {row[0] for row in rows} == {b"127.0.0.1"}
    assert all(abs(time.mktime(time.strptime(row[1].decode()[:20], "%d/%b/%Y:%H:%M:%S")) - time.time())
               < 3700 * 24 for row in rows)
    assert [row[2:] for row in rows[:4]] == [
        (b"GET /a HTTP/1.1", b"200", b"5", rb"http://x/\xE4", rb"curl/8 \x22quoted\x22"),
        (b"GET /a HTTP/1.1", b"206", b"2", b"-", b"-"),
        (b"GET /a HTTP/1.1", b"304", b"0", b"-", b"-"),
        (b"HEAD /a HTTP/1.1", b"200", b"0", b"-", b"-")]
    assert rows[4][2].startswith(b"GET /xxx") and rows[4][3] == b"404" and int(rows[4][4]) > 0


def test_that_format_is_refused_where_there_is_no_http(tmp_path):
    path = tmp_path / "x.ini"
    path.write_text("[listener a]\nlisten = tcp:127.0.0.1:0\nservices = upper\nprotocol = line\n"
                    "log_format = combined\n")
    done = run("--check", "-c", path)
    assert done.returncode != 0 and f"{path}:5: log_format: combined is of protocol http" in (
        done.stdout + done.stderr)


def test_pipelined_requests_are_answered_in_order(serve, root):
    names = [f"/{'secret' if n % 3 else 'a'}" for n in range(300)]
    data = b"".join(b"GET %b HTTP/1.1\r\n%b\r\n" % (name.encode(), HOST) for name in names)
    assert replies(said(serve(), data)) == [
        (200, (root / name[1:]).read_bytes()) for name in names]


@pytest.mark.parametrize("step", [1, 7])
def test_requests_are_taken_however_they_are_cut(serve, step):
    data = b"HEAD /a HTTP/1.1\r\n" + HOST + b"\r\n" + GET + b"\r\n\r\n" + GET + b"Connection: close\r\n\r\n"
    with serve().connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(data), step):
            sock.sendall(data[at : at + step])
        assert replies(receive_all(sock), ("HEAD", "GET", "GET")) == [
            (200, b""), (200, b"hello"), (200, b"hello")]


@pytest.mark.parametrize("request_, header", [
    (GET + b"Connection: close\r\n\r\n", b"Connection: close"),
    (b"GET /a HTTP/1.0\r\n\r\n", b"Connection: close"),
    (b"GET /nothing HTTP/1.0\r\n\r\n", b"Connection: close"),
])
def test_a_connection_ends_as_it_was_asked_to_and_answers_nothing_more(serve, request_, header):
    data = answered(serve(), request_ + GET + b"\r\n")
    assert len(replies(data)) == 1
    assert header in data


def test_a_client_of_1_0_can_keep_its_connection(serve):
    keep = b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    data = answered(serve(), keep + b"GET /a HTTP/1.0\r\n\r\n")
    assert replies(data) == [(200, b"hello")] * 2
    assert data.count(b"Connection: keep-alive\r\n") == 1


@pytest.mark.parametrize("request_", BAD, ids=lambda data: repr(data[:40]))
def test_what_is_refused_is_told_and_ends_the_connection(serve, request_):
    data = answered(serve(), GET + b"\r\n" + request_ + GET + b"\r\n")
    first, (status, body) = replies(data)
    assert first == (200, b"hello")
    assert status == BAD[request_]
    assert body.startswith(b"%d " % status) and body.count(b"\n") == 2
    assert (b"\r\nAllow: GET, HEAD\r\n" in data) == (status == 405)


def test_who_reads_pages_gets_a_page(serve):
    data = answered(serve(), b"POST / HTTP/1.1\r\n" + HOST + b"Accept: text/html\r\n\r\n")
    head, _, page = data.partition(b"\r\n\r\n")
    assert b"Content-Type: text/html; charset=utf-8" in head
    assert b"Content-Security-Policy: default-src 'none'" in head
    assert b"<h1>405 Method Not Allowed</h1>" in page and b"<script" not in page


def test_an_error_for_head_has_no_body(serve):
    server = serve()
    for data in (b"HEAD /nothing HTTP/1.0\r\n\r\n", b"HEAD /../x HTTP/1.1\r\n\r\n",
                 b"HEAD /a HTTP/1.1\r\n" + HOST + b"X : y\r\n\r\n",
                 b"HEAD /a HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n\r\nx"):
        (status, body), = replies(answered(server, data), ("HEAD",))
        assert status in (400, 404, 413) and body == b""


SECRET = b"GET /secret HTTP/1.1\r\n" + HOST + b"\r\n"
SMUGGLED = [
    GET + b"Content-Length: %d\r\n\r\n" % len(SECRET) + SECRET,
    GET + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(SECRET) + SECRET,
    GET + b"Content-Length: 0, %d\r\n\r\n" % len(SECRET) + SECRET,
    GET + b"Content-Length : %d\r\n\r\n" % len(SECRET) + SECRET,
    GET + b"Content-Length\t: %d\r\n\r\n" % len(SECRET) + SECRET,
    GET + b"X:\r\n Content-Length: %d\r\n\r\n" % len(SECRET) + SECRET,
    GET + b"X: y\nContent-Length: %d\r\n\r\n" % len(SECRET) + SECRET,
    GET + b"X: y\rContent-Length: %d\r\n\r\n" % len(SECRET) + SECRET,
    GET + b"X: \0\r\nContent-Length: %d\r\n\r\n" % len(SECRET) + SECRET,
    GET + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(SECRET) + SECRET + b"\r\n0\r\n\r\n",
    GET + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + SECRET,
    GET + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + SECRET,
    GET + b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n" + SECRET,
    GET + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SECRET,
    b"GET /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SECRET,
    b"GET /a HTTP/1.1\r\n" + HOST + b"\n" + SECRET,
    b"GET /a HTTP/1.1\r\r\n" + HOST + b"\r\n" + SECRET,
    b"POST /a HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(SECRET) + SECRET,
    b"PUT /a HTTP/1.1\r\n" + HOST + b"\r\n" + SECRET,
    b"OPTIONS /a HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n" + SECRET,
    b"CONNECT a:80 HTTP/1.1\r\n" + HOST + b"\r\n" + SECRET,
    GET + b"Upgrade: h2c\r\nContent-Length: 1\r\n\r\n" + SECRET,
    GET + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n" + SECRET,
]


@pytest.mark.parametrize("data", SMUGGLED, ids=range(len(SMUGGLED)))
def test_what_another_server_could_take_for_two_requests_is_none(serve, data):
    reply = answered(serve(), data + GET + b"\r\n")
    (status, body), = replies(reply)
    assert 400 <= status < 600 and b"SECRET" not in reply


def test_the_host_of_an_absolute_form_stands_for_the_other(serve):
    data = b"GET http://b/a HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n"
    assert replies(answered(serve(), data)) == [(200, b"hello")]


def test_other_servers_refuse_what_is_malformed_as_well(serve, root, tmp_path):
    """nginx as an oracle: refused by both, with the same class of status."""
    need("nginx")
    (tmp_path / "nginx.conf").write_text(NGINX.format(folder=tmp_path, root=root))
    nginx = subprocess.Popen(["nginx", "-p", tmp_path, "-c", tmp_path / "nginx.conf"],
                             stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ours = serve()
    try:
        def listens():
            with socket.socket(socket.AF_UNIX) as sock:
                return sock.connect_ex(str(tmp_path / "nginx.sock")) == 0

        wait_for(listens, "nginx")
        for data, status in BAD.items():
            # It takes LF alone, an older form, and lengths of bodies; it does not count fields.
            if status in (413, 414, 431, 501) or b"HTTP/1.1\n" in data or \
                    data == b"GET /a\r\n" or b"\rZ" in data:
                continue
            theirs = said(ours, data + b"\r\n\r\n", tmp_path / "nginx.sock")
            assert theirs.split()[1][:1] == b"%d" % (status // 100), data
        for path in ("/a", "/./a", "/b/../a", "//a", "/%61", "/nothing", "/a/", "/%2e%2e/a"):
            data = b"GET %b HTTP/1.1\r\n%bConnection: close\r\n\r\n" % (path.encode(), HOST)
            theirs = said(ours, data, tmp_path / "nginx.sock")
            assert theirs.split()[1] == said(ours, data).split()[1], path
    finally:
        nginx.terminate()
        nginx.wait()


def test_a_head_that_does_not_end_is_not_waited_for(serve):
    server = serve(main={"idle_timeout": "1s"})
    with server.connect() as sock:
        end = time.monotonic() + DEADLINE_S
        for byte in (GET + b"X: " + b"y" * 10000)[:-1]:
            assert time.monotonic() < end
            try:
                sock.sendall(bytes([byte]))
            except ConnectionError:
                break
            if select.select([sock], [], [], 0.05)[0]:
                assert receive_all(sock) == b""
                break
        server.wait_log("reason=idle")


def test_long_garbage_is_refused_and_its_answer_arrives(serve):
    for data, status in ((b"A" * (1 << 20), 414), (GET + b"X: " + b"y" * (1 << 20), 431)):
        with serve().connect() as sock:
            sock.sendall(data)
            (got, _), = replies(receive_all(sock))
            assert got == status


def test_a_peer_that_speaks_tls_is_refused_at_once(serve):
    (status, _), = replies(answered(serve(), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"))
    assert status == 400


def test_who_has_no_place_is_told_so_in_http(serve):
    server = serve(daemon={"when_full": "reject"}, main={"max_clients": 1})
    with server.connect() as first:
        first.sendall(GET + b"\r\n")
        first.recv(1)
        data = answered(server, b"")
    (status, body), = replies(data)
    assert status == 503 and b"too many clients" in body
    assert b"\r\nConnection: close\r\n" in data


def test_a_long_reply_is_whole_though_the_daemon_stops(serve, root):
    size = 64 << 20
    with open(root / "large", "wb") as file:
        file.truncate(size)
    server = serve()
    with server.connect() as sock:
        sock.sendall(b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n")
        start = sock.recv(1000)
        server.signal(signal.SIGTERM)
        data = start + receive_all(sock)
    assert len(data.partition(b"\r\n\r\n")[2]) == size
    assert server.wait() == 0


def test_the_last_reply_is_whole_though_it_is_long(serve, root):
    size = 64 << 20
    with open(root / "large", "wb") as file:
        file.truncate(size)
    data = answered(serve(), b"GET /large HTTP/1.0\r\n\r\n" + GET + b"\r\n")
    assert len(data.partition(b"\r\n\r\n")[2]) == size


def test_http_needs_services_that_have_something_for_a_path(tmp_path, root):
    path = tmp_path / "http.ini"
    for services, reason in (("echo", "'echo' makes no sense with protocol http"),
                             ("files upper", "'upper' makes no sense with protocol http"),
                             ("session", "'session' makes no sense with protocol http")):
        path.write_text(config(root, main={"services": services}))
        done = run("--check", "-c", path)
        assert done.returncode == 1
        assert f"{path}:6: services: service {reason}" in done.stdout + done.stderr
    path.write_text(config(root, main={"listen": "udp:127.0.0.1:0"}))
    assert "udp: needs protocol = raw" in "".join(run("--check", "-c", path).stderr)
    path.write_text(config(root, files={"index": "a/b"}))
    assert "index: is the name of a file" in "".join(run("--check", "-c", path).stderr)
