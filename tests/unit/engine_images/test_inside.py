"""The steps of a build, run on this machine's Python in a folder of their own, with a stand-in for uv."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.engine.images.context import assets
from bench.engine.images.inside import bootstrap, choose, derive, install, overlay, sources
from bench.engine.images.inside.sources import Sources, StepFailed
from bench.engine.images.rootfs import EPOCH

DNS = """error: Request failed after 3 retries in 9.5s
  cause: error sending request for url (INDEX)
  cause: client error (Connect)
  cause: dns error
"""
MISMATCH = "error: Failed to download `torch==2.7.1+cpu`\n  cause: Hash mismatch for `torch==2.7.1+cpu`\n"


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def build(tmp_path: Path) -> Sources:
    (tmp_path / "locks").mkdir()
    (tmp_path / "wheels").mkdir()
    (tmp_path / "ca").mkdir()
    (tmp_path / "locks/image-cpu.txt").write_text("torch==2.7.1+cpu --hash=sha256:84\n")
    (tmp_path / "locks/image-pypi.txt").write_text("torch==2.7.1 --hash=sha256:ef\n")
    (tmp_path / "locks/build.txt").write_text("uv==1 --hash=sha256:00\n")
    return Sources(tmp_path)


def uv(build: Sources, text: str) -> None:
    script(build.build / "uv/bin/uv", f'echo "$@" >> {build.build}/calls\n{text}')


def calls(build: Sources) -> list[str]:
    return (build.build / "calls").read_text().splitlines()


class TestSources:
    def test_arguments_and_certificates_are_read(self, build: Sources):
        (build.build / "ca/build.txt").write_text("no certificate")
        assert sources.read_sources({}, build.build) == build
        (build.build / "ca/corp.pem").write_text("OUR CERTIFICATE")
        found = sources.read_sources({"PYTHON_INDEX": "https://p", "TORCH_INDEX": "https://t"}, build.build)
        assert (found.python_index, found.torch_index) == ("https://p", "https://t")
        assert found.ca_bundle is not None
        text = found.ca_bundle.read_text()
        assert text.endswith("OUR CERTIFICATE")
        assert "no certificate" not in text

    def test_the_tools_see_proxies_and_certificates_and_nothing_else_of_the_users(self, build: Sources):
        given = Sources(build.build, python_index="https://p", ca_bundle=Path("/ca/bundle"))
        environ = {"PATH": "/bin", "https_proxy": "http://x", "PIP_FIND_LINKS": "/opt", "SECRET": "s"}
        found = sources.tool_environment(given, environ)
        assert found["https_proxy"] == "http://x"
        assert found["SSL_CERT_FILE"] == found["PIP_CERT"] == "/ca/bundle"
        assert found["UV_DEFAULT_INDEX"] == "https://p"
        assert not {"SECRET", "PIP_FIND_LINKS"} & set(found)
        assert found["PYTHONHASHSEED"] == "0"

    def test_every_install_checks_hashes(self, build: Sources):
        own = Sources(build.build, torch_index="https://t")
        for command in (
            sources.uv_command(build, Path("p"), Path("l")),
            sources.uv_command(build, Path("p"), Path("l"), torch_cpu=True),
            sources.uv_command(own, Path("p"), Path("l"), torch_cpu=True),
        ):
            assert "--require-hashes" in command
        assert sources.uv_command(build, Path("p"), Path("l"), torch_cpu=True)[-2:] == ["--torch-backend", "cpu"]
        assert "https://t" in sources.uv_command(own, Path("p"), Path("l"), torch_cpu=True)
        assert "https://t" not in sources.uv_command(own, Path("p"), Path("l"))

    def test_with_wheels_no_index_is_asked(self, build: Sources):
        (build.wheels / "x-1-py3-none-any.whl").touch()
        own = Sources(build.build, python_index="https://p", torch_index="https://t")
        command = sources.uv_command(own, Path("p"), Path("l"), torch_cpu=True)
        assert command[-3:] == ["--no-index", "--find-links", str(build.wheels)]
        assert "https://t" not in command
        assert "UV_DEFAULT_INDEX" not in sources.tool_environment(own, {})

    def test_addresses_are_redacted(self, build: Sources, capfd: pytest.CaptureFixture[str]):
        own = Sources(build.build, python_index="https://me:pw@i/simple/")
        said = sources.run(["echo", "from https://me:pw@i/simple/x and https://me:pw@i/simple"], own)
        assert "pw" not in said.stdout
        assert "pw" not in capfd.readouterr().out

    def test_a_step_that_must_work_says_why_it_did_not(self, build: Sources):
        with pytest.raises(StepFailed, match="no luck: one / two"):
            sources.must(["sh", "-c", "echo one; echo two >&2; exit 3"], build, "no luck")


class TestBootstrap:
    def test_uv_comes_from_its_own_lock(self, build: Sources, monkeypatch: pytest.MonkeyPatch):
        done: list[list[str]] = []
        monkeypatch.setattr(bootstrap, "must", lambda command, *_: done.append(command))
        bootstrap.bootstrap(build)
        assert done[0][1:] == ["-m", "venv", str(build.build / "uv")]
        assert {"--require-hashes", str(build.build / "locks/build.txt")} <= set(done[1])
        assert "--no-index" not in done[1]
        (build.wheels / "uv-1.whl").touch()
        bootstrap.bootstrap(build)
        assert "--no-index" in done[3]


class TestChoose:
    def test_an_index_that_answers_gives_the_cpu_build(self, build: Sources):
        uv(build, "exit 0")
        assert choose.choose(build)[0] == "image-cpu.txt"
        assert "--dry-run" in calls(build)[0]

    @pytest.mark.parametrize(
        "said",
        [
            DNS,
            "cause: tcp connect error\n cause: Connection refused (os error 111)",
            "cause: operation timed out",
            "HTTP status server error (503 Service Unavailable)",
            "HTTP status client error (403 Forbidden)",
        ],
    )
    def test_an_index_that_cannot_be_reached_gives_pypis_build(self, build: Sources, said: str):
        uv(build, f"cat <<'X'\n{said}\nX\nexit 2")
        lock, why = choose.choose(build)
        assert lock == "image-pypi.txt"
        assert "cannot be reached" in why

    @pytest.mark.parametrize(
        "said",
        [
            MISMATCH,
            MISMATCH + "note: an earlier attempt timed out",
            "cause: invalid peer certificate: UnknownIssuer (error sending request)",
            "Because torch was not found in the package registry and you require torch==2.7.1+cpu",
        ],
    )
    def test_a_wrong_answer_fails_the_build(self, build: Sources, said: str):
        uv(build, f"cat <<'X'\n{said}\nX\nexit 2")
        with pytest.raises(StepFailed, match="cannot be had by its lock"):
            choose.choose(build)

    def test_wheels_decide_for_themselves(self, build: Sources):
        (build.wheels / "numpy-2-x.whl").touch()
        with pytest.raises(StepFailed, match="no torch"):
            choose.choose(build)
        (build.wheels / "torch-2.7.1-cp313-x.whl").touch()
        assert choose.choose(build)[0] == "image-pypi.txt"
        (build.wheels / "torch-2.7.1-cp313-x.whl").unlink()
        (build.wheels / "torch-2.7.1+cpu-cp313-x.whl").touch()
        assert choose.choose(build)[0] == "image-cpu.txt"

    def test_the_choice_is_the_lock_alone_and_is_said_aloud(self, build: Sources, capfd: pytest.CaptureFixture[str]):
        uv(build, f"cat <<'X'\n{DNS}X\nexit 2")
        folder, note = build.build / "choice", build.build / "note/choice.json"
        choose.write_choice(build, folder, note)
        assert [path.name for path in folder.iterdir()] == ["requirements.txt"]
        assert (folder / "requirements.txt").read_text() == "torch==2.7.1 --hash=sha256:ef\n"
        assert json.loads(note.read_text())["lock"] == "image-pypi.txt"
        assert "*** torch is PyPI's build" in capfd.readouterr().out
        uv(build, "exit 0")
        choose.write_choice(build, folder, note)
        assert "2.7.1+cpu" in (folder / "requirements.txt").read_text()
        assert "*** torch is 2.7.1+cpu" in capfd.readouterr().out


class TestInstall:
    def test_an_environment_is_installed_compiled_described_and_dated(
        self, build: Sources, monkeypatch: pytest.MonkeyPatch
    ):
        venv, facts = build.build / "venv", build.build / "image.json"
        site = f"{venv}/lib/python3.{sys.version_info.minor}/site-packages"
        fill = f"""mkdir -p {site}/torch
