# SPDX-License-Identifier: MIT
"""The service metrics: what it tells, as Prometheus and a browser take it."""

import base64
import hashlib
import http.client
import json
import re
import signal
import socket
import struct
import subprocess
import urllib.parse
import zlib
from pathlib import Path

import pytest
from conftest import DEADLINE_S, ini, need, run, wait_for
from talk import pack

DOCS = Path(__file__).resolve().parents[2] / "docs"
STATUS = {"protocol": "http", "services": "metrics", "allow": "127.0.0.1"}
RESP = {"protocol": "resp", "services": "upper commands", "allow": "127.0.0.1"}
COMMANDS = """\
[command ok]
exec = /bin/true
[command fails]
exec = /bin/false
[command ends]
exec = /bin/sh -c 'kill -USR1 $$'
[command lasts]
exec = /bin/sleep 60
timeout = 1s
[command waits]
exec = /bin/sleep 60
max_running = 1
max_waiting = 1
"""
SERIES = re.compile(r"^([a-z_]+(?:\{[^}]*\})?) (\S+)$", re.M)


@pytest.fixture
def serve(pollard):
    """One with a listener that tells, and a few to tell of."""
    def start(status=None, **more):
        sections = {"status": {**STATUS, **(status or {})}, "main": {}, "resp": RESP, **more}
        return pollard(ini(**sections) + COMMANDS)

    return start


