# SPDX-License-Identifier: MIT
"""The benchmark still runs; what it measures here means nothing."""

import contextlib
import json
import os
import resource
import socket
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree
from pathlib import Path

import pytest

from conftest import POLLARD

BENCH = Path(__file__).resolve().parents[1] / "bench"
BUILD = Path(os.environ.get("POLLARD_BUILD", BENCH.parents[1]))
LOAD = BUILD / "tests/bench/load"
DESCRIPTORS = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
needs_load = pytest.mark.skipif(not LOAD.exists(), reason="tests/bench/load is not built")


def bench(tmp_path, *arguments, limit=()):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/bench").symlink_to(BUILD / "tests/bench")
    return subprocess.run(
        [*limit, BENCH / "run", "--no-install", "--rounds", "1", "--seconds", "0.2",
         "--build", tmp_path, "--pollard", POLLARD, *arguments],
        capture_output=True, text=True, timeout=120,
    )


def rows(tmp_path):
    return {row["name"]: row for row in json.loads((tmp_path / "bench.json").read_text())["rows"]}


def load(port, *arguments):
    return subprocess.run([LOAD, "--port", str(port), *arguments], capture_output=True, text=True,
                          timeout=60)


@contextlib.contextmanager
def upper_server(first_s, later_s):
    """Upper case, each connection's first answer so late, and the later ones so late."""

    def serve(sock):
        delay_s = first_s
        with sock, contextlib.suppress(OSError):
            while data := sock.recv(1 << 18):
                time.sleep(delay_s)
                sock.sendall(data.upper())
                delay_s = later_s

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@needs_load
def test_measures_pollard_beside_what_is_installed(tmp_path):
    done = bench(tmp_path, "--only", "ping-pong")
    assert done.returncode == 0, done.stderr
    assert "bare epoll" in done.stdout
    figures = rows(tmp_path)["ping-pong"]["values"][0]["figures"]
    assert figures["pollard"][0] > 0 and figures["bare epoll"][0] > 0


@needs_load
def test_loses_no_byte_in_bulk(tmp_path):
    done = bench(tmp_path, "--only", "bulk 4")
    assert done.returncode == 0, done.stderr
    assert "MB/s" in done.stdout


@needs_load
@pytest.mark.skipif(DESCRIPTORS < 9100, reason="too few descriptors")
def test_measures_sleepers_stalled_readers_and_short_commands(tmp_path):
    done = bench(tmp_path, "--only", "trickle 200 of 5000", "--only", "stalled unix",
                 "--only", "run 50")
    assert done.returncode == 0, done.stderr
    measured = rows(tmp_path)
    for row in measured.values():
        for value in row["values"]:
            assert all(figures[0] > 0 for figures in value["figures"].values()), row
    assert min(measured["run 50"]["raw"]["itself, none idle"][0].values()) >= 50
    sleepers = measured["trickle 200 of 5000"]["raw"]
    assert "pollard" in sleepers and "plain poll" in sleepers
    for one, in sleepers.values():  # the 5,000 requests before the measurement are not in it
        used_us = 1e6 * one["server_cpu"] * one["seconds"]
        assert one["cpu_us"] * one["cold"]["count"] == pytest.approx(used_us, rel=0.01)


@needs_load
def test_measures_another_daemon_beside_it_and_no_peers(tmp_path):
    other = tmp_path / "other"
    other.write_text(f"#!/bin/sh\ntouch {tmp_path}/called\nexec {POLLARD} \"$@\"\n")
    other.chmod(0o755)
    done = bench(tmp_path, "--only", "RESP 16", "--before", other)
    assert done.returncode == 0, done.stderr
    assert set(rows(tmp_path)["RESP 16"]["raw"]) == {"pollard, RESP", "before, pollard, RESP"}
    assert (tmp_path / "called").exists()


@needs_load
def test_leaves_out_rows_that_want_more_descriptors_than_there_are(tmp_path):
    done = bench(tmp_path, "--only", "trickle 2000", limit=["prlimit", "--nofile=5000:5000"])
    assert done.returncode == 0, done.stderr
    assert "trickle 2000: left out, it takes 10100 descriptors of 5000" in done.stderr
    assert rows(tmp_path) == {}


def test_names_the_rows_when_asked_for_one_that_is_not_there(tmp_path):
    done = bench(tmp_path, "--only", "nonsense")
    assert done.returncode != 0
    assert "no such row" in done.stderr


@needs_load
@pytest.mark.parametrize("kind, first_s, later_s", [
    ("hot", 0.5, 0), ("hot", 0, 0.5), ("connect", 0.5, 0), ("bulk", 0.5, 0),
])
def test_a_server_that_is_slow_to_answer_has_figures(kind, first_s, later_s):
    with upper_server(first_s, later_s) as port:
        done = load(port, f"--{kind}", "3", "--seconds", "0.1")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["first_answer"].startswith("ABCDE")
    assert result[kind]["mb_s" if kind == "bulk" else "rate"] > 0


@needs_load
def test_a_sleeper_asks_whether_or_not_the_last_was_answered():
    with upper_server(0, 0.5) as port:
        done = load(port, "--idle", "50", "--rate", "200", "--seconds", "1")
    assert done.returncode == 0, done.stderr
    cold = json.loads(done.stdout)["cold"]
    assert cold["count"] > 10  # one after another they would be two
    assert cold["median_us"] > 450000


@needs_load
def test_stalled_clients_that_are_cut_off_are_no_measurement(pollard):
    server = pollard(main={"write_timeout": "1s"})
    done = load(server.port(), "--hot", "1", "--stalled", "5", "--seconds", "3")
    assert done.returncode == 1
    assert "stalled" in done.stderr


def test_draws_throughput_and_latency_over_idle_connections(monkeypatch):
    monkeypatch.syspath_prepend(BENCH)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    import report

    counts = (0, 1000, 10000)
    names = [f"idle {n}" for n in counts] + ["trickle 200 of 100", "trickle 200"]
    figures = {label: [1234.5] for label in report.COLOURS}
    plot = xml.etree.ElementTree.fromstring(report.svg(
        {"rows": [{"name": name, "values": [{"figures": figures}]} for name in names]}))
    words = [text.text for text in plot.iter("{http://www.w3.org/2000/svg}text")]
    for once in (*report.COLOURS, "requests a second", "median latency, ms", "100"):
        assert words.count(once) == 1, words
    assert words.count("10,000") == 2 and words.count("idle connections") == 2
