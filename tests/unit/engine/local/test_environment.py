import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.engine.assets import agent_folder, diagnostics_folder, package_folder, project_root
from bench.engine.images.options import BuildOptions
from bench.engine.local import environment as module
from bench.engine.local import installer as installing
from bench.engine.local.environment import LOCKS, MARKER, PYPI_TORCH, find_preloads, prepare_environment
from bench.engine.local.find_python import Python
from bench.engine.local.inspect import Inside, parse_inside, parse_torch, read_inside
from bench.engine.local.installer import Installer, InstallError, check_room, find_uv
from bench.engine.protocol import Need
from bench.errors import NotMeasured, UsageError
from bench.run.source.read import read_project

INSIDE = Inside("3.13.5 (main)", "2.7.1+cu126", "abc", {"torch": "2.7.1", "pytest": "9"})


class FakeInstaller:
    """Makes folders and remembers what was asked; ``fail`` names the locks that cannot be had."""

    uv = None

    def __init__(self, fail=()):
        self.fail = fail
        self.installed = []

    def make_venv(self, python, folder):
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").touch()
        return folder / "bin" / "python"

    def install(self, python, requirements, *, hashes=True, torch_backend=None):
        if requirements.name in self.fail:
            raise InstallError(f"{requirements.name} cannot be had")
        self.installed.append((requirements.name, hashes, torch_backend))


@pytest.fixture
def insides(monkeypatch):
    """What environments hold, in the order in which they are asked."""
    answers = [INSIDE]
    monkeypatch.setattr(module, "read_inside", lambda python: answers.pop(0) if len(answers) > 1 else answers[0])
    return answers


@pytest.fixture(autouse=True)
def python(monkeypatch):
    found = Python("/usr/bin/python3.13", (3, 13, 5), "3.13.5 (main)")
    monkeypatch.setattr(module, "find_python", lambda notify, uv, may_install: found)
    monkeypatch.setattr(module, "check_room", lambda folder, need: None)
    return found


def test_it_is_made_once_and_found_ever_after(tmp_path, insides):
    said, installer = [], FakeInstaller()
    place = prepare_environment(Need("cuda", hint="there is a smaller one"), said.append, tmp_path, installer)
    assert installer.installed == [("image-pypi.txt", True, None)]
    assert said.pop() == "there is a smaller one"
    assert len(said) == 1
    assert "installing torch and pytest for Python 3.13.5" in said[0]
    assert place.python == f"{place.handle}/bin/python"
    assert place.agent == str(agent_folder())
    assert place.diagnostics == str(diagnostics_folder())
    assert place.image is None
    environment = place.environment
    assert (environment.python, environment.torch, environment.note) == ("3.13.5 (main)", "2.7.1+cu126", None)
    assert environment.packages == INSIDE.packages
    assert len(environment.lock_sha256) == len(environment.fingerprint) == 64
    said.clear()
    assert prepare_environment(Need("cuda"), said.append, tmp_path, installer) == place
    assert len(installer.installed) == 1
    assert said == []


def test_pypis_torch_stands_in_where_pytorchs_index_cannot_be_reached(tmp_path, insides):
    said, installer = [], FakeInstaller(fail=["image-cpu.txt"])
    place = prepare_environment(Need("cpu"), said.append, tmp_path, installer)
    assert installer.installed == [("image-pypi.txt", True, None)]
    assert place.environment.note == PYPI_TORCH
    assert said[-1] == PYPI_TORCH
    # The index is not tried again: the second call finds what the first one made.
    installer.fail = []
    assert prepare_environment(Need("cpu"), said.append, tmp_path, installer) == place
    assert len(installer.installed) == 1


def test_torchs_own_cpu_build_is_taken_where_it_can_be(tmp_path, insides):
    installer = FakeInstaller()
    place = prepare_environment(Need("cpu"), print, tmp_path, installer)
    assert installer.installed == [("image-cpu.txt", True, "cpu")]
    assert place.environment.note is None


def test_packages_that_cannot_be_had_leave_nothing(tmp_path, insides):
    installer = FakeInstaller(fail=["image-cpu.txt", "image-pypi.txt"])
    with pytest.raises(NotMeasured, match=r"image-pypi.txt cannot be had"):
        prepare_environment(Need("cpu"), print, tmp_path, installer)
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_one_that_was_not_finished_is_made_anew(tmp_path, insides):
    installer = FakeInstaller()
    place = prepare_environment(Need("small"), print, tmp_path, installer)
    Path(place.handle, MARKER).unlink()
    (Path(place.handle) / "half").touch()
    assert prepare_environment(Need("small"), print, tmp_path, installer).handle == place.handle
    assert not (Path(place.handle) / "half").exists()
    Path(place.handle, MARKER).write_text("[]")
    prepare_environment(Need("small"), print, tmp_path, installer)
    Path(place.python).unlink()  # its Python was removed from the host
    prepare_environment(Need("small"), print, tmp_path, installer)
    assert len(installer.installed) == 4


