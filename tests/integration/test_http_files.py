# SPDX-License-Identifier: MIT
"""Files over http, as stock clients fetch them."""

import email.utils
import gzip
import hashlib
import html.parser
import http.client
import os
import random
import socket
import subprocess
import urllib.parse
import wave

import pytest
from conftest import DEADLINE_S, need, receive_all, wait_for
from talk import open_files
from test_http import GET, HOST, answered, config, replies, said

NAMES = [b"a b", b"a%20b", b"%", b"#1", b"?x=y", b"a&amp;b", b"<b>", b'"quoted"', b"it's", b"a:b",
         b"\\back", b"new\nline", b"tab\t", "größe.txt".encode(), b"\xff\xfe no utf-8", b"-dash",
         b"~tilde", b"+plus;semi,comma@", b"C:", b"http:", b"index.htm", b"\x7f", b"a" * 255]


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def serve(pollard, root):
    def start(main=None, **files):
        return pollard(config(root, main=main, files=files))

    return start


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def ask(server, path, method="GET", **headers):
    """The reply, with its body and its fields."""
    client = http.client.HTTPConnection("127.0.0.1", server.port(), timeout=DEADLINE_S)
    client.request(method, path, headers={name.replace("_", "-"): value
                                          for name, value in headers.items()})
    reply = client.getresponse()
    reply.body = reply.read()
    client.close()
    return reply


def url(server, path=""):
    return f"http://127.0.0.1:{server.port()}/{path}"


def curl(*arguments, **options):
    need("curl")
    return subprocess.run(["curl", "-sS", "--max-time", "60", *map(str, arguments)],
                          capture_output=True, **options)


# ---- bytes ----


@pytest.mark.parametrize("size", [0, 1, 32767, 32768, 32769, 102400, 5_000_000])
def test_a_file_arrives_as_it_is(serve, root, size):
    (root / "file.bin").write_bytes(noise(size))
    server = serve()
    reply = ask(server, "/file.bin")
    assert (reply.status, reply.body) == (200, noise(size))
    assert int(reply.getheader("Content-Length")) == size
    assert ask(server, "/file.bin", "HEAD").getheader("Content-Length") == str(size)
    two = said(server, (b"GET /file.bin HTTP/1.1\r\n" + HOST + b"\r\n") * 2)
    assert replies(two) == [(200, noise(size))] * 2


def test_what_there_is_to_know_of_a_file(serve, root):
    (root / "a.html").write_text("<p>")
    (root / "a.unknown").write_text("?")
    os.utime(root / "a.html", (784111777, 784111777))
    server = serve()
    reply = ask(server, "/a.html")
    assert reply.getheader("Content-Type") == "text/html; charset=utf-8"
    assert reply.getheader("Last-Modified") == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert reply.getheader("Accept-Ranges") == "bytes"
    etag = reply.getheader("ETag")
    assert etag.startswith('"') and etag.endswith('"')
    assert reply.getheader("Content-Security-Policy") is None
    assert ask(server, "/a.unknown").getheader("Content-Type") == "application/octet-stream"
    (root / "a.html").write_text("<b>")
    os.utime(root / "a.html", (784111777, 784111777))
    assert ask(server, "/a.html").getheader("ETag") == etag  # nothing but its ctime tells
    os.utime(root / "a.html", (784111777, 784111778))
    assert ask(server, "/a.html").getheader("ETag") != etag


def test_what_a_client_has_is_not_sent_again(serve, root):
    (root / "a").write_bytes(b"hello")
    server = serve()
    reply = ask(server, "/a")
    etag, date = reply.getheader("ETag"), reply.getheader("Last-Modified")
    for headers in ({"If_None_Match": etag}, {"If_None_Match": f'"x", W/{etag}'},
                    {"If_Modified_Since": date}):
        reply = ask(server, "/a", **headers)
        assert (reply.status, reply.body, reply.getheader("ETag")) == (304, b"", etag)
        assert ask(server, "/a", "HEAD", **headers).status == 304
    assert ask(server, "/a", If_None_Match='"x"', If_Modified_Since=date).status == 200
    assert ask(server, "/a", If_Match=etag).status == 200
    assert ask(server, "/a", If_Match='"x"').status == 412
    assert ask(server, "/a", If_Unmodified_Since=date).status == 200
    assert ask(server, "/a", If_Unmodified_Since=email.utils.formatdate(1, usegmt=True)).status == 412
    two = b"GET /a HTTP/1.1\r\n%bIf-None-Match: %b\r\n\r\n" % (HOST, etag.encode())
    assert replies(said(server, two + GET + b"\r\n")) == [(304, b""), (200, b"hello")]


