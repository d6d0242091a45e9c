"""The sessions of everyday work, with a stand-in for nox: what each installs. What pre-commit does is the same."""

import importlib.util
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "tests/unit"
TIMED = re.compile(r"^ *(?:@|pytestmark = \[?)pytest\.mark\.timed\b", re.MULTILINE)


class Session:
    """Keeps what a session would install and run."""

    def __init__(self, *posargs):
        self.posargs = list(posargs)
        self.bin = "venv/bin"
        self.installed = []
        self.ran = []
        self.env = []

    def install(self, *words):
        self.installed.append(words)

    def run(self, *words, env=None):
        self.ran.append(words)
        self.env.append(env or {})


@pytest.fixture
def sessions(monkeypatch):
    """The sessions of the noxfile by their names."""
    found = {}

    def session(function=None, *, name=None, **_):
        def keep(made):
            found[name or made.__name__] = made
            return made

        return keep if function is None else keep(function)

    fake = SimpleNamespace(session=session, Session=Session, options=SimpleNamespace())
    monkeypatch.setitem(sys.modules, "nox", fake)
    spec = importlib.util.spec_from_file_location("noxfile", ROOT / "noxfile.py")
    fake.noxfile = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fake.noxfile)
    return found


@pytest.mark.parametrize("name", ["lint", "types", "imports", "unit"])
def test_what_a_change_has_to_pass_first_needs_no_torch(sessions, name):
    session = Session()
    sessions[name](session)
    locks = [words[-1] for words in session.installed]
    assert locks
    for lock, words in zip(locks, session.installed, strict=True):
        assert "--require-hashes" in words
        assert not re.search(r"^torch==", (ROOT / lock).read_text(), re.MULTILINE), lock
    assert session.ran


def test_temporary_files_of_unit_tests_lie_in_memory_if_there_is_room(sessions, monkeypatch, tmp_path):
    noxfile = sys.modules["nox"].noxfile
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(noxfile, "MEMORY", tmp_path)
    states = {"room": (4 << 20, 0), "full": (1, 0), "no programs": (4 << 20, os.ST_NOEXEC)}
    for state, (free, flags) in states.items():
        found = SimpleNamespace(f_bavail=free, f_frsize=4096, f_flag=flags)
        monkeypatch.setattr("os.statvfs", lambda _, found=found: found)
        session = Session()
        sessions["unit"](session)
        assert ["TMPDIR" in env for env in session.env] == [state == "room", False], state
        assert list(tmp_path.iterdir()) == [], "it is removed at the end"
    monkeypatch.setenv("TMPDIR", "/var/tmp")
    session = Session()
    sessions["unit"](session)
    assert not any("TMPDIR" in env for env in session.env), "what somebody chose holds"


def test_unit_leaves_out_the_diagnostics_alone(sessions):
    session = Session()
    sessions["unit"](session)
    crowd, alone = session.ran
    assert crowd[3:5] == ("-n", str(len(os.sched_getaffinity(0)) + 1))
    assert crowd[-4:] == ("-m", "not timed or cpu_time", "--ignore=tests/unit/diagnostics", "tests/unit")
    assert alone[3:6] == ("-m", "timed and not cpu_time", "--ignore=tests/unit/diagnostics")


@pytest.mark.parametrize("name", ["unit", "tests"])
def test_each_test_that_promises_a_time_is_in_a_file_that_is_named(sessions, name):
    session = Session()
    sessions[name](session)
    marked = {str(path.relative_to(ROOT)) for path in UNIT.rglob("*.py") if TIMED.search(path.read_text())}
    assert {word for word in session.ran[1] if word.endswith(".py")} == marked
    assert len(marked) > 10


def test_a_session_of_tests_passes_its_arguments_on(sessions):
    for name in ("unit", "tests"):
        session = Session("tests/unit/catalog", "-x")
        sessions[name](session)
        assert session.ran == [("python", "-m", "pytest", "tests/unit/catalog", "-x")]


def test_the_lowest_versions_take_the_place_of_the_locked_ones(sessions):
    session = Session()
    sessions["lowest"](session)
    resolve, *tests = session.ran
    assert resolve[4:6] == ("--resolution", "lowest-direct")
    assert resolve[-3:] == ("pyproject.toml", "-o", "venv/lowest.txt")
    assert session.installed[-1][-2:] == ("-r", "venv/lowest.txt")
    unit = Session()
    sessions["unit"](unit)
    assert tests == unit.ran


def test_what_is_linted_before_a_commit_is_what_is_linted_after_it(sessions):
    """Each hook is a command of the sessions, in the version of their lock."""
    session = Session()
    for name in ("lint", "imports"):
        sessions[name](session)
    lock = dict(re.findall(r"^([a-z-]+)==(\S+)", (ROOT / "requirements/lint.txt").read_text(), re.MULTILINE))
    (repository,) = YAML(typ="safe", pure=True).load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    hooks = {
        hook["entry"].partition(" --force-exclude")[0]: hook["additional_dependencies"] for hook in repository["hooks"]
    }
    # A hook is given the files, and may mend their format.
    commands = {" ".join(word for word in words if word not in {".", "--check"}) for words in session.ran}
    assert (repository["repo"], set(hooks)) == ("local", commands)
    for (dependency,) in hooks.values():
        package, version = dependency.split("==")
        assert lock[package] == version
