# SPDX-License-Identifier: MIT
"""The benchmark still runs; what it measures here means nothing."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from conftest import POLLARD

RUN = Path(__file__).resolve().parents[1] / "bench" / "run"
BUILD = Path(os.environ.get("POLLARD_BUILD", RUN.parents[2]))


def bench(tmp_path, *arguments):
    if not (BUILD / "tests/bench/load").exists():
        pytest.skip("tests/bench/load is not built")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/bench").symlink_to(BUILD / "tests/bench")
    return subprocess.run(
        [RUN, "--no-install", "--rounds", "1", "--seconds", "0.2", "--build", tmp_path,
         "--pollard", POLLARD, *arguments],
        capture_output=True, text=True, timeout=120,
    )


def test_measures_pollard_beside_what_is_installed(tmp_path):
    done = bench(tmp_path, "--only", "ping-pong")
    assert done.returncode == 0, done.stderr
    assert "bare epoll" in done.stdout
    row, = json.loads((tmp_path / "bench.json").read_text())["rows"]
    figures = row["values"][0]["figures"]
    assert figures["pollard"][0] > 0 and figures["bare epoll"][0] > 0


def test_loses_no_byte_in_bulk(tmp_path):
    done = bench(tmp_path, "--only", "bulk 4")
    assert done.returncode == 0, done.stderr
    assert "MB/s" in done.stdout


def test_names_the_rows_when_asked_for_one_that_is_not_there(tmp_path):
    done = bench(tmp_path, "--only", "nonsense")
    assert done.returncode != 0
    assert "no such row" in done.stderr
