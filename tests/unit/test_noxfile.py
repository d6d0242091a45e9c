"""The sessions of everyday work, with a stand-in for nox: what each installs."""

import importlib.util
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Session:
    """Keeps what a session would install and run."""

    def __init__(self, *posargs):
        self.posargs = list(posargs)
        self.installed = []
        self.ran = []

    def install(self, *words):
        self.installed.append(words)

    def run(self, *words, **_):
        self.ran.append(words)


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
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
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


def test_unit_leaves_out_the_diagnostics_alone(sessions):
    session = Session()
    sessions["unit"](session)
    crowd, alone = session.ran
    assert crowd[-2:] == alone[-2:] == ("--ignore=tests/unit/diagnostics", "tests/unit")
    assert crowd[3:5] == ("-n", "auto")
    assert (crowd[5:7], alone[3:5]) == (("-m", "not timed"), ("-m", "timed"))


def test_a_session_of_tests_passes_its_arguments_on(sessions):
    for name in ("unit", "tests"):
        session = Session("tests/unit/catalog", "-x")
        sessions[name](session)
        assert session.ran == [("python", "-m", "pytest", "tests/unit/catalog", "-x")]
