"""A record is the result that it says it is, where its folders say it is."""

from __future__ import annotations

import json
import shutil

import msgspec
import pytest

from bench.errors import DamagedData
from bench.names import next_stamp, record_id
from bench.record.host_id import class_hash
from bench.record.storage.archive import export
from bench.record.storage.bundle import write_bundle
from bench.record.storage.verify import verify
from tests.integration.command import forge
from tests.support.records import HOST, HOST_CLASS, OTHER, OTHER_CLASS, STAMP, make_record

FILES = {"summary.md": b"# x\n"}


@pytest.fixture
def folder(tmp_path):
    return write_bundle(tmp_path / "there", make_record(), FILES)


def reasons(path) -> list[str]:
    return [one.problem.reason for one in verify(path).problems]


def forged(folder, tmp_path, change):
    return forge(folder, tmp_path / "forged" / folder.name, change)


@pytest.mark.parametrize(
    "false_id",
    [
        "../../evil\x1b[31m",
        "zzz",
        "",
        record_id(OTHER, "grad_cpu", STAMP),
        record_id(HOST, "grad_cpu", next_stamp(STAMP)),
    ],
)
def test_an_id_that_is_another_result_s(tmp_path, folder, false_id) -> None:
    bundle = forged(folder, tmp_path, lambda record: record.update(id=false_id))
    (reason,) = reasons(bundle)
    assert reason.startswith("its id is '")
    assert reason.endswith(f"its host, diagnostic and stamp are {record_id(HOST, 'grad_cpu', STAMP)}")
    with pytest.raises(DamagedData, match="its id is"):
        export([bundle], tmp_path / "x.tar.gz")


@pytest.mark.parametrize(
    "host", ["reference", "x.partial", "amd-ryzen-3f2a91", class_hash(HOST_CLASS)[:6], OTHER, ".."]
)
def test_a_host_s_id_that_its_class_does_not_give(tmp_path, folder, host) -> None:
    def change(record) -> None:
        record["host"]["id"] = host
        record["id"] = record_id(host, "grad_cpu", STAMP)

    assert any("not the hash of the host's class" in reason for reason in reasons(forged(folder, tmp_path, change)))


def test_a_class_that_was_changed_under_its_id(tmp_path, folder) -> None:
    changed = forged(folder, tmp_path, lambda record: record["host"]["class"].update(threads=3))
    (reason,) = reasons(changed)
    assert reason == f"its host is called {HOST}, which is not the hash of the host's class"


def test_a_class_of_which_a_later_version_knows_more(tmp_path, folder) -> None:
    known = json.loads(msgspec.json.encode(HOST_CLASS)) | {"cache_bytes": 1024}

    def change(record) -> None:
        record["host"]["class"] |= known
        record["host"]["id"] = f"test-2t-{class_hash(known)[:6]}"
        record["id"] = record_id(record["host"]["id"], "grad_cpu", STAMP)

    assert reasons(forged(folder, tmp_path, change)) == []


def test_a_class_that_was_redacted_after_it_was_hashed(tmp_path) -> None:
    bundle = write_bundle(tmp_path, make_record(), FILES, secrets={"Test CPU"})
    assert "[redacted" in (bundle / "record.json").read_text()
    assert reasons(tmp_path) == []


@pytest.mark.parametrize("place", [f"{OTHER}/grad_cpu", f"{HOST}/dtype_cpu", f"reference/{OTHER}/grad_cpu"])
def test_a_bundle_that_was_moved_within_a_tree(tmp_path, folder, place) -> None:
    write_bundle(tmp_path / "results", make_record(host=OTHER_CLASS, stamp=next_stamp(STAMP)), FILES)
    assert reasons(tmp_path / "results") == []
    shutil.copytree(folder, tmp_path / "results" / place / STAMP)
    (reason,) = reasons(tmp_path / "results")
    assert reason == f"it belongs in {HOST}/grad_cpu, its folder lies in {'/'.join(place.split('/')[-2:])}"


def test_a_copy_may_be_called_anything(tmp_path, folder) -> None:
    shutil.copytree(folder, tmp_path / "copies" / "mine" / STAMP)
    shutil.copytree(folder, tmp_path / "copies" / "of" / "some" / "name")
    assert reasons(tmp_path / "copies") == []
    assert reasons(tmp_path / "copies" / "mine" / STAMP) == []