def test_a_part_of_a_file_is_sent_as_asked(serve, root):
    data = noise(200_000)
    (root / "a").write_bytes(data)
    server = serve()
    etag = ask(server, "/a").getheader("ETag")
    for text, first, end in (("0-0", 0, 1), ("199999-", 199_999, 200_000), ("-5", 199_995, 200_000),
                             ("100-150099", 100, 150_100), ("5-999999999999999999999", 5, 200_000)):
        for headers in ({}, {"If_Range": etag}):
            reply = ask(server, "/a", Range=f"bytes={text}", **headers)
            assert (reply.status, reply.body) == (206, data[first:end])
            assert reply.getheader("Content-Range") == f"bytes {first}-{end - 1}/200000"
            assert reply.getheader("ETag") == etag
    for text in ("0-1,5-6", "5-4", "x"):
        reply = ask(server, "/a", Range=f"bytes={text}")
        assert (reply.status, reply.body) == (200, data)
    assert ask(server, "/a", Range="bytes=5-6", If_Range='"x"').body == data
    assert ask(server, "/a", "HEAD", Range="bytes=5-6").status == 200
    reply = ask(server, "/a", Range="bytes=200000-")
    assert reply.status == 416 and reply.getheader("Content-Range") == "bytes */200000"


def test_a_file_may_have_more_than_4_gib(serve, root):
    size = 5 << 30
    with open(root / "huge", "wb") as file:
        file.truncate(size)
        os.pwrite(file.fileno(), b"the end", size - 7)
    server = serve()
    assert ask(server, "/huge", "HEAD").getheader("Content-Length") == str(size)
    reply = ask(server, "/huge", Range=f"bytes={size - 100000}-")
    assert reply.status == 206 and reply.body == bytes(99993) + b"the end"
    assert reply.getheader("Content-Range") == f"bytes {size - 100000}-{size - 1}/{size}"


# ---- stock clients ----


def test_curl_continues_a_download(serve, root, tmp_path):
    data = noise(3_000_000)
    (root / "a").write_bytes(data)
    server, to = serve(), tmp_path / "to"
    for have in (0, 1_000_000, 2_999_999):
        to.write_bytes(data[:have])
        assert curl("-f", "-C", "-", "-o", to, url(server, "a")).returncode == 0
        assert to.read_bytes() == data


def test_wget_continues_a_download_and_leaves_what_it_has(serve, root, tmp_path):
    need("wget")
    data = noise(3_000_000)
    (root / "a").write_bytes(data)
    server, to = serve(), tmp_path / "a"

    def wget(*options):
        return subprocess.run(["wget", "--tries=1", "--timeout=20", *options, url(server, "a")],
                              cwd=tmp_path, capture_output=True, text=True, env={"LC_ALL": "C",
                              "PATH": os.environ["PATH"], "no_proxy": "*"})

    for have in (1_000_000, 3_000_000):
        to.write_bytes(data[:have])
        assert wget("-c").returncode == 0
        assert to.read_bytes() == data
    to.unlink()
    assert wget().returncode == 0 and to.read_bytes() == data
    done = wget("-N")
    assert done.returncode == 0 and "304 Not Modified" in done.stderr


def test_curl_asks_for_what_is_newer_by_date_and_by_tag(serve, root, tmp_path):
    (root / "a").write_text("hello")
    server = serve()
    for _ in range(2):
        done = curl("--etag-save", tmp_path / "tag", "--etag-compare", tmp_path / "tag", "-w",
                    "%{http_code}", url(server, "a"))
    assert done.stdout == b"304"
    assert curl("-z", root / "a", "-w", "%{http_code}", url(server, "a")).stdout == b"304"


