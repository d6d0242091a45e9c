"""A bundle is written once, whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

import bench.record.storage.bundle as bundle_module
from bench.errors import DamagedData, NotMeasured, UsageError
from bench.names import (
    is_file_name,
    is_stamp,
    make_stamp,
    next_stamp,
    numbered,
    parse_stamp,
    safe_file_name,
    stamp_time,
)
from bench.record import codec
from bench.record.host_id import host_id
from bench.record.schema import Host, HostClass
from bench.record.storage.bundle import read_bundle, write_bundle
from bench.record.storage.disk import check_results_folder
from bench.record.storage.find import bundle_folders, find_bundles, find_twins, scan
from bench.record.storage.manifest import check_manifest
from bench.record.storage.partial import remove_partials
from bench.record.storage.verify import verify
from tests.support.records import HOST, OTHER, OTHER_CLASS, STAMP, make_record

REFERENCE = HostClass(cpu_model="Reference")
FILES = {"summary.md": b"# x\n", "logs/pytest.log": b"ok\n", "artifacts/time.txt": lambda record: record.stamp}


@pytest.fixture
def folder(tmp_path):
    return write_bundle(tmp_path / "results", make_record(), FILES, secrets=())


def test_lies_where_the_contract_says(tmp_path, folder) -> None:
    assert folder == tmp_path / "results" / HOST / "grad_cpu" / STAMP
    assert read_bundle(folder).files() == (
        "MANIFEST.sha256",
        "artifacts/time.txt",
        "logs/pytest.log",
        "record.json",
        "summary.md",
    )
    assert [path.name for path in folder.parent.iterdir()] == [STAMP]


def test_sha256sum_accepts_the_manifest(folder) -> None:
    done = subprocess.run(
        ["sha256sum", "--strict", "-c", "MANIFEST.sha256"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK") == 4


def test_an_existing_stamp_is_never_written_to(tmp_path, folder) -> None:
    before = {name: (folder / name).read_bytes() for name in read_bundle(folder).files()}
    second = write_bundle(tmp_path / "results", make_record(), FILES, secrets=())
    assert second.name == next_stamp(STAMP)
    record = read_bundle(second).record
    assert record.stamp == second.name
    assert record.id == f"{HOST}/grad_cpu/{second.name}"
    assert (second / "artifacts/time.txt").read_text() == second.name
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_an_existing_stamp_can_be_refused(tmp_path, folder) -> None:
    with pytest.raises(UsageError, match="written once"):
        write_bundle(tmp_path / "results", make_record(), FILES, taken="refuse")
    assert verify(tmp_path).ok


def test_writers_at_once_all_get_their_own_stamp(tmp_path) -> None:
    barrier = threading.Barrier(8)

    def write(number: int):
        barrier.wait()
        return write_bundle(tmp_path, make_record(variant=f"v{number}"), FILES, secrets=())

    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(write, range(8)))
    assert len(set(paths)) == 8
    assert {read_bundle(path).record.variant for path in paths} == {f"v{number}" for number in range(8)}
    assert verify(tmp_path).ok
    assert not list(tmp_path.rglob("*.partial"))


def test_loses_the_race_at_the_last_moment(tmp_path, monkeypatch) -> None:
    original = bundle_module._fill

    def fill_while_another_wins(partial, *rest):
        made = original(partial, *rest)
        if partial.name.startswith(STAMP):
            winner = partial.parent / STAMP
            winner.mkdir()
            (winner / "theirs").touch()
        return made

    monkeypatch.setattr(bundle_module, "_fill", fill_while_another_wins)
    path = write_bundle(tmp_path, make_record(), FILES)
    assert path.name == next_stamp(STAMP)
    assert [file.name for file in (path.parent / STAMP).iterdir()] == ["theirs"]


@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.ENOSPC, NotMeasured), (errno.EDQUOT, NotMeasured), (errno.EROFS, UsageError), (errno.EIO, NotMeasured)],
)
def test_a_failing_disk_leaves_nothing(tmp_path, monkeypatch, number, error) -> None:
    written = []

    def fail(path, data) -> None:
        written.append(path)
        if len(written) == 3:
            raise OSError(number, os.strerror(number))
        path.write_bytes(data)

    monkeypatch.setattr(bundle_module, "write_synced", fail)
    with pytest.raises(error, match=re.escape(os.strerror(number))):
        write_bundle(tmp_path / "results", make_record(), FILES)
    assert not (tmp_path / "results").exists()


def test_a_real_full_disk_leaves_nothing(tmp_path) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    if (
        os.geteuid()
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(mount)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("mounting a small file system needs root")
    try:
        with pytest.raises(NotMeasured, match=r"no room left for .*free some space"):
            write_bundle(mount / "results", make_record(), {"logs/pytest.log": b"x" * 1_000_000})
        assert list(mount.iterdir()) == []
        with pytest.raises(NotMeasured, match="may be needed"):
            check_results_folder(mount / "results", 10_000_000)
        check_results_folder(mount / "results", 1000)
        subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
        with pytest.raises(UsageError, match="cannot be written"):
            check_results_folder(mount / "results")
        with pytest.raises(UsageError, match="cannot be written"):
            write_bundle(mount / "results", make_record(), FILES)
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def test_an_interrupt_leaves_nothing(tmp_path) -> None:
    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_bundle(tmp_path / "results", make_record(), {"a.txt": b"1", "b.txt": interrupt})
    assert not (tmp_path / "results").exists()


def test_a_results_path_that_is_a_file(tmp_path) -> None:
    file = tmp_path / "results"
    file.write_text("x")
    with pytest.raises(UsageError, match="not a folder"):
        check_results_folder(file)
    with pytest.raises(UsageError, match="not a folder"):
        check_results_folder(file / "below")
    with pytest.raises(UsageError, match="cannot be written"):
        write_bundle(file, make_record(), FILES)


def test_checking_makes_nothing(tmp_path) -> None:
    check_results_folder(tmp_path / "a" / "b", 1)
    assert list(tmp_path.iterdir()) == []


def test_a_source_file_that_is_gone(tmp_path) -> None:
    with pytest.raises(NotMeasured, match="cannot be copied"):
        write_bundle(tmp_path / "results", make_record(), {"logs/x.log": tmp_path / "none"})
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a b", "a//b", "ä", ".hidden", "record.json", "MANIFEST.sha256", "a/b/c/d/e/f/g", "", "x\n"]
)
def test_names_that_no_bundle_holds(tmp_path, name) -> None:
    with pytest.raises(DamagedData):
        write_bundle(tmp_path, make_record(), {name: b""})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"host": Host("../up", HostClass())},
        {"name": "a/b"},
        {"stamp": "20251301T000000Z"},
        {"host": Host("x.partial", HostClass())},
        {"stamp": "now"},
    ],
)
def test_a_record_cannot_choose_its_way_out(tmp_path, changes) -> None:
    with pytest.raises(DamagedData):
        write_bundle(tmp_path, make_record(**changes), FILES)
    assert list(tmp_path.iterdir()) == []


def test_a_leftover_of_the_same_stamp_is_passed_over(tmp_path) -> None:
    parent = tmp_path / HOST / "grad_cpu"
    (parent / f"{STAMP}.partial").mkdir(parents=True)
    assert write_bundle(tmp_path, make_record(), FILES).name == next_stamp(STAMP)


@pytest.mark.parametrize("moment", ["open", "locked"])
@pytest.mark.parametrize("taken", ["next", "refuse"])
def test_one_that_is_taken_for_a_leftover_as_it_begins_is_begun_once_more(tmp_path, monkeypatch, moment, taken) -> None:
    removed: list = []
    make, lock = bundle_module.make_named, bundle_module.fcntl.flock

    def tidy() -> None:
        if not removed:
            removed.extend(remove_partials(tmp_path))

    def make_and_lose(folder, more) -> None:
        make(folder, more)
        if moment == "open":
            tidy()

    def lose_and_lock(descriptor, how) -> None:
        if moment == "locked" and how == bundle_module.fcntl.LOCK_EX:
            tidy()
        lock(descriptor, how)

    monkeypatch.setattr(bundle_module, "make_named", make_and_lose)
    monkeypatch.setattr(bundle_module.fcntl, "flock", lose_and_lock)
    assert write_bundle(tmp_path, make_record(), FILES, taken=taken).name == STAMP
    assert [path.name for path in removed] == [f"{STAMP}.partial"]
    assert [path.name for path in (tmp_path / HOST / "grad_cpu").iterdir()] == [STAMP]


def test_what_is_in_the_way_of_a_stamp_that_must_be_had_is_named(tmp_path) -> None:
    parent = tmp_path / HOST / "grad_cpu"
    (parent / f"{STAMP}.partial").mkdir(parents=True)
    with pytest.raises(UsageError, match=rf"{STAMP}\.partial is in the way"):
        write_bundle(tmp_path, make_record(), FILES, taken="refuse")


def test_unknown_keys_stay_in_the_bytes_of_a_record(folder) -> None:
    bundle = read_bundle(folder / "record.json")
    document = msgspec.json.decode(bundle.record_bytes)
    document["later"] = {"x": 1}
    again = codec.encode(codec.decode(msgspec.json.encode(document)), msgspec.json.encode(document))
    assert msgspec.json.decode(again)["later"] == {"x": 1}


def test_text_of_a_file(folder) -> None:
    bundle = read_bundle(folder)
    assert bundle.read_text("logs/pytest.log") == "ok\n"
    assert bundle.read_text("logs/pytest.log", limit=1) == "o"
    assert bundle.read_text("logs/none.log") is None
    assert bundle.read_text("../../../x") is None


def test_reading_what_is_no_bundle(tmp_path, folder) -> None:
    with pytest.raises(UsageError, match="no bundle"):
        read_bundle(tmp_path / "none")
    with pytest.raises(DamagedData, match=r"has no record\.json"):
        read_bundle(tmp_path)
    (folder / "record.json").unlink()
    (folder / "record.json").symlink_to(folder / "summary.md")
    with pytest.raises(DamagedData):
        read_bundle(folder)


def test_finding(tmp_path, folder) -> None:
    results = tmp_path / "results"
    other = write_bundle(results, make_record(host=OTHER_CLASS), FILES)
    write_bundle(results / "reference", make_record(host=REFERENCE), FILES)
    assert [bundle.path for bundle in find_bundles(folder)] == [folder]
    assert [bundle.path for bundle in find_bundles(folder / "record.json")] == [folder]
    assert {bundle.record.host.id for bundle in find_bundles(results)} == {HOST, OTHER, host_id(REFERENCE)}
    assert [bundle.path for bundle in find_bundles(OTHER, results)] == [other]
    assert len(find_bundles(host_id(REFERENCE), results)) == 1
    assert [bundle.path for bundle in find_bundles(f"{HOST}/grad_cpu/{STAMP}", results)] == [folder]
    with pytest.raises(UsageError, match="there is no result 'nobody'"):
        find_bundles("nobody", results)
    with pytest.raises(UsageError):
        bundle_folders(tmp_path / "none")


def test_one_damaged_bundle_does_not_hide_the_others(tmp_path, folder) -> None:
    write_bundle(tmp_path / "results", make_record(host=OTHER_CLASS), FILES)
    (folder / "record.json").write_text("{")
    found = scan(tmp_path / "results")
    assert [bundle.record.host.id for bundle in found.bundles] == [OTHER]
    assert len(found.problems) == 1
    with pytest.raises(DamagedData, match="not JSON"):
        find_bundles(tmp_path / "results")


def test_the_fuller_copy_of_a_result_counts_once(tmp_path) -> None:
    poor = write_bundle(tmp_path / "reference", make_record(), {})
    rich = write_bundle(tmp_path, make_record(), FILES)
    assert [bundle.path for bundle in scan(tmp_path).bundles] == [rich]
    assert poor != rich


def test_verify_names_every_file_that_is_wrong(tmp_path, folder) -> None:
    assert verify(folder).ok
    (folder / "summary.md").write_text("changed")
    (folder / "logs/pytest.log").unlink()
    (folder / "extra.txt").write_text("x")
    (folder / "link").symlink_to("/etc/passwd")
    problems = {(found.problem.file, found.problem.reason) for found in verify(tmp_path / "results").problems}
    assert problems == {
        ("summary.md", "differs from the manifest"),
        ("logs/pytest.log", "missing"),
        ("extra.txt", "not in the manifest"),
        ("link", "not a plain file"),
    }
    assert str(folder) in str(verify(folder).problems[0])


def test_verify_checks_the_schema_by_path(folder) -> None:
    text = (folder / "record.json").read_text().replace('"wall_s": 10.5', '"wall_s": "long"')
    (folder / "record.json").write_text(text)
    assert any("runs[0].wall_s" in str(found) for found in verify(folder).problems)


def test_verify_without_record_or_manifest(folder) -> None:
    (folder / "record.json").unlink()
    assert {found.problem.file for found in verify(folder.parent).problems} == {"record.json"}
    (folder / "MANIFEST.sha256").unlink()
    assert "MANIFEST.sha256" in {found.problem.file for found in verify(folder.parent).problems}


def test_verify_reads_a_hostile_manifest(folder) -> None:
    lines = f"{'0' * 64}  ../../etc/passwd\nnonsense\n" + (folder / "MANIFEST.sha256").read_text() * 2
    (folder / "MANIFEST.sha256").write_text(lines)
    reasons = [str(found.problem) for found in verify(folder).problems]
    assert "MANIFEST.sha256, line 1: names a path that no bundle can hold" in reasons
    assert "MANIFEST.sha256, line 2: not a hash and a file name" in reasons
    assert any("twice" in reason for reason in reasons)


@pytest.mark.parametrize(
    "change",
    [
        *(
            lambda data, end=end: data.replace(b"\n", end, 1)
            for end in (b"\x0b", b"\x0c", b"\r", b"\x1c", b"\r\n", b"\n\n")
        ),
        lambda data: data.replace(b"  ", b" *", 1),
        lambda data: data.removesuffix(b"\n"),
        lambda data: data + b"\n",
        lambda data: b"".join(reversed(data.splitlines(keepends=True))),
    ],
)
def test_verify_sees_every_change_of_the_manifest(folder, change) -> None:
    manifest = folder / "MANIFEST.sha256"
    assert verify(folder).ok
    manifest.write_bytes(change(manifest.read_bytes()))
    assert [found.problem.file for found in verify(folder).problems if found.problem.file == "MANIFEST.sha256"]


def test_verify_sees_every_other_bit_of_the_manifest(folder) -> None:
    manifest = folder / "MANIFEST.sha256"
    good = manifest.read_bytes()
    for at in range(len(good)):
        manifest.write_bytes(good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :])
        assert check_manifest(folder), at


def test_verify_sees_a_folder_that_was_added(folder) -> None:
    (folder / "logs" / "more").mkdir()
    assert [(found.problem.file, found.problem.reason) for found in verify(folder).problems] == [
        ("logs/more", "a folder that the manifest has no file in")
    ]


def test_verify_sees_a_moved_stamp(folder) -> None:
    moved = folder.rename(folder.parent / "20260102T030406Z")
    assert any("its folder 20260102T030406Z" in str(found) for found in verify(moved).problems)


def test_verify_of_nothing(tmp_path) -> None:
    with pytest.raises(DamagedData, match="no bundle"):
        verify(tmp_path)
    with pytest.raises(UsageError, match="no folder"):
        verify(tmp_path / "none")


def test_stamps() -> None:
    moment = datetime(2025, 10, 15, 10, 33, 9, tzinfo=timezone(timedelta(hours=-7)))
    assert make_stamp(moment) == "20251015T173309Z"
    assert make_stamp(datetime(2025, 10, 15, 17, 33, 9)) == "20251015T173309Z"
    assert parse_stamp("20251015T173309Z") == datetime(2025, 10, 15, 17, 33, 9, tzinfo=UTC)
    assert next_stamp("20251231T235959Z") == "20260101T000000Z"
    assert stamp_time("20251015T173309Z") == datetime(2025, 10, 15, 17, 33, 9, tzinfo=UTC)
    assert stamp_time("2025101T173309Z") is None
    assert not is_stamp("20251315T173309Z")
    assert not is_stamp("٢0251015T173309Z")


def test_file_names() -> None:
    assert numbered("logs/pytest.log", 0, 1) == "logs/pytest.log"
    assert numbered("logs/pytest.log", 3, 10) == "logs/pytest-003.log"
    assert numbered("artifacts/pytest.junit.xml", 0, 2) == "artifacts/pytest-000.junit.xml"
    assert numbered("time", 1, 2) == "time-001"
    for name in ("a b/ü?.txt", "../../x", "", "///", "." * 300, "a/" * 20):
        assert is_file_name(safe_file_name(name))
    assert safe_file_name("env/ok.txt") == "env/ok.txt"


def test_twins_are_found_as_by_a_scan_of_the_tree(tmp_path) -> None:
    first = write_bundle(tmp_path / "results", make_record(), FILES)
    shutil.copytree(first, tmp_path / "results/reference" / first.relative_to(tmp_path / "results"))
    folders = bundle_folders(tmp_path / "results")
    found = [str(one) for one in find_twins(folders)]
    assert len(folders) == 2
    assert len(found) == 1
    assert found == [str(one) for one in scan(tmp_path / "results").twins]
