"""A person's own environment: found, read once, refused in one line; and this host as a place of a command."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from bench.engine.present import existing
from bench.engine.present.existing import Content, Found, environment_of, find_interpreter, parse_content, read_conda
from bench.engine.present.host_place import host_place, is_host
from bench.engine.protocol import Need
from bench.errors import NotMeasured, UsageError

FOUND = Found(Path("/env/bin/python"), (3, 12, 1), "3.12.1 (main)", Path("/env"), ("/env/lib",))
CONTENT = Content({"numpy": "2.1", "pytest": "8"}, {"mkl": "2024.1 h5", "numpy": "2.1 py_0"}, None, None, "--x", ())


@pytest.fixture
def venv(tmp_path):
    (tmp_path / "env" / "bin").mkdir(parents=True)
    python = tmp_path / "env" / "bin" / "python"
    python.write_text("#!/bin/sh\nexit 3\n")
    python.chmod(0o755)
    return python


def test_an_interpreter_is_found_by_path_folder_or_what_is_active(venv, tmp_path):
    assert find_interpreter(str(venv)) == venv
    assert find_interpreter(str(venv.parent.parent)) == venv
    assert find_interpreter(".", {"VIRTUAL_ENV": str(tmp_path / "env")}) == venv
    assert find_interpreter(".", {"CONDA_PREFIX": str(tmp_path / "env")}) == venv
    assert find_interpreter(".", {"PATH": str(venv.parent)}) == venv
    assert find_interpreter(".", {"PATH": ""}) == Path(sys.executable)


@pytest.mark.parametrize("word", ["nothing/python", "."])
def test_what_is_no_interpreter_is_refused(word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        find_interpreter(str(tmp_path / word))


def test_one_that_does_not_answer_is_named(venv):
    with pytest.raises(NotMeasured, match="does not answer as a Python"):
        existing.ask(venv)


@pytest.fixture
def answering(monkeypatch):
    """Interpreters that answer without being started; returns how often each question was asked."""
    asked = []

    def answer(path, question):
        asked.append(question)
        if question == existing._WHERE:
            return '[[3, 12, 1], "3.12.1", "/env", []]'
        return '{"packages": {"numpy": "2.1"}, "torch": null, "build": "", "local": ["pkg"]}'

    monkeypatch.setattr(existing, "_answer", answer)
    return asked


def test_an_environment_is_read_once(answering, venv, tmp_path):
    need = Need("small", program="true", python=str(venv))
    said = []
    places = [existing.existing_environment(need, said.append, tmp_path / "cache") for _ in range(2)]
    assert answering.count(existing._WHAT) == 1
    assert len(said) == 1
    assert places[0].environment == places[1].environment
    assert places[0].environment.note.startswith("an existing")
    assert places[0].path.startswith(str(venv.parent))
    assert [(place.has_own, place.own) for place in places] == [(True, ("pkg",))] * 2


def test_one_without_pytest_or_torch_is_refused_in_a_line_that_says_what_to_do(answering, venv, tmp_path):
    with pytest.raises(NotMeasured, match="has no pytest and no torch"):
        existing.existing_environment(Need("cpu", python=str(venv)), print, tmp_path)
    with pytest.raises(NotMeasured, match="has no pytest; install it there"):
        existing.existing_environment(Need("small", python=str(venv)), print, tmp_path)


def test_without_pip_the_line_names_what_installs_without_it(answering, venv, tmp_path, monkeypatch):
    need = Need("small", python=str(venv))
    with pytest.raises(NotMeasured, match=f"uv pip install --python {venv} pytest"):
        existing.existing_environment(need, print, tmp_path)
    monkeypatch.setattr(existing, "read_content", lambda *_: msgspec.structs.replace(CONTENT, packages={"pip": "25"}))
    with pytest.raises(NotMeasured, match=f"{venv} -m pip install pytest"):
        existing.existing_environment(need, print, tmp_path)


def test_a_name_is_found_as_a_shell_would_and_no_word_is_none(venv, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_interpreter(venv.name, {"PATH": str(venv.parent)}) == venv
    with pytest.raises(UsageError, match="is not there"):
        find_interpreter(venv.name, {"PATH": str(tmp_path / "none")})
    with pytest.raises(UsageError, match="--python is empty"):
        find_interpreter("")


@pytest.mark.parametrize(("answer", "said"), [("hi", "it printed 'hi'"), ("", "it printed nothing")])
def test_a_program_that_is_no_python_is_quoted(monkeypatch, venv, answer, said):
    monkeypatch.setattr(existing, "_answer", lambda *_: answer)
    with pytest.raises(NotMeasured, match=said):
        existing.ask(venv)


def test_one_that_is_too_old_is_refused(monkeypatch, venv, tmp_path):
    monkeypatch.setattr(existing, "_answer", lambda *_: '[[3, 9, 18], "3.9.18", "/env", []]')
    with pytest.raises(NotMeasured, match=r"is Python 3\.9\.18: the supervisor needs 3\.10"):
        existing.existing_environment(Need("small", python=str(venv)), print, tmp_path)


def test_packages_decide_the_fingerprint_and_conda_s_own_are_among_them():
    one = environment_of(FOUND, CONTENT)
    assert one.packages == {"mkl": "2024.1 h5", "numpy": "2.1", "pytest": "8"}
    assert "conda" in one.note
    other = environment_of(FOUND, msgspec.structs.replace(CONTENT, conda={"mkl": "2025.0 h6"}))
    assert other.fingerprint != one.fingerprint


def test_conda_s_packages_are_read_from_its_files(tmp_path):
    (tmp_path / "conda-meta").mkdir()
    for name in ("mkl-2024.1-h5_0.json", "intel-openmp-2024.1-h5.json", "history", "odd.json"):
        (tmp_path / "conda-meta" / name).touch()
    assert read_conda(tmp_path) == {"intel-openmp": "2024.1 h5", "mkl": "2024.1 h5_0"}
    assert read_conda(tmp_path / "none") == {}


@pytest.mark.parametrize("text", ["", "[]", '{"packages": 3, "torch": null, "build": "", "local": ["pkg"]}'])
def test_an_answer_that_is_none_is_an_error(text):
    with pytest.raises(NotMeasured):
        parse_content(text, {})


def test_what_is_asked_is_answered_by_a_real_python():
    answers = [
        subprocess.run([sys.executable, "-c", one], capture_output=True, text=True, check=True).stdout
        for one in (existing._WHAT,)
    ]
    assert "pytest" in parse_content(answers[0], {}).packages


def test_a_command_runs_on_the_host_as_it_is(tmp_path, monkeypatch):
    program = tmp_path / "prog"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    one = host_place("prog")
    program.write_text("#!/bin/sh\nsleep 1\n")
    two = host_place("prog")
    assert one.environment.fingerprint != two.environment.fingerprint
    assert (one.environment.python, one.has_python, one.path) == (None, False, f"{tmp_path}:/bin")
    assert host_place("nosuch").environment.fingerprint is None
    assert is_host(Need("small", program="x"))
    assert not is_host(Need("cpu", program="x"))
    assert not is_host(Need("small"))


def test_modules_that_come_from_folders_of_this_machine_are_known(tmp_path, monkeypatch):
    """A folder that an editable install puts on the path, and a package that was installed from a folder."""
    (tmp_path / "lib" / "beside").mkdir(parents=True)
    (tmp_path / "lib" / "wave.py").touch()
    packages = tmp_path / "site-packages"
    for name, address in (("from-here", "file:///x"), ("from-there", "https://x")):
        about = packages / f"{name}.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Name: {name}\nVersion: 1\n")
        (about / "direct_url.json").write_text(f'{{"url": "{address}"}}')
        (about / "top_level.txt").write_text("inner\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'lib'}:{packages}")
    content = parse_content(existing._answer(Path(sys.executable), existing._WHAT), {})
    assert {"beside", "inner", "from_here"} <= set(content.local)
    assert "from_there" not in content.local
    assert not {"lib", "run", "home", "wave"} & set(content.local), "neither the root folder nor the standard library"