def test_apt_installs_from_a_flat_repository(serve, root, tmp_path):
    need("apt-get", "dpkg-deb")
    (tmp_path / "deb" / "DEBIAN").mkdir(parents=True)
    (tmp_path / "deb" / "DEBIAN" / "control").write_text(
        "Package: pollard-test\nVersion: 1.0\nArchitecture: all\nMaintainer: N <n@example.org>\n"
        "Description: nothing\n")
    package = root / "pollard-test_1.0_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tmp_path / "deb", package], check=True,
                   stdout=subprocess.DEVNULL)
    data = package.read_bytes()
    control = (tmp_path / "deb" / "DEBIAN" / "control").read_text()
    packages = (f"{control}Filename: ./{package.name}\nSize: {len(data)}\n"
                f"SHA256: {hashlib.sha256(data).hexdigest()}\n\n").encode()
    (root / "Packages").write_bytes(packages)
    (root / "Release").write_text(
        f"Date: {email.utils.formatdate(usegmt=True)}\nSHA256:\n"
        f" {hashlib.sha256(packages).hexdigest()} {len(packages)} Packages\n")
    server, base = serve(), tmp_path / "apt"
    for folder in ("lists/partial", "cache/archives/partial", "etc", "dpkg", "parts"):
        (base / folder).mkdir(parents=True)
    (base / "dpkg" / "status").touch()
    (base / "sources.list").write_text(f"deb [trusted=yes] {url(server)} ./\n")
    options = {"Dir::Etc": base / "etc", "Dir::Etc::SourceList": base / "sources.list",
               "Dir::Etc::SourceParts": base / "parts", "Dir::State": base, "Dir::State::Lists":
               base / "lists", "Dir::State::Status": base / "dpkg/status", "Dir::Cache": base /
               "cache", "APT::Sandbox::User": "root", "Acquire::http::Proxy": "false",
               "Debug::NoLocking": "1", "APT::Architecture": "amd64",
               "APT::Get::List-Cleanup": "0"}

    def apt(*arguments):
        flags = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
        done = subprocess.run(["apt-get", *flags, *arguments], cwd=tmp_path, text=True,
                              capture_output=True, env={**os.environ, "LC_ALL": "C",
                                                        "APT_CONFIG": "/dev/null"})
        assert done.returncode == 0 and "Err:" not in done.stdout, done.stdout + done.stderr
        return done.stdout

    assert "Get:" in apt("update")
    assert " Release" in next(line for line in apt("update").splitlines() if line[:4] == "Hit:")
    apt("download", "pollard-test")
    assert (tmp_path / package.name).read_bytes() == data


def test_a_browser_seeks_in_what_it_plays(serve, root, tmp_path):
    need("chromium")
    with wave.open(str(root / "long.wav"), "wb") as sound:
        sound.setparams((2, 2, 48000, 0, "NONE", ""))
        for _ in range(300):  # seconds; 58 MB
            sound.writeframes(bytes(4 * 48000))
    with socket.create_server(("127.0.0.1", 0)) as told:
        told.settimeout(60)
        (root / "index.html").write_text(
            "<!DOCTYPE html><script>const a = new Audio('long.wav'); a.preload = 'metadata';"
            "const tell = text => { new Image().src ="
            f" 'http://127.0.0.1:{told.getsockname()[1]}/' + text }};"
            "a.onloadedmetadata = () => { a.currentTime = 250 };"
            "a.onseeked = () => tell('at-' + a.currentTime);"
            "a.onerror = () => tell('error-' + a.error.message);</script>")
        server = serve()
        browser = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--mute-audio",
             "--disable-dev-shm-usage", f"--user-data-dir={tmp_path / 'profile'}", url(server)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with told.accept()[0] as sock:
                assert sock.recv(1000).startswith(b"GET /at-250 ")
        finally:
            browser.terminate()
            browser.wait()
    server.stop()
    assert int(server.log().split("bytes_out=")[1].split()[0]) < 50_000_000


# ---- names, folders ----


