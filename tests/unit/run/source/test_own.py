"""What bench wrote itself is no code under test, wherever in the project it lies."""

import shutil

import pytest

from bench.record.storage.partial import mark
from bench.run.source.read import read_project

BUNDLE = "amd-2t/t_cpu/20260101T000000Z"
RECORD = '{\n  "schema": "bench.record/1",\n  "id": "x"\n}\n'


def bundle(checkout, results, place=BUNDLE):
    checkout.write(f"{results}/{place}/record.json", RECORD)
    checkout.write(f"{results}/{place}/logs/pytest.log", "passed\n")


@pytest.mark.parametrize("results", ["results", "out/of/bench", ".", "tests/results", ".hidden"])
@pytest.mark.parametrize("place", [BUNDLE, f"reference/{BUNDLE}", f"{BUNDLE}.partial", ".import-x.partial/a/b"])
@pytest.mark.parametrize("tracked", [False, True])
def test_results_in_a_checkout_change_nothing(checkout, results, place, tracked):
    folder = checkout.root / results
    before, files = read_project(checkout.root, folder)
    bundle(checkout, results, place)
    if tracked:
        checkout.commit()
    after, copied = read_project(checkout.root, folder)
    assert (after.sha256, after.dirty, copied.files) == (before.sha256, False, files.files)
    assert bool(copied.left_out) is tracked


def test_results_that_went_elsewhere_before_are_still_results(checkout):
    before, _ = read_project(checkout.root, checkout.root / "results")
    bundle(checkout, "earlier")
    mark(checkout.write("other/amd/t_cpu/20260102T000000Z.partial/x").parent)
    after, tree = read_project(checkout.root, checkout.root / "results")
    assert (after.sha256, after.dirty) == (before.sha256, False)
    assert tree.files == ("tests/test_a.py",)


def test_results_in_a_folder_without_git_change_nothing(checkout):
    shutil.rmtree(checkout.root / ".git")
    before, _ = read_project(checkout.root, checkout.root / "results")
    bundle(checkout, "results")
    bundle(checkout, "earlier")
    after, _ = read_project(checkout.root, checkout.root / "results")
    assert after == before


def test_results_reached_over_a_link_are_results(checkout, tmp_path):
    (tmp_path / "same").symlink_to(checkout.root)
    bundle(checkout, "results", "amd/t_cpu/20260101T000000Z/x")
    source, tree = read_project(tmp_path / "same", tmp_path / "same" / "results")
    assert (source.dirty, tree.files) == (False, ("tests/test_a.py",))


def test_a_project_s_own_files_count_though_they_look_a_little_like_ours(checkout):
    names = (
        "results/expected.json",
        "results/a/b/c.json",
        "results/README.md",
        "data/20260101T000000Z/record.json",
        "data/x/record.json",
    )
    for name in names:
        checkout.write(name, "{}")
    bundle(checkout, "tests/bundles")
    checkout.commit()
    source, tree = read_project(checkout.root, checkout.root / "results")
    assert set(names) < set(tree.files)
    assert f"tests/bundles/{BUNDLE}/record.json" in tree.files  # committed beside the tests: they may read it
    assert (source.dirty, tree.left_out) == (False, ())


def test_caches_and_state_kept_in_the_checkout_are_not_copied(checkout, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(checkout.root / ".cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(checkout.root / "state"))
    before, _ = read_project(checkout.root)
    checkout.write(".cache/bench/environments/small-1/lib/x.py")
    checkout.write("state/bench/sessions/1/result.json")
    after, _ = read_project(checkout.root)
    assert (after.sha256, after.dirty) == (before.sha256, False)
    checkout.write(".cache/else.txt")
    assert read_project(checkout.root)[0].dirty is True


def test_a_project_below_the_checkout_s_top_is_told_from_its_results(checkout):
    bundle(checkout, "tests/results")
    source, tree = read_project(checkout.root / "tests", checkout.root / "tests" / "results")
    assert (source.dirty, tree.files) == (False, ("test_a.py",))
