import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from bench.engine.images.rootfs import EPOCH, keeps, normalise, write_tar


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in (
        "etc/passwd", "etc/passwd-", "etc/machine-id", "etc/apt/sources.list", "var/log/dpkg.log", "usr/bin/tool",
        "usr/lib/python3.13/json.py", "usr/share/doc/x/copyright", "usr/share/doc/x/changelog", "dev/null",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "etc/shadow").write_text("root:*:20779:0:99999:7:::\nbench:!:20780::::::\n")
    (tmp_path / "bin").symlink_to("usr/bin")
    os.link(tmp_path / "usr/bin/tool", tmp_path / "usr/bin/same")
    os.mkfifo(tmp_path / "usr/pipe")
    return tmp_path


def members(root: Path) -> tuple[dict[str, tarfile.TarInfo], bytes, str]:
    target = io.BytesIO()
    digest = write_tar(root, target)
    with tarfile.open(fileobj=io.BytesIO(target.getvalue())) as tar:
        return {member.name: member for member in tar}, target.getvalue(), digest


def test_what_belongs_to_one_machine_or_moment_is_left_out(root: Path):
    found, _, _ = members(root)
    assert {"etc/passwd", "usr/bin/tool", "usr/share/doc/x/copyright", "bin", "var/log", "dev"} <= set(found)
    left = {"etc/passwd-", "etc/machine-id", "etc/apt/sources.list", "var/log/dpkg.log", "usr/share/doc/x/changelog"}
    assert not (left | {"dev/null", "usr/pipe"}) & set(found)


def test_the_bytes_do_not_depend_on_dates_or_the_order_of_creation(root: Path):
    _, before, digest = members(root)
    assert digest == hashlib.sha256(before).hexdigest()
    content = (root / "etc/passwd").read_text()
    (root / "etc/passwd").unlink()
    (root / "etc/passwd").write_text(content)
    os.utime(root / "etc", (EPOCH + 99, EPOCH + 99))
    (root / "etc/shadow").write_text("root:*:20999:0:99999:7:::\nbench:!:21000::::::\n")
    assert members(root)[2] == digest
    (root / "etc/passwd").write_text("other")
    assert members(root)[2] != digest


def test_names_are_sorted_and_links_stay_links(root: Path):
    found, _, _ = members(root)
    assert list(found) == sorted(found)
    assert found["bin"].issym()
    assert found["bin"].linkname == "usr/bin"
    assert found["usr/bin/tool"].islnk() != found["usr/bin/same"].islnk()
    assert {member.uname for member in found.values()} == {""}


def test_dates_are_held_back_but_for_python_sources(root: Path):
    source = root / "usr/lib/python3.13/json.py"
    os.utime(source, (EPOCH + 500, EPOCH + 500))
    os.utime(root / "usr/bin/tool", (EPOCH - 500, EPOCH - 500))
    found, _, _ = members(root)
    assert found["usr/lib/python3.13/json.py"].mtime == EPOCH + 500
    assert found["usr/bin/same"].mtime == EPOCH - 500
    assert found["etc/passwd"].mtime == EPOCH


def test_shadow_keeps_everything_but_the_day():
    assert normalise("etc/shadow", b"root:*:20779:0:99999:7:::\n") == b"root:*:20251:0:99999:7:::\n"
    assert normalise("etc/passwd", b"root:*:20779:0\n") == b"root:*:20779:0\n"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("proc", True), ("proc/1", False), ("root", True), ("root/.bashrc", False), ("etc/resolv.conf", False),
        ("etc/hostname", False), ("var/lib/dpkg/status", True), ("var/lib/dpkg/status-old", False),
        ("debootstrap/log", False), ("usr/share/doc/x", True), ("usr/share/doc/a/b/copyright", True),
    ],
)  # fmt: skip
def test_keeps(name: str, kept: bool):
    assert keeps(name) is kept