echo '__version__ = "2.7.1+cpu"; git_version = "e2d141d"' > {site}/torch/version.py
echo 'x = {{"b", "a"}}' > {site}/module.py
echo 'this is {{ no python' > {site}/template.py"""
        uv(build, fill)
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(EPOCH))
        lock = build.build / "locks/image-cpu.txt"
        install.main(build, lock, venv, facts)
        assert json.loads(facts.read_text()) == {
            "lock_sha256": hashlib.sha256(lock.read_bytes()).hexdigest(),
            "python": sys.version,
            "torch": {"version": "2.7.1+cpu", "git": "e2d141d"},
        }
        assert "--torch-backend cpu" in calls(build)[0]
        assert {int(path.lstat().st_mtime) for path in [facts, venv, *venv.rglob("*")]} == {EPOCH}
        (compiled,) = Path(site).glob("__pycache__/module.*.pyc")
        flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
        assert flags == 0b01  # bytecode by hash, never checked against the source (PEP 552)

    def test_a_failing_install_fails_the_step(self, build: Sources):
        uv(build, f"cat <<'X'\n{MISMATCH}X\nexit 1")
        with pytest.raises(StepFailed, match="Hash mismatch"):
            install.install(build, build.build / "locks/image-pypi.txt", build.build / "venv")
        assert "--torch-backend" not in calls(build)[0]

    def test_without_torch_there_is_none(self, build: Sources):
        assert install.read_facts(build.build / "locks/build.txt", build.build)["torch"] is None


class TestDerive:
    @pytest.fixture
    def venv(self, build: Sources, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(sys, "pycache_prefix", None)  # as where an image is made
        venv = build.build / "venv"
        site = venv / f"lib/python3.{sys.version_info.minor}/site-packages"
        (site / "__pycache__").mkdir(parents=True)
        (site / "new.py").write_text("x = 1\n")
        (site / "broken.py").write_text("x = {\n")
        return venv

    def test_requirements_are_installed_and_listed(self, build: Sources, venv: Path, monkeypatch: pytest.MonkeyPatch):
        uv(build, 'if [ "$2" = freeze ]; then echo "warning: x"; echo six==1; echo attrs==2; fi')
        monkeypatch.setattr(derive, "bootstrap", lambda _: None)
        monkeypatch.setenv("PYTHON_INDEX", "")
        (build.build / "requirements.txt").write_text("six\n")
        arguments = {"environ": {"PYTHON_INDEX": "https://p"}, "hash_locked": False, "epoch": EPOCH}
        (build.build / "arguments.json").write_text(json.dumps(arguments))
        derive.main(build.build, venv, build.build / "derived.json")
        found = json.loads((build.build / "derived.json").read_text())
        assert found["frozen"] == ["attrs==2", "six==1"]
        assert found["torch"] is None
        assert "--require-hashes" not in calls(build)[0]
        site = next(venv.glob("lib/*/site-packages"))
        assert len(list(site.glob("__pycache__/*.pyc"))) == 1
        assert {int(path.lstat().st_mtime) for path in site.rglob("*")} == {EPOCH}

    def test_hashes_are_checked_where_the_file_has_them(self, build: Sources, venv: Path):
        uv(build, "exit 0")
        derive.install_project(build, venv, build.build / "r.txt", hash_locked=True)
        assert "--require-hashes" in calls(build)[0]
        assert "--no-build" not in calls(build)[0]

    def test_a_list_that_cannot_be_had_fails_the_step(self, build: Sources, venv: Path):
        uv(build, '[ "$2" != freeze ]')
        with pytest.raises(StepFailed, match="cannot be listed"):
            derive.install_project(build, venv, build.build / "r.txt", hash_locked=False)


class TestOverlay:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        root = tmp_path / "root"
        (root / "etc").mkdir(parents=True)
        (root / "etc/os-release").write_text('NAME="Debian"\nVERSION_CODENAME=trixie\n')
        (root / "usr/lib/x86_64-linux-gnu").mkdir(parents=True)
        return root

    def test_the_user_is_added_to_what_is_there(self, tmp_path: Path):
        etc = tmp_path / "etc"
        etc.mkdir()
        (etc / "passwd").write_text("root:x:0:0::/root:/bin/sh\n")
        (etc / "group").write_text("root:x:0:\n")
        overlay.add_user(etc, tmp_path / "target")
        lines = (tmp_path / "target/etc/passwd").read_text().splitlines()
        assert lines[0].startswith("root:")
        assert lines[1].split(":")[2:4] == ["10001", "10001"]
        assert (tmp_path / "target/etc/group").read_text().endswith("bench:x:10001:\n")

    def test_the_bases_own_allocators_serve(self, build: Sources, root: Path, tmp_path: Path):
        for name in overlay.ALLOCATORS:
            (root / "usr/lib/x86_64-linux-gnu" / name).write_text(name)
        overlay.add_allocators(build, root, tmp_path / "target")
        found = sorted(path.name for path in (tmp_path / "target/opt/bench/lib").iterdir())
        assert found == sorted(overlay.ALLOCATORS)

    def lock(self, build: Sources, content: bytes) -> None:
        architecture = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
        digest = hashlib.sha256(content).hexdigest()
        (build.build / "locks/debian.lock").write_text(f"# x\ntrixie {architecture} liballoc 1.0-1 {digest}\n")
        (build.wheels / f"liballoc_1.0-1_{architecture}.deb").write_bytes(b"package")

    def test_locked_packages_serve_where_the_base_has_none(
        self, build: Sources, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        self.lock(build, b"package")
        unpack = 'mkdir -p "$3/usr/lib/x"; for n in libjemalloc.so.2 libtcmalloc_minimal.so.4; do echo > "$3/usr/lib/x/$n"; done'
        script(tmp_path / "bin/dpkg-deb", unpack)
        monkeypatch.setenv("PATH", f"{tmp_path}/bin:/bin:/usr/bin")
        overlay.add_allocators(build, root, tmp_path / "target")
        assert len(list((tmp_path / "target/opt/bench/lib").iterdir())) == 2
        script(tmp_path / "bin/dpkg-deb", "true")
        with pytest.raises(StepFailed, match="hold no libjemalloc"):
            overlay.add_allocators(build, root, tmp_path / "other")

    def test_a_package_that_is_not_the_locked_one_fails_the_step(self, build: Sources, root: Path, tmp_path: Path):
        self.lock(build, b"another package")
        with pytest.raises(StepFailed, match=r"is not the file that debian.lock names"):
            overlay.add_allocators(build, root, tmp_path / "target")

    def test_a_missing_package_is_downloaded(
        self, build: Sources, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        self.lock(build, b"package")
        (archive,) = build.wheels.glob("*.deb")
        archive.unlink()
        script(tmp_path / "bin/apt-get", f'[ "$1" = update ] || printf package > {archive.name}')
        monkeypatch.setenv("PATH", f"{tmp_path}/bin:/bin:/usr/bin")
        (package,) = overlay._wanted(build, root)
        assert overlay._fetch(build, package).read_bytes() == b"package"

    def test_an_unknown_base_is_said(self, build: Sources, root: Path, tmp_path: Path):
        self.lock(build, b"package")
        (root / "etc/os-release").write_text("NAME=Other\n")
        with pytest.raises(StepFailed, match="no allocators for this base"):
            overlay.add_allocators(build, root, tmp_path / "target")

    def test_a_standard_library_without_bytecode_gets_it(self, build: Sources, tmp_path: Path):
        stdlib = tmp_path / "lib"
        (stdlib / "site-packages").mkdir(parents=True)
        (stdlib / "deep").mkdir()
        for name in ("a.py", "deep/b.py", "site-packages/c.py"):
            (stdlib / name).write_text("x = 1\n")
        target = tmp_path / "target"
        overlay.add_stdlib_bytecode(build, stdlib, target)
        assert sorted(p.name.partition(".")[0] for p in target.rglob("*.pyc")) == ["a", "b"]
        again = tmp_path / "again"
        overlay.add_stdlib_bytecode(build, stdlib, again)  # now it has its own
        assert not again.exists()

    def test_everything_is_dated(self, build: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(EPOCH))
        monkeypatch.setattr(overlay, "add_stdlib_bytecode", lambda *_: None)
        monkeypatch.setattr(overlay, "_copy_library", lambda *_: True)
        overlay.main(build, tmp_path / "overlay", tmp_path / "mounts")
        assert {path.name for path in (tmp_path / "mounts").iterdir()} == {"out", "src"}
        for path in [*(tmp_path / "overlay").rglob("*"), *(tmp_path / "mounts").rglob("*")]:
            assert int(path.stat().st_mtime) == EPOCH


def test_the_debian_lock_covers_both_suites_and_architectures():
    packages = overlay.parse_debian_lock((assets() / "requirements/debian.lock").read_text())
    found = {(p.suite, p.architecture, p.package.partition("4")[0].rstrip("2")) for p in packages}
    names = ("libjemalloc", "libtcmalloc-minimal")
    assert found == {(s, a, n) for s in ("bookworm", "trixie") for a in ("amd64", "arm64") for n in names}
    assert all(len(p.sha256) == 64 for p in packages)
    assert packages[0].filename == "libjemalloc2_5.3.0-1_amd64.deb"


@pytest.mark.parametrize("step", ["bootstrap", "choose", "install", "overlay", "derive"])
def test_the_steps_need_nothing_but_the_standard_library(step: str):
    folder = Path(sources.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); import inside.{step}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_failed_step_ends_with_one_line_that_the_host_finds():
    def fail() -> None:
        raise StepFailed("no torch")

    with pytest.raises(SystemExit) as caught:
        sources.finish(fail)
    assert caught.value.code == "*** no torch"
    sources.finish(lambda: None)
