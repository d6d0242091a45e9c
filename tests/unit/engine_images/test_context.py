import hashlib
import os
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from bench.engine.images import context
from bench.engine.images.options import BuildOptions
from bench.engine.images.rootfs import EPOCH
from bench.errors import UsageError


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A checkout with the files that the Dockerfiles copy."""
    for name in ("Dockerfile", "Dockerfile.cuda"):
        (tmp_path / name).write_text(f"FROM {name}\n")
    (tmp_path / "requirements").mkdir()
    for name in ("build.txt", "debian.lock", "image-small.txt", "image-cpu.txt", "image-pypi.txt", "tests.txt"):
        (tmp_path / "requirements" / name).write_text(name)
    package = tmp_path / "bench"
    for name in ("agent/a.py", "agent/__pycache__/a.pyc", "diagnostics/deep/d.py", "diagnostics/.hidden"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(name)
    (package / "engine/images/inside").mkdir(parents=True)
    (package / "engine/images/inside/s.py").write_text("pass\n")
    return package


def sha(package: Path, kind: str, options: BuildOptions) -> str:
    with context.open_context(kind, options, package) as opened:
        return hashlib.sha256(opened.read()).hexdigest()


def test_only_what_the_kind_needs_is_sent_and_nothing_compiled_or_hidden(package: Path):
    names = list(context.context_files("small", package))
    assert "requirements/image-cpu.txt" not in names
    assert "bench/agent/a.py" in names
    assert "bench/diagnostics/deep/d.py" in names
    assert not [name for name in names if "pyc" in name or "hidden" in name or "tests.txt" in name]
    assert "Dockerfile.cuda" in context.context_files("cuda", package)
    assert "requirements/image-cpu.txt" in context.context_files("cpu", package)


def test_the_context_is_the_same_bytes_whatever_the_dates_and_modes(package: Path):
    before = sha(package, "cpu", BuildOptions())
    for path in package.rglob("*.py"):
        os.utime(path, (1, 1))
        path.chmod(0o600)
    assert sha(package, "cpu", BuildOptions()) == before
    (package / "agent/a.py").write_text("changed")
    assert sha(package, "cpu", BuildOptions()) != before


def test_members_are_sorted_owned_by_root_and_have_their_folders(package: Path, tmp_path: Path):
    ca = tmp_path / "corp.crt"
    ca.write_text("CERT")
    wheels = tmp_path / "house"
    wheels.mkdir()
    (wheels / "torch-2.7.1-x.whl").write_bytes(b"wheel")
    with context.open_context("cpu", BuildOptions(extra_ca=ca, wheels=wheels), package) as opened:
        with tarfile.open(fileobj=opened) as tar:
            members = tar.getmembers()
            content = tar.extractfile("extra-ca.pem")
            assert content is not None
            assert content.read() == b"CERT"
    names = [member.name for member in members]
    assert names == sorted(names)
    assert {"bench", "bench/agent", "wheels/torch-2.7.1-x.whl"} <= set(names)
    assert {(m.uid, m.gid, m.mtime, m.mode) for m in members if m.isfile()} == {(0, 0, EPOCH, 0o644)}
    assert {m.mode for m in members if m.isdir()} == {0o755}


def test_the_input_hash_follows_what_decides_the_content_and_nothing_else(package: Path, tmp_path: Path):
    ca = tmp_path / "ca.pem"
    ca.write_text("x")
    plain = BuildOptions()
    before = context.input_hash("cpu", plain, None, package)
    for same in (replace(plain, extra_ca=ca), replace(plain, python_index="https://m"), replace(plain, network="host")):
        assert context.input_hash("cpu", same, None, package) == before
    wheels = tmp_path / "house"
    wheels.mkdir()
    (wheels / "torch-2.7.1+cpu-x.whl").touch()
    for other in (replace(plain, base="b"), replace(plain, torch_index="https://t"), replace(plain, wheels=wheels)):
        assert context.input_hash("cpu", other, None, package) != before
    assert context.input_hash("cpu", plain, "sha256:1", package) != before
    assert context.input_hash("small", plain, None, package) != before
    small = context.input_hash("small", plain, None, package)
    (package.parent / "requirements/image-cpu.txt").write_text("changed")
    assert context.input_hash("cpu", plain, None, package) != before
    assert context.input_hash("small", plain, None, package) == small


def test_an_installed_package_brings_its_own_copy(package: Path):
    root = package.parent
    assert context.assets(package) == root
    own = package / "_assets"
    own.mkdir()
    (root / "Dockerfile").rename(own / "Dockerfile")
    (root / "requirements").rename(own / "requirements")
    assert context.assets(package) == own
    (own / "Dockerfile").unlink()
    with pytest.raises(UsageError, match="Dockerfile is missing"):
        context.assets(package)


def test_an_unknown_kind_is_a_usage_error():
    with pytest.raises(UsageError, match="cpu, cuda"):
        context.dockerfile_of("gpu")


def test_the_hash_of_an_images_files_is_a_fixed_function_of_names_and_contents(tmp_path):
    (tmp_path / "run.sh").write_text("true")
    plain = context.content_sha256(tmp_path)
    # The sum of '[["run.sh", "SUM"]]', taken with sha256sum. It may not change, or old records stop comparing.
    assert plain == "1fbd6de9ef2a1e6d06f66b173d594dae55ccf3e268dbee79fd49650a0b496cf3"
    (tmp_path / "run.sh").chmod(0o755)
    assert context.content_sha256(tmp_path) == plain


def test_content_hash_counts_names_and_content(package: Path):
    before = context.diagnostics_sha256(package)
    (package / "diagnostics/deep/d.py").rename(package / "diagnostics/deep/e.py")
    assert context.diagnostics_sha256(package) != before
    (package / "diagnostics/deep/e.py").rename(package / "diagnostics/deep/d.py")
    (package / "diagnostics/deep/__pycache__").mkdir()
    (package / "diagnostics/deep/__pycache__/d.pyc").touch()
    assert context.diagnostics_sha256(package) == before


def test_the_real_dockerfiles_copy_only_files_that_are_sent():
    for kind in ("small", "cpu", "cuda"):
        files = context.context_files(kind)
        text = files[context.dockerfile_of(kind)].read_text()
        stages = text.split("\nFROM ")
        wanted = stages if kind != "small" else [s for s in stages if "AS choice" not in s and "AS cpu" not in s]
        for line in "\n".join(wanted).splitlines():
            if not line.startswith("COPY ") or "--from" in line:
                continue
            for source in line.split()[1:-1]:
                if "$" in source or "[" in source:
                    continue
                assert any(name == source or name.startswith(f"{source}/") for name in files), (kind, line)