class Links(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links = []
        self.scripts = 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.scripts += tag == "script"
        self.links += [value for key, value in attrs if key == "href"]


def test_each_name_of_a_folder_has_a_link_that_works(serve, root):
    folder = os.fsencode(root / "sub")
    os.mkdir(folder)
    for name in NAMES:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(name)
    os.mkdir(os.path.join(folder, b"a folder"))
    (root / "sub" / "link").symlink_to("#1")
    (root / "sub" / ".hidden").touch()
    (root / "sub" / "broken").symlink_to("nothing")
    (root / "sub" / "out").symlink_to("/etc/passwd")
    os.mkfifo(root / "sub" / "fifo")
    server = serve(listing="yes")
    reply = ask(server, "/sub/")
    assert reply.getheader("Content-Type") == "text/html; charset=utf-8"
    assert "default-src 'none'" in reply.getheader("Content-Security-Policy")
    page = Links(reply.body.decode(errors="replace"))
    up, *links = page.links
    assert up == "../" and page.scripts == 0
    assert links[0] == "./a%20folder/"
    found = {}
    for link in links[1:]:
        there = urllib.parse.urljoin(url(server, "sub/"), link)
        assert there.startswith(url(server, "sub/"))
        reply = ask(server, urllib.parse.urlsplit(there).path)
        assert reply.status == 200, link
        found[reply.body] = link
    assert set(found) == set(NAMES)
    assert len(links) == len(NAMES) + 2
    names = [urllib.parse.unquote_to_bytes(link) for link in links[1:]]
    assert names == sorted(names)


def test_a_list_has_sizes_and_dates(serve, root):
    (root / "a").write_bytes(bytes(1234567))
    os.utime(root / "a", (784111777, 784111777))
    page = ask(serve(listing="yes"), "/").body.decode()
    assert "1.2 MiB" in page and "1994-11-06 08:49" in page and "../" not in page
    assert '<meta name="viewport"' in page


def test_a_folder_is_its_index_or_its_list_or_nothing(serve, root):
    (root / "with").mkdir()
    (root / "with" / "index.html").write_text("index")
    (root / "without").mkdir()
    (root / "other").mkdir()
    (root / "other" / "start.txt").write_text("start")
    server = serve()
    assert ask(server, "/with/").body == b"index"
    assert ask(server, "/without/").status == 404
    assert ask(server, "/nothing/").status == 404
    assert ask(serve(index="start.txt"), "/other/").body == b"start"
    listing = serve(listing="yes")
    assert ask(listing, "/with/").body == b"index"
    assert b"start.txt" in ask(listing, "/other/").body
    assert ask(listing, "/nothing/").status == 404
    head = ask(listing, "/other/", "HEAD")
    assert head.body == b"" and int(head.getheader("Content-Length")) > 100


def test_a_folder_without_its_slash_is_elsewhere(serve, root):
    (root / "a b%").mkdir()
    (root / "evil.example").mkdir()
    (root / "\\evil").mkdir()
    server = serve(listing="yes")
    for path, location in (("/a%20b%25", "/a%20b%25/"), ("//evil.example", "/evil.example/"),
                           ("/./evil.example?x=y", "/evil.example/"), ("/%5Cevil", "/%5Cevil/"),
                           ("/%2fevil.example", "/evil.example/")):
        reply = ask(server, path)
        assert (reply.status, reply.getheader("Location")) == (301, location)
    assert curl("-L", "-w", "%{http_code}", "-o", "/dev/null",
                url(server, "a%20b%25")).stdout == b"200"


def test_what_is_not_served_is_told_nothing_of(serve, root, tmp_path):
    (tmp_path / "secret").write_text("SECRET")
    (root / ".hidden").write_text("SECRET")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("SECRET")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "up").symlink_to("..")
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(root / "socket"))
    server = serve(listing="yes")
    for path, status in (("/.hidden", 404), ("/.git/config", 404), ("/.git/", 404), ("/.git", 404),
                         ("/out", 403), ("/up/secret", 403), ("/up/", 403), ("/fifo", 403),
                         ("/socket", 403), ("/%2ehidden", 404), ("/x/%2e%2e/.hidden", 404),
                         ("/..%2fsecret", 400), ("/%2e%2e%2fsecret", 400), ("/..\\secret", 404),
                         ("/" + "a" * 300, 404), ("/" + "a/" * 2500, 404), ("/a%0d%0ab: c", 404)):
        data = answered(server, b"GET %b HTTP/1.0\r\n\r\n" % path.encode().replace(b" ", b"%20"))
        (got, body), = replies(data)
        assert got == status, path
        assert b"SECRET" not in body and str(tmp_path).encode() not in body
    assert b"SECRET" in ask(serve(hidden="yes"), "/.hidden").body


def test_a_large_folder_is_read_in_steps(serve, root):
    for n in range(12000):
        (root / f"{n:05}").touch()
    server = serve(listing="yes")
    page = ask(server, "/").body
    assert b"There is more" in page and len(page) < 2 << 20
    with server.connect() as sock:  # one that is asked for and not waited for
        sock.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
    assert ask(server, "/00000").status == 200
    wait_for(lambda: open_files(server.pid).count(str(root)) == 1, "end of the reading")


# ---- precompressed ----