def test_another_lock_or_python_is_another_environment(tmp_path, insides, monkeypatch, python):
    first = prepare_environment(Need("small"), print, tmp_path, FakeInstaller())
    other = replace(python, version="3.12.1 (main)", note="Python 3.12.1 stands in")
    monkeypatch.setattr(module, "find_python", lambda notify, uv, may_install: other)
    second = prepare_environment(Need("small"), print, tmp_path, FakeInstaller())
    assert second.handle != first.handle
    assert second.environment.note == "Python 3.12.1 stands in"


def test_a_projects_requirements_go_on_top(tmp_path, insides):
    loose = tmp_path / "loose.txt"
    loose.write_text("six\n")
    installer = FakeInstaller()
    with_six = replace(INSIDE, packages={**INSIDE.packages, "six": "1"})
    insides[:] = [INSIDE, with_six]
    place = prepare_environment(Need("cuda", loose), print, tmp_path / "cache", installer)
    assert installer.installed == [("image-pypi.txt", True, None), ("loose.txt", False, None)]
    assert place.warnings == ("loose.txt is not hash-locked; installed was: pytest==9 six==1 torch==2.7.1",)
    locked = tmp_path / "locked.txt"
    locked.write_text(f"six==1 --hash=sha256:{'0' * 64}\n")
    again = prepare_environment(Need("cuda", locked), print, tmp_path / "cache", installer)
    assert installer.installed[-1] == ("locked.txt", True, None)
    assert again.warnings == ()
    assert again.handle != place.handle
    assert again.environment.lock_sha256 != place.environment.lock_sha256


def test_a_project_that_replaces_torch_is_refused(tmp_path, insides):
    (tmp_path / "r.txt").write_text("torch==2.8\n")
    insides[:] = [INSIDE, replace(INSIDE, torch="2.8.0+cu128")]
    with pytest.raises(UsageError, match=r"replaces torch 2.7.1\+cu126 by 2.8.0"):
        prepare_environment(Need("cuda", tmp_path / "r.txt"), print, tmp_path / "cache", FakeInstaller())
    assert not list((tmp_path / "cache").glob(f"*/{MARKER}"))


