# SPDX-License-Identifier: MIT
"""pollcat's command line completed, by itself and by the shells that ask it."""

import os
import pty
import re
import select
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

import booted as system
from conftest import DEADLINE_S, need
from test_pollcat import POLLCAT
from test_pollcat_requests import Files, server  # noqa: F401

TOP = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(not os.access(POLLCAT, os.X_OK), reason=f"{POLLCAT} is not built")

NAMES = ("one", "two", "folder/", "with space", "with'quote", "a:b", "a=b")


class Answers(Files):
    """What begins like the word, in one page, as the server has it in one folder."""

    def scan(self, session, cursor, *options):
        self.page = 1000
        match = dict(zip(options[::2], options[1::2]))["MATCH"]
        prefix = re.sub(r"\\(.)", r"\1", match.removesuffix("*"))
        names = [n for n in sorted(self.files) if n.startswith(prefix)]
        return b"*2\r\n$1\r\n0\r\n*%d\r\n" % len(names) + b"".join(
            b"$%d\r\n%b\r\n" % (len(n), n.encode()) for n in names)


@pytest.fixture
def files(server):
    return server(Answers(**{name: b"" for name in NAMES}))


@pytest.fixture
def path(tmp_path, monkeypatch):
    """pollcat by its name, in an empty folder with two files."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pollcat").symlink_to(Path(POLLCAT).resolve())
    here = tmp_path / "here"
    here.mkdir()
    (here / "local file").touch()
    (here / "lone").touch()
    monkeypatch.chdir(here)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    return tmp_path


def ask(line):
    """What pollcat itself says of a line: its status and the words."""
    done = subprocess.run([POLLCAT, "--complete", line], capture_output=True, timeout=DEADLINE_S)
    assert done.stderr == b""
    return done.returncode, [word.split("\t")[0] for word in done.stdout.decode().splitlines()]


@pytest.mark.parametrize("typed, words", [
    ("pollcat A r", ["run"]),
    ("pollcat -R A c", ["commands", "call"]),
    ("pollcat A get --", ["--output", "--resume", "--verify", "--help"]),
    ("pollcat A get x --v", ["--verify"]),
    ("pollcat A ls --j", ["--json"]),
    ("pollcat A run --j", ["--json"]),
    ("pollcat A run d", ["disk", "date"]),
    ("pollcat A run --json da", ["date"]),
    ("pollcat A run disk d", []),
    ("pollcat A run disk --j", []),
    ("pollcat A run -- d", ["disk", "date"]),
    ("pollcat A get o", ["one"]),
    ("pollcat A get one t", ["two"]),
    ("pollcat A get -o x o", ["one"]),
    ("pollcat A get --output=x o", ["one"]),
    ("pollcat A get -ox o", ["one"]),
    ("pollcat A get -- --", []),
    ("pollcat A get with\\ s", ["with space"]),
    ("pollcat A get 'with s", []),
    ("pollcat A ls f", ["folder/"]),
    ("pollcat A call st", ["stat", "stream"]),
    ("pollcat A call STAT o", ["one"]),
    ("pollcat A call RUN d", ["disk", "date"]),
    ("pollcat A commands d", []),
    ("pollcat A nonsense d", []),
    ("pollcat --completion ", ["bash", "fish", "zsh"]),
    ("pollcat --completion=z", ["--completion=zsh"]),
    ("pollcat --newl", ["--newline"]),
    ("pollcat -", None),
    ("pollcat ", ["ping"]),
    ("pollcat", []),
    ("", []),
])
def test_pollcat_knows_what_may_follow(files, typed, words):
    status, found = ask(typed.replace(" A ", f" {files.address} "))
    if words is None:  # each option that the help has
        text = subprocess.run([POLLCAT, "--help"], capture_output=True, text=True).stdout
        words = re.findall(r"^  (?:-., |    )(--[a-z]+)", text, re.M)
        assert len(words) >= 5
    assert (status, sorted(found)) == (0, sorted(words))


def test_a_name_that_would_be_an_option_is_completed_behind_what_ends_options(server):
    files = server(Answers(**{"--output=x": b"", "-": b"", "one": b""}))
    assert ask(f"pollcat {files.address} get ") == (0, ["-", "one"])
    assert ask(f"pollcat {files.address} get one ") == (0, ["-", "one"])
    assert ask(f"pollcat {files.address} get -- ") == (0, ["-", "--output=x", "one"])
    assert ask(f"pollcat {files.address} get -- --o") == (0, ["--output=x"])
    assert ask(f"pollcat {files.address} call GET ") == (0, ["-", "--output=x", "one"])


def test_an_address_may_be_a_name_or_left_out(files, tmp_path, monkeypatch):
    (tmp_path / "pollcat").write_text(f"[server]\naddress = {files.address}\n"
                                      "[service]\naddress = unix:/none\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert ask("pollcat ") == (0, ["ping", "server", "service"])
    assert ask("pollcat serv") == (0, ["server", "service"])
    assert ask("pollcat server r") == (0, ["run"])
    assert ask("pollcat server get on") == (0, ["one"])
    assert ask("pollcat get on") == (0, [])
    monkeypatch.setenv("POLLCAT_ADDRESS", "server")
    assert ask("pollcat g") == (0, ["get"])
    assert ask("pollcat get on") == (0, ["one"])
    assert ask("pollcat service get on") == (0, [])


def test_ping_has_options_of_its_own(files):
    assert ask("pollcat p") == (0, ["ping"])
    status, words = ask("pollcat ping --")
    assert status == 0 and "--count" in words and "--resp" not in words
    assert ask("pollcat ping h") == ask("pollcat ping host ") == (0, [])


@pytest.mark.parametrize("typed", ["get x -o ", "get -o x -o l", "get --output l", "get --output=l"])
def test_where_a_file_of_this_machine_is_meant_the_shell_is_told(files, typed):
    assert ask(f"pollcat {files.address} {typed}") == (3, [])
    assert files.requests == []


@pytest.mark.parametrize("address", ["udp:127.0.0.1:9", "nonsense", "127.0.0.1:none", "unix:/none"])
def test_a_server_that_cannot_be_asked_is_passed_over(address):
    assert ask(f"pollcat {address} get ") == (0, [])


def test_nobody_is_asked_by_a_datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        assert ask(f"pollcat udp:127.0.0.1:{sock.getsockname()[1]} get ") == (0, [])
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            sock.recv(1)


def test_a_server_that_says_nothing_is_given_up(server):
    assert ask(f"pollcat {server(lambda *words: None).address} get ") == (0, [])


NAMELESS = """
import socket, subprocess, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.1", 53))
subprocess.run([sys.argv[1], "--complete", "pollcat host.example:1 get "], check=True)
assert sock.recv(1000)
print("asked")
"""


def test_names_that_nobody_answers_for_are_given_up(tmp_path):
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:5\n")
    (tmp_path / "nsswitch.conf").write_text("hosts: dns\n")
    inside = ["unshare", "-rmn", "sh", "-ec", "ip link set lo up; cd $1; shift; "
              "for file in *.conf; do mount --bind $file /etc/$file; done; exec \"$@\"", "sh"]
    trial = subprocess.run([*inside, str(tmp_path), "true"], capture_output=True)
    if trial.returncode != 0:
        pytest.skip(f"no namespaces here: {trial.stderr.decode().strip()}")
    done = subprocess.run([*inside, str(tmp_path), "/usr/bin/python3", "-c", NAMELESS, POLLCAT],
                          capture_output=True, text=True, timeout=25)
    assert (done.stdout, done.stderr) == ("asked\n", "")


def test_each_word_that_has_a_help_is_explained():
    done = subprocess.run([POLLCAT, "--complete", "pollcat A "], capture_output=True, text=True)
    assert "run\trun a command on the server\n" in done.stdout


def test_a_shell_that_is_not_known_is_refused():
    done = subprocess.run([POLLCAT, "--completion", "csh"], capture_output=True)
    assert (done.returncode, done.stdout) == (2, b"")
    assert re.fullmatch(rb"pollcat: .+bash.+\n", done.stderr)


# The shells


def shell(*command, **kwargs):
    done = subprocess.run(command, capture_output=True, text=True, timeout=3 * DEADLINE_S, **kwargs)
    assert done.stderr == "", done
    return done.stdout


BASH = """
compopt() { [[ $2 == default ]] && files=yes || nospace=yes; }
%s
COMP_LINE=$1 COMP_POINT=${#1}
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_pollcat pollcat "${COMP_WORDS[COMP_CWORD]}" ""
printf '%%s\\n' "${COMPREPLY[@]}" "files=$files" "nospace=$nospace"
"""


def bash(line, *words, script='eval "$(pollcat --completion bash)"'):
    *found, files, nospace = shell("bash", "--norc", "-c", BASH % script, "bash", line,
                                   *words).splitlines()
    return [word for word in found if word], files == "files=yes", nospace == "nospace=yes"


def split(line):
    """As bash does: at blanks, and at what COMP_WORDBREAKS has."""
    words = re.findall(r"(?:\\.|[^\s:=])+|[:=]", line)
    return words + [""] if line.endswith(" ") else words


@pytest.mark.parametrize("typed, expected", [
    ("co", (["commands"], False, False)),
    ("run d", (["disk", "date"], False, False)),
    ("get o", (["one"], False, False)),
    ("get with\\ s", (["with\\ space"], False, False)),
    ("get with\\'", (["with\\'quote"], False, False)),
    ("get a:", (["b"], False, False)),
    ("get a=", (["b"], False, False)),
    ("ls fol", (["folder/"], False, True)),
    ("get --re", (["--resume"], False, False)),
    ("get -o l", ([], True, False)),
    ("get --output=l", ([], True, False)),
    ("get none", ([], False, False)),
])
def test_bash_completes(files, path, typed, expected):
    need("bash")
    line = f"pollcat {files.address} {typed}"
    found, *rest = bash(line, *split(line))
    assert (sorted(found), *rest) == (sorted(expected[0]), *expected[1:])


def test_bash_completes_what_stands_behind_an_equals_sign(path):
    need("bash")
    for typed in ("=", "=z"):
        line = f"pollcat --completion{typed}"
        words = ["bash", "fish", "zsh"] if typed == "=" else ["zsh"]
        assert bash(line, *split(line))[0] == words


def test_bash_takes_what_is_installed(files, path):
    need("bash")
    line = f"pollcat {files.address} run d"
    script = f"source {TOP}/completions/pollcat"
    assert bash(line, *split(line), script=script)[0] == ["date", "disk"]


class Typing:
    """A shell at a terminal of its own: what a person sees who presses Tab."""

    def __init__(self, *command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="dumb", PS1="ready> ", PROMPT="ready> ")
            os.execvp(command[0], command)
        self.text = ""

    def type(self, text):
        os.write(self.fd, text.encode())

    def expect(self, pattern):
        until = time.monotonic() + 3 * DEADLINE_S
        while not re.search(pattern, self.text):
            ready, _, _ = select.select([self.fd], [], [], max(0, until - time.monotonic()))
            assert ready, f"no {pattern!r} in {self.text!r}"
            self.text += os.read(self.fd, 65536).decode(errors="replace")
        self.text = re.split(pattern, self.text, maxsplit=1)[-1]

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def typing():
    started = []

    def start(*command):
        need(command[0])
        started.append(Typing(*command))
        return started[-1]

    yield start
    for each in started:
        each.close()


SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(pollcat --completion bash)"'),
    "zsh": (["zsh", "-f", "-i"],
            'autoload -U compinit && compinit -u -D && eval "$(pollcat --completion zsh)"'),
}


@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.parametrize("typed, words", [
    ("run dis\t", ["run", "disk"]),
    ("get with\\ s\t", ["get", "with space"]),
    ("get --veri\tone", ["get", "--verify", "one"]),
    ("ls fol\tx", ["ls", "folder/x"]),
    ("get one -o lon\t", ["get", "one", "-o", "lone"]),
    ("comm\t--js\t", ["commands", "--json"]),
])
def test_tab_completes_in_a_shell(files, path, typing, name, typed, words):
    command, script = SHELLS[name]
    session = typing(*command)
    session.type("PS1='re''ady> '\n")
    session.expect("ready> ")
    session.type(f"{script}; echo lo''aded\n")
    session.expect("loaded")
    session.type("show() { printf '<%s>' \"${@:3}\"; echo '!'; }\n")
    session.expect("ready> ")
    session.type(f"pollcat {files.address} {typed}\x01show \n")
    session.expect("".join(f"<{re.escape(word)}>" for word in words) + "!")


def test_zsh_takes_what_is_installed(files, path, typing):
    session = typing("zsh", "-f", "-i")
    session.type(f"fpath=({TOP}/completions $fpath); autoload -U compinit; compinit -u -D; "
                 "echo lo''aded\n")
    session.expect("loaded")
    session.type(f"pollcat {files.address} run dis\t\x01echo \n")
    session.expect(r"\npollcat \S+ run disk")


def fish(line, script="pollcat --completion fish | source"):
    need("fish")
    return shell("fish", "--no-config", "-c", f"{script}; complete -C $argv[1]", line).splitlines()


@pytest.mark.parametrize("typed, words", [
    ("co", ["commands\tlist the commands that may be run"]),
    ("run d", ["date", "disk"]),
    ("get o", ["one"]),
    ("get with\\ s", ["with space"]),
    ("ls fol", ["folder/"]),
    ("get --re", ["--resume\tgo on where an earlier download ended"]),
    ("get -o lon", ["lone"]),
    ("get --output=lon", ["--output=lone"]),
    ("get none", []),
])
def test_fish_completes(files, path, typed, words):
    assert sorted(fish(f"pollcat {files.address} {typed}")) == words


def test_fish_takes_what_is_installed(files, path):
    script = f"source {TOP}/completions/pollcat.fish"
    assert fish(f"pollcat {files.address} run dis", script) == ["disk"]


# Installation

SEARCHED = {
    "pollcat": ("bash", "echo /usr/local/share/bash-completion/completions "
                        "/usr/share/bash-completion/completions"),
    "_pollcat": ("zsh", "echo $fpath"),
    "pollcat.fish": ("fish", "echo /usr/local/share/fish/vendor_completions.d $fish_complete_path"),
}


@pytest.mark.parametrize("name", SEARCHED)
def test_it_is_installed_where_the_shell_looks(tmp_path, monkeypatch, name):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    program, command = SEARCHED[name]
    need(program)
    system.make("install", tmp_path)
    [file] = [path for path in tmp_path.rglob(name) if path.parent.name != "bin"]
    folder = "/" + str(file.parent.relative_to(tmp_path))
    if not folder.startswith(("/usr/share/", "/usr/local/share/")):
        pytest.skip(f"this build is not for a prefix that {program} knows")
    options = {"bash": [], "zsh": ["-f"], "fish": []}[program]
    assert folder in shell(program, *options, "-c", command).split()
    assert file.read_text() == (TOP / "completions" / name).read_text()
    system.make("uninstall", tmp_path)
    assert not file.exists()