def test_what_is_precompressed_is_sent_to_who_takes_it(serve, root):
    (root / "a.txt").write_text("plain")
    (root / "a.txt.gz").write_bytes(gzip.compress(b"plain"))
    (root / "a.txt.br").write_bytes(b"brotli")
    (root / "b.txt").write_text("plain")
    (root / "c.txt").write_text("new")
    (root / "c.txt.gz").write_bytes(gzip.compress(b"old"))
    os.utime(root / "c.txt.gz", (1, 1))
    (root / "d.txt.gz").write_bytes(gzip.compress(b"alone"))
    server = serve(precompressed="yes")
    for path, accept, encoding, body in (
            ("/a.txt", "gzip, br", "br", b"brotli"), ("/a.txt", "gzip", "gzip", None),
            ("/a.txt", "br;q=0, gzip", "gzip", None), ("/a.txt", "identity", None, b"plain"),
            ("/b.txt", "gzip, br", None, b"plain"), ("/c.txt", "gzip", None, b"new")):
        reply = ask(server, path, Accept_Encoding=accept)
        assert (reply.status, reply.getheader("Content-Encoding")) == (200, encoding)
        assert body is None or reply.body == body
        assert reply.getheader("Vary") == "Accept-Encoding"
        assert reply.getheader("Content-Type") == "text/plain; charset=utf-8"
    assert len({ask(server, "/a.txt", Accept_Encoding=accept).getheader("ETag")
                for accept in ("br", "gzip", "identity")}) == 3
    assert ask(server, "/d.txt", Accept_Encoding="gzip").status == 404
    assert ask(server, "/d.txt.gz").getheader("Content-Encoding") is None
    assert curl("--compressed", "-H", "Accept-Encoding: gzip", url(server, "a.txt")).stdout == b"plain"
    reply = ask(serve(), "/a.txt", Accept_Encoding="gzip, br")
    assert reply.getheader("Content-Encoding") is None and reply.getheader("Vary") is None


# ---- what changes meanwhile ----


def test_what_is_served_is_what_is_there(serve, root, tmp_path):
    """Replaced, rewritten, removed, hidden behind a link: the next request knows."""
    server = serve()
    path = root / "sub" / "a"
    path.parent.mkdir()
    client = http.client.HTTPConnection("127.0.0.1", server.port(), timeout=DEADLINE_S)

    def get():
        client.request("GET", "/sub/a")
        reply = client.getresponse()
        return reply.read() if reply.status == 200 else (reply.read(), reply.status)[1]

    for n in range(20):
        path.write_text(f"first {n}")
        assert get() == f"first {n}".encode()
        (root / "new").write_text(f"second {n}")
        (root / "new").rename(path)
        assert get() == f"second {n}".encode()
        path.unlink()
        assert get() == 404
        path.mkdir()
        assert get() == 301
        path.rmdir()
        path.symlink_to("/etc/passwd")
        assert get() == 403
        path.unlink()
    path.write_text("inside")
    assert get() == b"inside"
    path.parent.rename(tmp_path / "moved")
    assert get() == 404
    path.parent.symlink_to(tmp_path / "moved")
    assert get() == 403  # the same file, and the way to it leads out
    client.close()


def test_a_file_that_becomes_shorter_ends_the_connection(serve, root):
    with open(root / "a", "wb") as file:
        file.truncate(256 << 20)
    with serve().connect() as sock:
        sock.sendall(GET + b"\r\n")
        sock.recv(1000)
        os.truncate(root / "a", 0)
        assert len(receive_all(sock)) < 256 << 20


def test_files_that_are_not_asked_for_any_more_are_let_go_of(serve, root):
    for n in range(200):
        (root / f"{n}").write_bytes(bytes(100))
    server = serve()
    client = http.client.HTTPConnection("127.0.0.1", server.port(), timeout=DEADLINE_S)
    for n in range(200):
        client.request("GET", f"/{n}")
        assert len(client.getresponse().read()) == 100
        held = [name for name in open_files(server.pid) if name.startswith(f"{root}/")]
        assert len(held) <= 64
    client.close()
    wait_for(lambda: not [name for name in open_files(server.pid)
                          if name.startswith(f"{root}/")], "end of all files")


def test_the_log_has_the_bytes_of_a_body_without_its_head_though_it_is_made_in_steps(serve, root):
    for number in range(9000):
        (root / f"{number}").touch()
    server = serve(main={"log_requests": "yes", "log_format": "combined"}, listing="yes")
    page = ask(server, "/").body
    server.wait_log(f'"GET / HTTP/1.1" 200 {len(page)} ')
