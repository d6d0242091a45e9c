import os
import subprocess
from pathlib import Path

import pytest
from docker.errors import APIError

from bench.engine.images import base
from bench.errors import NotMeasured, UsageError

TARGETS = """http://sec|bookworm-security|main|Debian
http://extra|bookworm|contrib|Debian
http://other|stable|main|Google LLC
http://mirror|bookworm|main|Debian
"""


def test_the_mirror_is_the_first_whole_debian_archive():
    assert base.parse_mirror(TARGETS) == "http://mirror"
    assert base.parse_mirror("http://fresh|bookworm|main|\n") == "http://fresh"
    assert base.parse_mirror("http://sec|bookworm-security|main|Debian\nnonsense\n") is None


def test_a_mirror_can_be_named():
    assert base.read_mirror({"BENCH_DEBIAN_MIRROR": "http://own"}) == "http://own"


def tools(folder: Path, **scripts: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in scripts.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    return folder


def test_the_mirror_comes_from_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    bin_ = tools(tmp_path / "bin", apt_get='echo "http://m|trixie|main|Debian"')
    monkeypatch.setenv("PATH", f"{bin_}:/bin")
    assert base.read_mirror({}) == "http://m"


def test_no_debian_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="no apt-get"):
        base.read_mirror({})
    monkeypatch.setenv("PATH", f"{tools(tmp_path / 'bin', apt_get='echo nothing')}:/bin")
    with pytest.raises(UsageError, match="names none"):
        base.read_mirror({})


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a debootstrap that makes a tiny root, run by root."""
    script = 'for last; do :; done\nmkdir -p "$4/etc" && echo x > "$4/etc/issue"'
    bin_ = tools(tmp_path / "bin", debootstrap=script, apt_get='echo "http://user:pw@m|trixie|main|Debian"')
    monkeypatch.setenv("PATH", f"{bin_}:/bin:/usr/bin")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return bin_


@pytest.fixture
def imported(engine):
    calls = []

    def take(src, repository, tag, changes):
        calls.append((Path(src).read_bytes(), changes))
        engine.put(f"{repository}:{tag}", {base.RECIPE_LABEL: changes[0].partition("=")[2]})

    engine.import_image = take
    return calls


def test_the_base_is_made_once(engine, said, machine, imported):
    assert base.make_base_image(engine, said.append) == "bench-base:3.13.5-trixie"
    assert len(imported) == 1
    assert b"etc/issue" in imported[0][0]
    assert "content sha256:" in said[-1]
    assert "pw" not in "".join(said)
    base.make_base_image(engine, said.append)
    assert len(imported) == 1
    assert said[-1] == "base image bench-base:3.13.5-trixie is there already"


def test_another_python_than_the_pinned_one_is_said(engine, said, machine, imported):
    base.make_base_image(engine, said.append)
    assert any("not known" in line for line in said)


def test_the_version_is_read_from_the_package_list():
    status = (
        "Package: python3\nVersion: 3.13.4-1\n\nPackage: python3.13\nStatus: install ok installed\n"
        "Architecture: amd64\nVersion: 3.13.5-2+deb13u2\n\nPackage: zlib\nVersion: 1.3\n"
    )
    assert base.parse_python_version(status) == "3.13.5"
    assert base.parse_python_version("Package: python3.13\n\nPackage: zlib\nVersion: 1.3\n") is None


def test_another_recipe_makes_it_anew(engine, said, machine, imported):
    engine.put(base.base_tag(), {base.RECIPE_LABEL: "old"})
    base.make_base_image(engine, said.append)
    assert len(imported) == 1


def test_nothing_is_left_behind_after_a_failure_and_the_mirror_is_not_told(engine, said, machine, imported):
    before = set(Path("/var/tmp").glob("bench-base-*"))
    tools(machine, debootstrap='echo "E: cannot fetch $5"; exit 1')
    with pytest.raises(NotMeasured, match="E: cannot fetch MIRROR"):
        base.make_base_image(engine, said.append)
    assert set(Path("/var/tmp").glob("bench-base-*")) == before
    assert imported == []


def test_an_engine_that_refuses_the_import_is_not_measured(engine, said, machine):
    def refuse(**_):
        raise APIError("no space left")

    engine.import_image = refuse
    with pytest.raises(NotMeasured, match="no space left"):
        base.make_base_image(engine, said.append)


def test_a_missing_debootstrap_and_a_missing_root_are_said(engine, said, machine, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UsageError, match="needs root"):
        base.make_base_image(engine, said.append)
    (machine / "debootstrap").unlink()
    monkeypatch.setenv("PATH", str(machine))
    with pytest.raises(UsageError, match="apt-get install debootstrap"):
        base.make_base_image(engine, said.append)


def test_an_unknown_suite_is_a_usage_error(engine, said):
    with pytest.raises(UsageError, match="trixie"):
        base.make_base_image(engine, said.append, "sid")


def test_mounts_below_a_folder_are_found_in_order(tmp_path: Path):
    mounts = f"proc {tmp_path}/root/proc proc rw\nx /proc proc rw\ny {tmp_path}-other ext4 rw\nz {tmp_path}/root x rw\n"
    assert base.mounted_below(tmp_path, mounts) == [f"{tmp_path}/root", f"{tmp_path}/root/proc"]


def test_a_folder_with_a_mount_that_stays_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"proc {tmp_path}/root/proc proc rw\n")
    called = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: called.append(command))
    assert base.unmount_below(tmp_path, mounts) is False
    assert called == [["umount", f"{tmp_path}/root/proc"]]
    mounts.write_text("")
    assert base.unmount_below(tmp_path, mounts) is True
