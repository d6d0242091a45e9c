import sys
from pathlib import Path

import pytest

from bench.engine.local import find_python as module
from bench.engine.local.find_python import (
    Python,
    ask,
    candidates,
    find_python,
    install,
    parse_answer,
    present,
    pyenv_versions,
)
from bench.errors import NotMeasured


def fake_python(path, numbers):
    """A command that answers as a Python of that version would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = f'[[{", ".join(map(str, numbers))}], "{".".join(map(str, numbers))} (main)", "/prefix"]'
    path.write_text(f"#!/bin/sh\necho '{text}'\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A host with an old Python of its own, and nothing else."""
    monkeypatch.setattr(module.sys, "version_info", (3, 10, 7, "final", 0))
    return {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path / "home")}


def test_the_running_python_serves_where_it_is_the_wanted_one(monkeypatch):
    monkeypatch.setattr(module, "WANTED", sys.version_info[:2])
    found = find_python(print, None, {"PATH": ""})
    assert found.numbers[:2] == sys.version_info[:2]
    assert found.version == sys.version
    assert found.note is None


def test_one_that_only_pyenv_knows_is_found(nowhere, tmp_path):
    """Its command on the path fails, as pyenv's does for a version that is not switched on."""
    shim = tmp_path / "bin" / "python3.13"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    path = fake_python(tmp_path / "home" / ".pyenv" / "versions" / "3.13.0" / "bin" / "python", (3, 13, 0))
    assert find_python(print, None, nowhere) == Python(path, (3, 13, 0), "3.13.0 (main)")


def test_the_newest_of_pyenvs_comes_first(tmp_path):
    for name in ("3.13.2", "3.13.10", "3.13.0", "3.12.1", "3.13.1t"):
        (tmp_path / "versions" / name).mkdir(parents=True)
    paths = pyenv_versions((3, 13), {"PYENV_ROOT": str(tmp_path), "HOME": "/nowhere"})
    assert [Path(path).parts[-3] for path in paths][:3] == ["3.13.10", "3.13.2", "3.13.0"]


def test_one_on_the_path_is_found(nowhere, tmp_path):
    path = fake_python(tmp_path / "bin" / "python3.13", (3, 13, 5))
    assert find_python(print, None, nowhere).path == path


def test_one_that_uv_knows_is_found(nowhere, tmp_path):
    path = fake_python(tmp_path / "managed" / "python", (3, 13, 5))
    uv = tmp_path / "uv"
    uv.write_text(f"#!/bin/sh\necho {path}\n")
    uv.chmod(0o755)
    assert find_python(print, str(uv), nowhere).path == path


def test_one_that_is_here_is_told_without_installing_any(nowhere, tmp_path):
    uv = tmp_path / "uv"
    uv.write_text(f"#!/bin/sh\necho $@ >> {tmp_path}/asked\nexit 2\n")
    uv.chmod(0o755)
    assert present(str(uv), nowhere) is None
    assert "install" not in (tmp_path / "asked").read_text()
    path = fake_python(tmp_path / "bin" / "python3.13", (3, 13, 5))
    assert present(str(uv), nowhere) == Python(path, (3, 13, 5), "3.13.5 (main)")


def test_uv_is_asked_to_install_one_and_else_the_nearest_serves(nowhere, tmp_path):
    fake_python(tmp_path / "bin" / "python3.11", (3, 11, 7))
    nearest = fake_python(tmp_path / "bin" / "python3.12", (3, 12, 1))
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\nexit 2\n")
    uv.chmod(0o755)
    said = []
    found = find_python(said.append, str(uv), nowhere)
    assert (found.path, found.numbers) == (nearest, (3, 12, 1))
    assert found.note == "Python 3.12.1 stands in for 3.13, which was not found and could not be installed"
    assert said == ["no Python 3.13 on this host; asking uv to install one", found.note]
    said.clear()
    find_python(said.append, str(uv), nowhere, may_install=False)
    assert said == [found.note]


def test_what_uv_installs_is_used(nowhere, tmp_path):
    path = fake_python(tmp_path / "managed" / "python", (3, 13, 5))
    uv = tmp_path / "uv"
    uv.write_text(
        f'#!/bin/sh\ncase "$*" in *install*) touch {tmp_path}/made;; *managed*) echo {path};; *) exit 2;; esac\n'
    )
    uv.chmod(0o755)
    assert find_python(print, str(uv), nowhere).path == path
    assert (tmp_path / "made").exists()
    fake_python(tmp_path / "managed" / "python", (3, 12, 0))
    assert install(str(uv)) is None  # not what was asked for


def test_without_any_it_is_said_what_was_looked_for(nowhere):
    with pytest.raises(NotMeasured, match=r"looked for 3.13, 3.12 and 3.11.*uv python install 3.13"):
        find_python(print, None, nowhere)


def test_what_is_no_python_does_not_answer(tmp_path):
    assert ask(str(tmp_path / "nothing")) is None
    assert ask("/bin/true") is None
    assert parse_answer("x", '[[3, 13], "a", "b"]') is None
    assert parse_answer("x", "3") is None


def test_each_place_is_asked_once(nowhere, tmp_path):
    fake_python(tmp_path / "bin" / "python3", (3, 12, 1))
    (tmp_path / "bin" / "python3.12").symlink_to(tmp_path / "bin" / "python3")
    assert len(list(candidates((3, 12), nowhere, None))) == 2


def test_a_version_managers_shim_is_asked_after_what_it_would_start(nowhere, tmp_path):
    """Each start of one costs a tenth of a second and more, in every command."""
    shims = tmp_path / "home" / ".pyenv" / "shims"
    shim = fake_python(shims / "python3.13", (3, 13, 1))
    itself = fake_python(tmp_path / "home" / ".pyenv" / "versions" / "3.13.1" / "bin" / "python", (3, 13, 1))
    system = fake_python(tmp_path / "bin" / "python3", (3, 12, 1))
    environ = nowhere | {"PATH": f"{shims}:{nowhere['PATH']}"}
    assert list(candidates((3, 13), environ, None)) == [system, itself, shim]
