"""Archives go out the same every time, and nothing of a hostile one comes in."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.errors import BenchError, DamagedData, UsageError
from bench.record.storage import partial
from bench.record.storage.archive import export, import_archive
from bench.record.storage.bundle import write_bundle
from bench.record.storage.compression import zstd
from bench.record.storage.manifest import MANIFEST, hash_file, list_files, render_manifest
from bench.record.storage.verify import verify
from tests.integration.command import forge
from tests.support.records import HOST, OTHER_CLASS, STAMP, make_record, make_run

FILES = {"summary.md": b"# x\n", "logs/pytest.log": b"ok\n" * 1000}


@pytest.fixture
def folder(tmp_path):
    return write_bundle(tmp_path / "there", make_record(), FILES)


def tree(path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def pack(path, members, suffix=".tar.gz") -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for member in members:
            info, data = member if isinstance(member, tuple) else (member, b"")
            if isinstance(info, str):
                info = tarfile.TarInfo(info)
            if info.isreg() and info.size == 0:
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    path.write_bytes(gzip.compress(buffer.getvalue()) if suffix == ".tar.gz" else zstd.compress(buffer.getvalue()))


def members_of(folder, place=f"{HOST}/grad_cpu/{STAMP}"):
    return [(f"{place}/{name}", (folder / name).read_bytes()) for name in list_files(folder)[0]]


@pytest.mark.parametrize("suffix", [".tar.zst", ".tar.gz", ".tgz"])
def test_there_and_back(tmp_path, folder, suffix) -> None:
    other = write_bundle(tmp_path / "there", make_record(host=OTHER_CLASS), FILES)
    archive = tmp_path / f"runs{suffix}"
    export([folder, other, folder], archive)
    report = import_archive(archive, tmp_path / "here")
    assert len(report.imported) == 2
    assert report.present == ()
    assert tree(tmp_path / "here") == tree(tmp_path / "there")
    assert verify(tmp_path / "here").ok
    again = import_archive(archive, tmp_path / "here")
    assert again.imported == ()
    assert len(again.present) == 2
    assert [path.name for path in (tmp_path / "here").iterdir() if path.name.startswith(".")] == []


def test_another_run_s_stamp_is_told_of_one_that_was_brought_in_before_too(tmp_path, folder) -> None:
    archive = tmp_path / "runs.tar.zst"
    export([folder], archive)
    write_bundle(tmp_path / "here", make_record(runs=(make_run(wall_s=3.5),)), FILES)
    first = import_archive(archive, tmp_path / "here")
    again = import_archive(archive, tmp_path / "here")
    assert first.imported == again.present
    assert first.imported[0].name != STAMP
    assert first.renamed == again.renamed == {first.imported[0]: f"{HOST}/grad_cpu/{STAMP}"}


@pytest.mark.parametrize("suffix", [".tar.zst", ".tar.gz"])
def test_same_bundles_same_bytes(tmp_path, folder, suffix) -> None:
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    other = write_bundle(tmp_path / "there", make_record(host=OTHER_CLASS), FILES)
    export([folder, other], first)
    moved = tmp_path / "elsewhere"
    shutil.copytree(folder, moved)
    os.utime(moved / "summary.md", (1, 1))
    export([other, moved], second)
    assert first.read_bytes() == second.read_bytes()


def test_export_replaces_whole_or_not_at_all(tmp_path, folder) -> None:
    archive = tmp_path / "runs.tar.gz"
    export([folder], archive)
    before = archive.read_bytes()
    (folder / "summary.md").write_text("changed")
    with pytest.raises(DamagedData, match=r"summary\.md: differs"):
        export([folder], archive)
    assert archive.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs.tar.gz", "there"]


def test_export_refuses(tmp_path, folder) -> None:
    with pytest.raises(UsageError, match="kind of archive"):
        export([folder], tmp_path / "runs.zip")
    with pytest.raises(UsageError, match="nothing to export"):
        export([], tmp_path / "runs.tar.gz")
    twin = write_bundle(tmp_path / "third", make_record(variant="x"), FILES)
    with pytest.raises(UsageError, match="differ"):
        export([folder, twin], tmp_path / "runs.tar.gz")
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="cannot be written"):
        export([folder], tmp_path / "file" / "runs.tar.gz")


@pytest.mark.parametrize("place", ["file/runs.tar.gz", "folder.tar.gz", f"{'long' * 100}.tar.gz"])
def test_an_archive_that_cannot_lie_there_is_told_by_its_own_option(tmp_path, folder, place) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder.tar.gz").mkdir()
    with pytest.raises(UsageError) as raised:
        export([folder], tmp_path / place)
    assert " -o" in raised.value.fix
    assert "--results" not in str(raised.value)


def test_a_different_bundle_of_the_same_id_is_refused_and_nothing_comes_in(tmp_path, folder) -> None:
    other = write_bundle(tmp_path / "there", make_record(host=OTHER_CLASS), FILES)
    archive = tmp_path / "runs.tar.zst"
    export([folder, other], archive)
    here = write_bundle(tmp_path / "here", make_record(variant="mine"), FILES)
    before = tree(tmp_path / "here")
    with pytest.raises(DamagedData, match=f"{STAMP} differs from the one that is here"):
        import_archive(archive, tmp_path / "here")
    assert tree(tmp_path / "here") == before
    assert here.exists()


@pytest.mark.parametrize(
    "name",
    [
        "../x/y/20260102T030405Z/record.json",
        "/etc/y/20260102T030405Z/record.json",
        f"{HOST}/grad_cpu/{STAMP}/../../../../x",
        f"{HOST}/grad_cpu/{STAMP}/a b",
        f"{HOST}/grad_cpu/latest/record.json",
        f"{HOST}/grad_cpu/{STAMP}.partial/record.json",
        f".git/hooks/{STAMP}/x",
        f"{HOST}/grad_cpu/{STAMP}",
        "record.json",
        f"{HOST}/grad_cpu/{STAMP}/x\n",
        f"{HOST}/grad_cpu/{STAMP}/{'a/' * 9}x",
    ],
)
def test_no_path_leaves_the_target(tmp_path, folder, name) -> None:
    archive = tmp_path / "bad.tar.gz"
    pack(archive, [*members_of(folder), (name, b"x")])
    with pytest.raises(DamagedData, match="no file of a bundle"):
        import_archive(archive, tmp_path / "here" / "results")
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE]
)
def test_no_links_and_no_devices(tmp_path, folder, kind) -> None:
    info = tarfile.TarInfo(f"{HOST}/grad_cpu/{STAMP}/x")
    info.type, info.linkname = kind, "/etc/passwd"
    archive = tmp_path / "bad.tar.gz"
    pack(archive, [*members_of(folder), info])
    with pytest.raises(DamagedData, match="link, a device"):
        import_archive(archive, tmp_path / "here")
    assert not (tmp_path / "here").exists()


def test_a_link_in_the_results_folder_leads_nowhere(tmp_path, folder) -> None:
    archive = tmp_path / "runs.tar.gz"
    export([folder], archive)
    (tmp_path / "here").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "here" / HOST).symlink_to(tmp_path / "outside")
    with pytest.raises(DamagedData, match="through a link"):
        import_archive(archive, tmp_path / "here")
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.zst"])
def test_a_bomb_is_stopped_at_the_bound(tmp_path, folder, suffix) -> None:
    archive = tmp_path / f"bomb{suffix}"
    pack(archive, [(f"{HOST}/grad_cpu/{STAMP}/logs/x.log", b"\0" * 30_000_000)], suffix)
    assert archive.stat().st_size < 100_000
    with pytest.raises(DamagedData, match=r"more than 1\.00 MiB"):
        import_archive(archive, tmp_path / "here", max_bytes=1024**2)
    assert not (tmp_path / "here").exists()


def test_a_header_cannot_eat_the_memory(tmp_path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 50_000_000
    archive = tmp_path / "bomb.tar.gz"
    archive.write_bytes(gzip.compress(header.tobuf() + b"\0" * 50_000_000))
    with pytest.raises(DamagedData, match="unpacks to more than"):
        import_archive(archive, tmp_path / "here")


def test_a_claimed_size_is_not_believed(tmp_path) -> None:
    info = tarfile.TarInfo(f"{HOST}/grad_cpu/{STAMP}/x")
    info.size = 10**12
    archive = tmp_path / "bad.tar.gz"
    archive.write_bytes(gzip.compress(info.tobuf() + b"short"))
    with pytest.raises(DamagedData, match="unpacks to more than"):
        import_archive(archive, tmp_path / "here")


def test_a_damaged_bundle_is_named(tmp_path, folder) -> None:
    archive = tmp_path / "bad.tar.gz"
    pack(archive, [(name, data if not name.endswith(".log") else b"other") for name, data in members_of(folder)])
    with pytest.raises(DamagedData, match=r"is damaged: logs/pytest\.log: differs"):
        import_archive(archive, tmp_path / "here")
    assert not (tmp_path / "here").exists()


def test_a_record_in_anothers_place_is_refused(tmp_path, folder) -> None:
    archive = tmp_path / "bad.tar.gz"
    pack(archive, members_of(folder, f"victim-1/grad_cpu/{STAMP}"))
    with pytest.raises(DamagedData, match=f"victim-1/grad_cpu/{STAMP} holds the record of {HOST}"):
        import_archive(archive, tmp_path / "here")


def test_the_same_file_twice(tmp_path, folder) -> None:
    archive = tmp_path / "bad.tar.gz"
    pack(archive, [*members_of(folder), *members_of(folder)])
    with pytest.raises(DamagedData, match="twice"):
        import_archive(archive, tmp_path / "here")


@pytest.mark.parametrize("turn", [1, -1])
def test_a_file_that_is_a_folder_too(tmp_path, folder, turn) -> None:
    place = f"{HOST}/grad_cpu/{STAMP}"
    archive = tmp_path / "bad.tar.gz"
    pack(archive, [*members_of(folder), *[(f"{place}/env", b"x"), (f"{place}/env/env.txt", b"x")][::turn]])
    with pytest.raises(DamagedData, match="beside a folder or below a file"):
        import_archive(archive, tmp_path / "here")
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize("place", [f"{HOST}.partial/grad_cpu/{STAMP}", f"{HOST}/grad_cpu.partial/{STAMP}"])
def test_a_place_that_nobody_would_look_into(tmp_path, folder, place) -> None:
    archive = tmp_path / "bad.tar.gz"
    pack(archive, members_of(folder, place))
    with pytest.raises(DamagedData, match=r"no file of a bundle.*cannot name a folder"):
        import_archive(archive, tmp_path / "here")
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_headers_nested_without_end(tmp_path, kind) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = kind, 12
    archive = tmp_path / "bad.tar.gz"
    archive.write_bytes(gzip.compress((header.tobuf() + b"12 comment=a\n".ljust(512, b"\0")) * 3000))
    # Newer Pythons see at the first of two of these kinds that it is none.
    with pytest.raises(DamagedData, match=r"nested without end|invalid header"):
        import_archive(archive, tmp_path / "here")
    assert not (tmp_path / "here").exists()


def test_a_sparse_file_is_none_of_a_bundle_s_and_unpacks_to_nothing(tmp_path) -> None:
    info = tarfile.TarInfo(f"{HOST}/grad_cpu/{STAMP}/x")
    data = b"1\n0\n3\n".ljust(512, b"\0") + b"abc"
    info.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": info.name,
        "GNU.sparse.realsize": str(10**12),
    }
    archive = tmp_path / "bad.tar.gz"
    pack(archive, [(info, data)])
    with pytest.raises(DamagedData, match="link, a device"):
        import_archive(archive, tmp_path / "here")
    assert not (tmp_path / "here").exists()


def test_an_archive_made_by_hand_imports(tmp_path, folder) -> None:
    directory = tarfile.TarInfo(f"./results/{HOST}")
    directory.type = tarfile.DIRTYPE
    archive = tmp_path / "hand.tar.gz"
    pack(archive, [directory, *((f"./results/{name}", data) for name, data in members_of(folder))])
    assert len(import_archive(archive, tmp_path / "here").imported) == 1


def test_what_is_no_archive(tmp_path) -> None:
    for name, data in (
        ("a.tar.gz", b"not gzip"),
        ("b.tar.zst", b"not zstd"),
        ("c.tar.gz", gzip.compress(b"")),
        ("d.tar.gz", b""),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(DamagedData):
            import_archive(path, tmp_path / "here")
    with pytest.raises(UsageError, match="no archive"):
        import_archive(tmp_path / "none.tar.gz", tmp_path / "here")
    with pytest.raises(UsageError, match="kind of archive"):
        import_archive(tmp_path / "none.zip", tmp_path / "here")
    empty = tmp_path / "empty.tar.gz"
    pack(empty, [])
    with pytest.raises(DamagedData, match="no bundle"):
        import_archive(empty, tmp_path / "here")
    assert not (tmp_path / "here").exists()


def test_too_many_files(tmp_path, monkeypatch, folder) -> None:
    monkeypatch.setattr("bench.record.storage.archive.MAX_FILES", 3)
    archive = tmp_path / "many.tar.gz"
    pack(archive, members_of(folder))
    with pytest.raises(DamagedData, match="more than 3 files"):
        import_archive(archive, tmp_path / "here")


def test_an_import_that_is_taken_for_a_leftover_as_it_begins_begins_once_more(tmp_path, monkeypatch, folder) -> None:
    export([folder], tmp_path / "x.tar.gz")
    removed: list = []
    hold = partial.being_written

    def hold_late(begun):
        if not removed:
            removed.extend(partial.remove_partials(tmp_path / "here"))
        return hold(begun)

    monkeypatch.setattr(partial, "being_written", hold_late)
    assert len(import_archive(tmp_path / "x.tar.gz", tmp_path / "here").imported) == 1
    assert len(removed) == 1
    assert [path.name for path in (tmp_path / "here").iterdir()] == [HOST]


def test_a_newer_schema_is_refused_with_what_to_install(tmp_path, folder) -> None:
    record = folder / "record.json"
    record.write_text(record.read_text().replace("bench.record/1", "bench.record/2"))
    names = [name for name in list_files(folder)[0] if name != MANIFEST]
    (folder / MANIFEST).write_text(render_manifest({name: hash_file(folder / name) for name in names}))
    archive = tmp_path / "new.tar.gz"
    pack(archive, members_of(folder))
    with pytest.raises(DamagedData, match="install version 2") as found:
        import_archive(archive, tmp_path / "here")
    assert f"{HOST}/grad_cpu/{STAMP}/record.json of {archive} has the newer schema bench.record/2" in str(found.value)
    assert "partial" not in str(found.value)
    with pytest.raises(DamagedData, match=r"record\.json has the newer schema bench\.record/2"):
        export([folder], tmp_path / "again.tar.gz")


@pytest.mark.parametrize(
    ("schema", "said"), [("bench.record/1.7", "install a newer version"), ("bench.record/1", "fit")]
)
def test_a_value_that_only_a_newer_version_knows(tmp_path, folder, schema, said) -> None:
    def change(record) -> None:
        record["schema"] = schema
        record["verdict"]["status"] = "brand_new"

    newer = forge(folder, tmp_path / "newer" / STAMP, change)
    archive = tmp_path / "new.tar.gz"
    pack(archive, members_of(newer))
    with pytest.raises(DamagedData, match=said) as found:
        import_archive(archive, tmp_path / "here")
    assert "verdict.status" in str(found.value)
    assert ("damaged" in str(found.value)) == (schema == "bench.record/1")
    assert ".partial" not in str(found.value)
    (problem,) = verify(newer).problems
    assert said in problem.problem.reason


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_reported_never_a_crash(tmp_path, folder, data) -> None:
    archive = tmp_path / "fuzz.tar.gz"
    if not archive.exists():
        export([folder], archive)
    good = bytearray(gzip.decompress(archive.read_bytes()))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    bad = tmp_path / "bad.tar.gz"
    bad.write_bytes(gzip.compress(bytes(good[: data.draw(st.integers(0, len(good)))])))
    target = tmp_path / "fuzzed"
    shutil.rmtree(target, ignore_errors=True)
    try:
        import_archive(bad, target)
    except BenchError:
        assert not target.exists()
    else:
        assert verify(target).ok