def project(root, **files):
    """A project that installs itself."""
    for name, text in {"requirements.txt": ".\n", "pkg.py": "", **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Need("small", root / "requirements.txt", read_project(root)[1])


class BuildingInstaller(FakeInstaller):
    """Writes beside the sources, as builds do, and remembers where it was run."""

    where = None

    def install(self, python, requirements, *, where=None, **options):
        super().install(python, requirements, **options)
        if where is not None:
            self.where, self.seen = where, sorted(path.name for path in where.iterdir())
            (where / "pkg.egg-info").mkdir()


@pytest.mark.parametrize("line", [".", "-e .", ".[test]", "./sub", "pkg @ file://{root}", "-r more.txt"])
def test_a_project_that_is_installed_has_an_environment_of_its_own_for_each_content(tmp_path, insides, line):
    root, cache = tmp_path / "one", tmp_path / "cache"
    files = {"requirements.txt": line.format(root=root), "more.txt": "-e .", "sub/x.py": ""}
    handles = []
    for text in ("1", "2", "1"):
        need = project(root, **files, **{"lib/code.py": text})
        handles.append(prepare_environment(need, print, cache, BuildingInstaller()).handle)
    assert handles[0] == handles[2] != handles[1]
    other = project(tmp_path / "two", **files, **{"lib/code.py": "1"})
    assert prepare_environment(other, print, cache, BuildingInstaller()).handle not in handles


def test_a_project_is_installed_from_a_copy(tmp_path, insides):
    installer = BuildingInstaller()
    place = prepare_environment(project(tmp_path / "p"), print, tmp_path / "cache", installer)
    assert installer.where == Path(place.handle) / "project"
    assert installer.seen == ["pkg.py", "requirements.txt"]
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == ["pkg.py", "requirements.txt"]


def test_a_change_of_the_project_is_no_other_build_but_of_what_it_needs_is(tmp_path, insides):
    about = {"pyproject.toml": '[project]\nname = "My_Pkg"\n'}
    prints = []
    for code, packages in (
        ("1", {"my-pkg": "1.0", "six": "1.16.0"}),
        ("2", {"my-pkg": "1.1", "six": "1.16.0"}),
        ("3", {"my-pkg": "1.1", "six": "1.17.0"}),
    ):
        insides[:] = [replace(INSIDE, torch=None, packages=packages)]
        need = project(tmp_path / "p", **about, **{"code.py": code})
        place = prepare_environment(need, print, tmp_path / "cache", BuildingInstaller())
        prints.append(place.environment.fingerprint)
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize("changed", ["base.txt", "c.txt", "x.whl"])
def test_a_file_that_the_requirements_name_decides_what_the_environment_is(tmp_path, insides, changed):
    root = tmp_path / "p"
    files = {
        "base.txt": "six==1.16.0",
        "c.txt": "six<2",
        "x.whl": "1",
        "r/r.txt": "-r ../base.txt\n-c ../c.txt\n./x.whl",
    }
    made = []
    for text in ("one", "two"):
        project(root, **{**files, changed: text})
        need = Need("small", root / "r/r.txt", read_project(root)[1])
        made.append(prepare_environment(need, print, tmp_path / "cache", BuildingInstaller()))
    assert made[0].handle != made[1].handle
    assert (made[0].environment.fingerprint == made[1].environment.fingerprint) is (changed == "x.whl")


def test_bad_needs_are_named(tmp_path):
    with pytest.raises(UsageError, match="no environment of kind 'x'"):
        prepare_environment(Need("x"), print, tmp_path, FakeInstaller())
    with pytest.raises(UsageError, match=r"gone.txt cannot be read"):
        prepare_environment(Need("small", tmp_path / "gone.txt"), print, tmp_path, FakeInstaller())
    (tmp_path / "file").touch()
    with pytest.raises(NotMeasured, match="cannot be made"):
        prepare_environment(Need("small"), print, tmp_path / "file" / "x", FakeInstaller())


def test_every_lock_is_shipped():
    names = {lock.file for locks in LOCKS.values() for lock in locks}
    assert all((project_root() / "requirements" / name).is_file() for name in names)
    assert (package_folder() / "agent" / "__main__.py").is_file()


def test_a_full_disk_is_said_before_anything_is_installed(tmp_path):
    check_room(tmp_path, 1)
    with pytest.raises(NotMeasured, match=r"needs 1000000000 GB and .* has"):
        check_room(tmp_path, 10**18)


def test_allocators_are_found_where_distributions_put_them(tmp_path):
    for name in ("x86_64-linux-gnu/libjemalloc.so.2", "libtcmalloc.so.4", "x86_64-linux-gnu/libtcmalloc_minimal.so.4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find_preloads((str(tmp_path),)) == {
        "jemalloc": f"{tmp_path}/x86_64-linux-gnu/libjemalloc.so.2",
        "tcmalloc": f"{tmp_path}/x86_64-linux-gnu/libtcmalloc_minimal.so.4",
    }
    assert find_preloads((str(tmp_path / "none"),)) == {}


@pytest.fixture
def commands(monkeypatch):
    """What the installer runs; the last entry of ``outcome`` is how it ends."""
    ran = []
    outcome = [(0, "")]

    def run(command, **options):
        ran.append((command, options.get("env", {})))
        code, text = outcome[-1]
        return subprocess.CompletedProcess(command, code, "", text)

    monkeypatch.setattr(installing.subprocess, "run", run)
    return ran, outcome


def test_uv_checks_hashes_and_compiles(commands, tmp_path):
    installer = Installer("/uv", BuildOptions())
    assert installer.make_venv("/py", tmp_path) == tmp_path / "bin" / "python"
    installer.install(Path("/v/python"), Path("/r.txt"))
    (made, _), (command, env) = commands[0]
    assert made[:2] == ["/uv", "venv"]
    assert command == [
        "/uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", "/v/python",
        "--require-hashes", "-r", "/r.txt",
    ]  # fmt: skip
    assert env["UV_PYTHON_DOWNLOADS"] == "never"


def test_torchs_own_build_comes_from_its_index_and_does_not_wait_long(commands):
    Installer("/uv", BuildOptions()).install(Path("/py"), Path("/r.txt"), torch_backend="cpu")
    command, env = commands[0][-1]
    assert command[command.index("--torch-backend") + 1] == "cpu"
    assert int(env["UV_HTTP_TIMEOUT"]) < 60
    named = BuildOptions(torch_index="file:///torch", python_index="file:///simple")
    Installer("/uv", named).install(Path("/py"), Path("/r.txt"), torch_backend="cpu", hashes=False)
    command, _ = commands[0][-1]
    assert command[command.index("--extra-index-url") + 1] == "file:///torch"
    assert command[command.index("--index-url") + 1] == "file:///simple"
    assert "--require-hashes" not in command


def test_pip_serves_where_there_is_no_uv(commands, tmp_path):
    installer = Installer(None, BuildOptions())
    installer.make_venv("/py", tmp_path)
    installer.install(Path("/v/python"), Path("/r.txt"))
    assert commands[0][0][0] == ["/py", "-I", "-m", "venv", str(tmp_path)]
    assert commands[0][1][0] == [
        "/v/python", "-I", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", "/r.txt",
    ]  # fmt: skip
    with pytest.raises(InstallError, match="pip knows no index"):
        installer.install(Path("/v/python"), Path("/r.txt"), torch_backend="cpu")


def test_a_folder_of_wheels_is_all_that_is_asked(commands, tmp_path):
    options = BuildOptions(wheels=tmp_path, python_index="https://index.example/simple")
    Installer("/usr/bin/uv", options).install(tmp_path / "bin" / "python", tmp_path / "lock.txt", torch_backend="cpu")
    ((command, _),) = commands[0]
    assert command[-5:] == ["--no-index", "--find-links", str(tmp_path), "-r", str(tmp_path / "lock.txt")]
    assert "--require-hashes" in command
    assert not [word for word in command if "index.example" in word or "torch" in word]


def test_a_failure_is_its_last_lines_without_addresses(commands):
    commands[1].append((1, "\n".join(["noise"] * 9 + ["no match at file:///secret@simple", "", "hint"])))
    with pytest.raises(InstallError) as caught:
        Installer("/uv", BuildOptions(python_index="file:///secret@simple")).install(Path("/py"), Path("/r.txt"))
    assert "secret" not in str(caught.value)
    assert str(caught.value).endswith("no match at *** / hint")
    commands[1].append((3, ""))
    with pytest.raises(InstallError, match="status 3"):
        Installer("/uv", BuildOptions()).install(Path("/py"), Path("/r.txt"))


def test_a_command_that_does_not_start_is_a_failure(monkeypatch):
    with pytest.raises(InstallError, match="No such file"):
        Installer("/nowhere/uv", BuildOptions()).install(Path("/py"), Path("/r.txt"))


def test_uv_is_found_where_it_starts(tmp_path, monkeypatch):
    broken, works = tmp_path / "a" / "uv", tmp_path / "b" / "uv"
    for path, code in ((broken, 1), (works, 0)):
        path.parent.mkdir()
        path.write_text(f"#!/bin/sh\nexit {code}\n")
        path.chmod(0o755)
    monkeypatch.setattr(installing.shutil, "which", lambda name: str(broken))
    monkeypatch.setattr(installing, "_bundled_uv", lambda: str(works))
    assert find_uv() == str(works)
    monkeypatch.setattr(installing, "_bundled_uv", lambda: str(tmp_path / "gone"))
    assert find_uv() is None


def test_uv_may_come_as_a_python_package(monkeypatch):
    class Package:
        @staticmethod
        def find_uv_bin():
            return "/x/uv"

    monkeypatch.setattr(installing.importlib, "import_module", lambda name: Package)
    assert installing._bundled_uv() == "/x/uv"
    monkeypatch.setattr(installing.importlib, "import_module", lambda name: (_ for _ in ()).throw(ImportError))
    assert installing._bundled_uv() is None


def test_what_is_inside_is_asked_of_its_python():
    inside = read_inside(Path(sys.executable))
    assert inside.python == sys.version
    assert inside.packages["pytest"] == pytest.__version__
    with pytest.raises(NotMeasured, match="does not work"):
        read_inside(Path("/bin/true"))


def test_torchs_build_is_read_without_importing_it():
    text = "__version__ = '2.7.1+cu126'\ndebug = False\ngit_version = 'e2d141dbde55'\n"
    assert parse_torch(text) == ("2.7.1+cu126", "e2d141dbde55")
    assert parse_torch("nothing") == (None, None)
    answer = {"python": "3", "packages": {"b": "1", "a": "2"}, "torch": text}
    assert parse_inside(json.dumps(answer)) == Inside("3", "2.7.1+cu126", "e2d141dbde55", {"a": "2", "b": "1"})
