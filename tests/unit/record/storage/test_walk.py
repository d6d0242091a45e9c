"""Each bundle below a folder is found once, by its own path, whatever links lead to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.record.storage.walk import bundle_paths, bundles_by_folder

LEAP = "20240229T000000Z"


def make(top: Path, *names: str) -> None:
    for name in names:
        (top / name).mkdir(parents=True)


def found(top: Path) -> list[str]:
    return sorted(str(Path(path).relative_to(top)) for path in bundle_paths(str(top)))


def test_stamps_are_bundles_and_a_day_that_no_year_has_is_none(tmp_path: Path) -> None:
    wrong = ["20230229T000000Z", "20240431T000000Z", "20240230T000000Z", "20241301T000000Z", "20240101T240000Z"]
    right = [LEAP, "20240430T000000Z", "20240131T235959Z", "20231231T000000Z"]
    make(tmp_path / "h" / "d", *wrong, *right)
    assert found(tmp_path) == sorted(f"h/d/{name}" for name in right)
    assert {Path(folder).name: sorted(names) for folder, names in bundles_by_folder(str(tmp_path)).items()} == {
        "d": sorted(right)
    }


def test_a_record_or_a_manifest_makes_a_bundle_of_any_name_and_a_file_makes_none(tmp_path: Path) -> None:
    make(tmp_path, "kept/mine", f"kept/{LEAP}", "kept/.hidden", "kept/20240101T000000Z.partial", "kept/plain")
    (tmp_path / "kept" / "mine" / "record.json").write_text("{}")
    (tmp_path / "kept" / "20240102T000000Z").write_text("a file")
    assert found(tmp_path) == [f"kept/{LEAP}", "kept/mine"]
    assert bundle_paths(str(tmp_path / "kept" / "mine")) == [str(tmp_path / "kept" / "mine")]


@pytest.mark.parametrize("at", [".", "h", "h/d"])
def test_a_link_adds_what_is_not_there_by_its_own_path(tmp_path: Path, at: str) -> None:
    results, other = tmp_path / "results", tmp_path / "other"
    make(results, f"h/d/{LEAP}", "h/d/20240101T000000Z")
    make(other, "h2/d/20240301T000000Z", "h2/d/20240302T000000Z")
    (results / at / "again").symlink_to(results / "h")
    (results / at / "20240401T000000Z").symlink_to(results / "h" / "d" / LEAP)
    own = [f"h/d/{LEAP}", "h/d/20240101T000000Z"]
    assert found(results) == sorted(own)
    (results / at / "more").symlink_to(other / "h2")
    (results / at / "twice").symlink_to(other / "h2" / "d")
    (results / at / "20240501T000000Z").symlink_to(other / "h2" / "d" / "20240301T000000Z")
    names = [Path(path).resolve() for path in bundle_paths(str(results))]
    assert len(names) == len(set(names)) == 4
    assert {name.name for name in names} == {LEAP, "20240101T000000Z", "20240301T000000Z", "20240302T000000Z"}


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    make(tmp_path / "results", f"h/d/{LEAP}")
    (tmp_path / "results" / "h" / "d" / "loop").symlink_to(tmp_path / "results")
    assert found(tmp_path / "results") == [f"h/d/{LEAP}"]