def get(server, path="/metrics", method="GET", listener="status", **headers):
    """The response, and its body as text."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port(listener), DEADLINE_S)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response, text


def figures(server):
    return {name: float(value) for name, value in SERIES.findall(get(server)[1])}


def ask_resp(server, *words):
    """The first line of the reply."""
    with server.connect("resp") as sock:
        sock.sendall(pack(*words))
        return sock.makefile("rb").readline().decode().strip()


# Figures


def test_what_happens_is_counted_by_listener_and_verb(serve):
    server = serve()
    with server.connect("main") as sock:
        sock.sendall(b"abc")
        assert sock.recv(3) == b"ABC"
        assert ask_resp(server, "UPPER", "x") == "$1"
        assert ask_resp(server, "UPPER", "y") == "$1"
        assert ask_resp(server, "NONSENSE").startswith("-ERR")
        now = wait_for(lambda: (f := figures(server))[
            'pollard_listener_connections_ended_total{listener="resp",reason="eof"}'] == 3 and f,
            "end of three")
    seconds = 'pollard_request_duration_seconds_count{listener="%s",verb="%s"}'
    assert now[seconds % ("main", "upper")] == 1
    assert now[seconds % ("resp", "UPPER")] == 2
    assert now[seconds % ("resp", "other")] == 1
    assert now[seconds % ("resp", "RUN")] == 0
    assert now['pollard_listener_clients{listener="main"}'] == 1
    assert now['pollard_listener_received_bytes_total{listener="main"}'] == 3
    assert now['pollard_listener_sent_bytes_total{listener="main"}'] == 3
    assert now["pollard_error_replies_total"] == 1
    assert now["pollard_clients"] == 2
    assert now["pollard_max_clients"] > 2
    assert now["pollard_loop_turn_seconds_count"] > 0
    assert now["pollard_watches{state=\"hot\"}"] > 0


def test_the_time_of_a_request_is_no_longer_than_its_client_waited(serve):
    server = serve()
    with server.connect("main") as sock:
        sock.sendall(b"abc")
        assert sock.recv(3) == b"ABC"
    assert ask_resp(server, "RUN", "lasts") == "*14"
    now = figures(server)
    spent = 'pollard_request_duration_seconds_sum{listener="%s",verb="%s"}'
    assert 0 < now[spent % ("main", "upper")] < DEADLINE_S
    assert 1 <= now[spent % ("resp", "RUN")] < DEADLINE_S


def test_commands_are_counted_by_outcome(serve):
    server = serve()
    for name in ("ok", "ok", "fails", "ends", "lasts"):
        ask_resp(server, "RUN", name)
    callers = [server.connect("resp") for _ in range(3)]
    for caller in callers:
        caller.sendall(pack("RUN", "waits"))
    runs = 'pollard_command_runs_total{command="%s",outcome="%s"}'
    jobs = 'pollard_command_jobs{command="waits",state="%s"}'
    now = wait_for(lambda: (f := figures(server))[runs % ("waits", "busy")] == 1 and f, "BUSY")
    assert (now[jobs % "running"], now[jobs % "waiting"]) == (1, 1)
    assert now[runs % ("ok", "ok")] == 2
    assert now[runs % ("fails", "failed")] == 1
    assert now[runs % ("ends", "signal")] == 1
    assert now[runs % ("lasts", "timeout")] == 1
    assert now['pollard_command_duration_seconds_count{command="ok"}'] == 2
    assert 1 <= now['pollard_command_duration_seconds_sum{command="lasts"}'] < DEADLINE_S
    for caller in callers:
        caller.close()
    wait_for(lambda: (f := figures(server))[jobs % "running"] == 0
             and f[jobs % "waiting"] == 0 and f[runs % ("waits", "signal")] >= 1, "end of them")


def test_a_reload_counts_on(serve):
    server = serve()
    ask_resp(server, "UPPER", "x")
    ask_resp(server, "RUN", "ok")
    text = ini(status=STATUS, resp={**RESP, "idle_timeout": "7s"}, new={}) + COMMANDS
    server.reload(text)
    server.wait_log("reloaded ")
    ask_resp(server, "UPPER", "x")
    now = figures(server)
    assert now['pollard_request_duration_seconds_count{listener="resp",verb="UPPER"}'] == 2
    assert now['pollard_command_runs_total{command="ok",outcome="ok"}'] == 1
    assert now['pollard_reloads_total{outcome="applied"}'] == 1
    assert now['pollard_listener_clients{listener="new"}'] == 0
    assert 'pollard_listener_clients{listener="main"}' not in now
    server.reload("[nonsense]\n")
    server.wait_log("not_reloaded ")
    now = figures(server)
    assert now['pollard_reloads_total{outcome="refused"}'] == 1
    assert now["pollard_last_reload_successful"] == 0


def test_a_listener_that_went_and_came_back_is_there_once(serve):
    """One of its connections has outlived it."""
    server = serve()
    text = Path(server.path).read_text()
    with server.connect("main") as sock:
        sock.sendall(b"abc")
        assert sock.recv(3) == b"ABC"
        for count, new in ((1, ini(status=STATUS)), (2, text)):
            server.reload(new)
            server.wait_log("reloaded ", count=count)
        names = [name for name, _ in SERIES.findall(get(server)[1])]
        assert len(names) == len(set(names))
        assert figures(server)['pollard_listener_received_bytes_total{listener="main"}'] == 3


def test_no_peer_makes_a_new_series(serve):
    server = serve()
    before = figures(server).keys()
    with server.connect("resp") as sock:
        for i in range(300):
            sock.sendall(pack(f"VERB{i}"))
        reader = sock.makefile("rb")
        for _ in range(300):
            assert reader.readline().startswith(b"-ERR")
    get(server, "/nothing?x=1")
    assert figures(server).keys() == before


def test_what_sigusr1_logs_is_the_same(serve):
    server = serve()
    ask_resp(server, "UPPER", "x")
    server.signal(signal.SIGUSR1)
    said = dict(re.findall(r" ([a-z_]+)=(\d+)", server.wait_log("stats ")))
    now = figures(server)
    assert int(said["accepted"]) <= now["pollard_connections_accepted_total"]
    assert int(said["configured_at"]) == now["pollard_config_timestamp_seconds"]
    assert int(said["max_clients"]) == now["pollard_max_clients"]


def test_the_process_is_told_of_as_the_kernel_has_it(serve):
    server = serve()
    now = figures(server)
    assert abs(now["process_resident_memory_bytes"] / 1024 - server.rss()) < 4096
    limit = re.search(r"Max open files +(\d+)", Path(f"/proc/{server.pid}/limits").read_text())[1]
    assert now["process_max_fds"] == int(limit)
    open_fds = len(list(Path(f"/proc/{server.pid}/fd").iterdir()))
    assert abs(now["process_open_fds"] - open_fds) < 5
    assert figures(server)["process_start_time_seconds"] == now["process_start_time_seconds"]


# How it is asked


def test_a_head_has_no_body_and_a_page_is_of_now(serve):
    server = serve()
    for path in ("/metrics", "/"):
        response, text = get(server, path, "HEAD")
        assert (response.status, text) == (200, "")
        assert response.headers["Cache-Control"] == "no-store"
        assert int(response.headers["Content-Length"]) > 1000
    assert get(server, "/metrics/")[0].status == 404
    assert get(server, "/metricsx")[0].status == 404


@pytest.mark.parametrize("accept, kind", [
    (None, "text/plain; version=0.0.4"),
    ("text/plain", "text/plain; version=0.0.4"),
    ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text"),
    ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "application/openmetrics-text"),
    ("application/openmetrics-text;q=0, */*", "text/plain; version=0.0.4"),
])
def test_the_format_is_the_one_that_is_accepted(serve, accept, kind):
    response, text = get(serve(), **({"Accept": accept} if accept else {}))
    assert response.headers["Content-Type"].startswith(kind)
    assert text.endswith("# EOF\n") == kind.startswith("application/openmetrics")


@pytest.mark.parametrize("keys, mistake", [
    ({"allow": None}, "needs an allow list"),
    ({"protocol": "resp"}, "makes no sense with protocol resp"),
    ({"protocol": "raw"}, "makes no sense with protocol raw"),
])
def test_where_it_cannot_be_is_an_error(tmp_path, keys, mistake):
    wanted = {key: value for key, value in {**STATUS, **keys}.items() if value}
    path = tmp_path / "pollard.ini"
    path.write_text(ini(status=wanted))
    done = run("--check", "-c", path)
    assert done.returncode != 0 and mistake in done.stdout + done.stderr


def test_who_is_not_allowed_sees_nothing(serve):
    server = serve(status={"allow": "192.0.2.1"})
    with server.connect("status") as sock:
        try:
            sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            assert sock.recv(1) == b""
        except ConnectionResetError:
            pass


def test_files_and_figures_are_asked_in_their_order(pollard, tmp_path):
    (tmp_path / "notes.txt").write_text("content")
    text = ini(status={**STATUS, "services": "metrics files"})
    server = pollard(text + f"[service files]\nroot = {tmp_path}\n")
    assert get(server, "/notes.txt")[1] == "content"
    assert get(server, "/notes.txt", "HEAD")[1] == ""
    assert get(server, "/nothing")[0].status == 404
    assert get(server, "/")[1].startswith("<!DOCTYPE html>")
    now = figures(server)
    seconds = 'pollard_request_duration_seconds_count{listener="status",verb="%s"}'
    assert now[seconds % "files"] == 2
    assert now[seconds % "other"] == 1
    assert now[seconds % "metrics"] == 1
    assert now["pollard_files_sent_total"] == 1
    assert now["pollard_error_replies_total"] == 1


def test_files_and_digests_are_counted_however_large(pollard, tmp_path):
    (tmp_path / "small").write_bytes(b"content")
    (tmp_path / "large").write_bytes(b"x" * 100_000)
    text = ini(status=STATUS, resp={**RESP, "services": "files"})
    server = pollard(text + f"[service files]\nroot = {tmp_path}\n")
    for words in (("GET", "small"), ("GET", "large"), ("GETRANGE", "large", "0", "9"),
                  ("SHA256", "small"), ("SHA256", "small")):
        assert ask_resp(server, *words).startswith("$")
    now = figures(server)
    assert now["pollard_files_sent_total"] == 3
    assert now['pollard_digests_total{source="file"}'] == 1
    assert now['pollard_digests_total{source="memory"}'] == 1


# Prometheus


def promtool(*arguments, **more):
    need("promtool")
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True,
                          timeout=4 * DEADLINE_S, **more)


def test_promtool_has_nothing_to_say(serve):
    server = serve()
    ask_resp(server, "RUN", "ok")
    done = promtool("check", "metrics", input=get(server)[1])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture
def prometheus(tmp_path):
    """Starts one that scrapes a port each second; returns what asks it for an expression."""
    need("prometheus")
    started = []

    def start(port, rules):
        config = tmp_path / "prometheus.yml"
        config.write_text(json.dumps({  # which is YAML
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)],
            "scrape_configs": [{"job_name": "pollard", "static_configs": [
                {"targets": [f"127.0.0.1:{port}"]}]}]}))
        own = free_port()
        started.append(subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path}/data",
             f"--web.listen-address=127.0.0.1:{own}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

        def api(path):
            connection = http.client.HTTPConnection("127.0.0.1", own, timeout=DEADLINE_S)
            try:
                connection.request("GET", f"/api/v1/{path}")
                return json.load(connection.getresponse())["data"]
            except (OSError, ValueError):  # not yet
                return None
            finally:
                connection.close()

        return api

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_prometheus_scrapes_it(serve, prometheus):
    server = serve()
    ask_resp(server, "UPPER", "x")
    api = prometheus(server.port("status"), DOCS / "alerts.yml")

    def value(expression):
        data = api("query?query=" + urllib.parse.quote(expression))
        return float(data["result"][0]["value"][1]) if data and data["result"] else None

    wait_for(lambda: value('up{job="pollard"}') == 1, "scrape", 4 * DEADLINE_S)
    assert value('pollard_request_duration_seconds_count{listener="resp",verb="UPPER"}') == 1
    assert value('pollard_request_duration_seconds_bucket{verb="UPPER",le="60.0"}') == 1
    assert value("pollard_max_clients") > 0
    assert value('count({__name__=~"pollard_.*"})') > 200
    [target] = api("targets")["activeTargets"]
    assert target["lastError"] == ""
    kinds = {name: said[0]["type"] for name, said in api("metadata").items()
             if name.startswith("pollard_")}
    assert kinds["pollard_clients"] == "gauge"
    assert kinds["pollard_request_duration_seconds"] == "histogram"
    assert len(api("rules")["groups"][0]["rules"]) == 10


def test_the_alerting_rules_do_what_they_say():
    assert promtool("check", "rules", DOCS / "alerts.yml").returncode == 0
    done = promtool("test", "rules", DOCS / "alerts_test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def names_of(text):
    return set(re.findall(r"\b(?:pollard|process)_[a-z_]+", text))


def families_of(server):
    families = {name.partition("{")[0] for name in figures(server)}
    return families | {name.removesuffix("_bucket") for name in families}


@pytest.mark.parametrize("file", ["alerts.yml", "alerts_test.yml", "grafana.json"])
def test_what_is_looked_at_is_there(serve, file):
    text = (DOCS / file).read_text()
    assert names_of(text)
    assert names_of(text) <= families_of(serve())


def test_the_dashboard_asks_what_prometheus_understands(tmp_path):
    dashboard = json.loads((DOCS / "grafana.json").read_text())
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(panels) > 15
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": [
        {"record": f"expr{i}", "expr": expr.replace("$__rate_interval", "1m")}
        for i, expr in enumerate(expressions)]}]}))
    done = promtool("check", "rules", rules)
    assert done.returncode == 0, done.stdout + done.stderr


# The page


def test_a_browser_is_told_of_the_one_style_that_the_page_has(serve):
    response, page = get(serve(), "/")
    [style] = re.findall(r"<style>(.*?)</style>", page, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = response.headers["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"


def pixels(path):
    """The bytes of a pixel and the rows of a PNG of eight bits."""
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    channels = {2: 3, 6: 4}[kind]
    at, packed = 8, b""
    while at < len(data):
        size, = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + size]
        at += size + 12
    raw, line, rows = zlib.decompress(packed), width * channels, []
    before = bytearray(line)
    for y in range(height):
        filtered = raw[y * (line + 1)]
        row = bytearray(raw[y * (line + 1) + 1 : (y + 1) * (line + 1)])
        for x in range(line) if filtered else ():
            left = row[x - channels] if x >= channels else 0
            corner = before[x - channels] if x >= channels else 0
            guess = (0, left, before[x], (left + before[x]) // 2,
                     paeth(left, before[x], corner))[filtered]
            row[x] = (row[x] + guess) & 255
        rows.append(row)
        before = row
    assert depth == 8
    return channels, rows


def paeth(left, above, corner):
    guess = left + above - corner
    return min((left, above, corner), key=lambda at: abs(guess - at))


@pytest.mark.parametrize("scheme, ground", [(1, (0xF5, 0xF7, 0xF6)), (0, (0x12, 0x17, 0x16))],
                         ids=["light", "dark"])
def test_a_browser_draws_it(serve, tmp_path, scheme, ground):
    """Chromium, with its own rules for what a page may use; the ground is that of the style."""
    need("chromium")
    server = serve()
    ask_resp(server, "UPPER", "x")
    shot = tmp_path / "page.png"
    wait_for(lambda: "h0" in get(server, "/")[1], "sample")
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         "--window-size=600,500", f"--user-data-dir={tmp_path}/browser",
         f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={shot}",
         f"http://127.0.0.1:{server.port('status')}/"],
        capture_output=True, text=True, timeout=8 * DEADLINE_S)
    assert shot.exists(), done.stderr
    channels, rows = pixels(shot)
    assert tuple(rows[1][channels : channels + 3]) == ground
    assert len({tuple(row[at : at + 3]) for row in rows
                for at in range(0, len(row), channels)}) > 50  # text, and lines of charts


def test_the_page_shows_what_the_figures_say(serve):
    server = serve()
    ask_resp(server, "RUN", "fails")
    page = get(server, "/")[1]
    for part in ("<b>main</b>", "upper commands (resp)", "<b>fails</b>", "failed, ", "127.0.0.1",
                 "Requests", "Latency", "Refusals"):
        assert part in page
    assert '<meta http-equiv="refresh"' in page


def test_names_from_the_configuration_are_shown_as_they_are(pollard, tmp_path):
    """A path of a socket may have anything in it."""
    path = tmp_path / "<b>&x"
    server = pollard(status=STATUS, main={"listen": f"unix:{path}"})
    page = get(server, "/")[1]
    assert "&lt;b&gt;&amp;x" in page
    assert "<b>&x" not in page
