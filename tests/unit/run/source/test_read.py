"""A project's source and files: hashed by content, refused in one line if they cannot be copied."""

import subprocess

import pytest

from bench.engine.transfer.plain import copy_tree
from bench.errors import UsageError
from bench.run.source import read as module
from bench.run.source.own import is_bundle
from bench.run.source.read import MAX_PROJECT_BYTES, read_catalog_source, read_project, tree_sha256


def sparse(path, size):
    with path.open("wb") as file:
        file.truncate(size)


def test_a_checkout_gives_git_s_files_its_commit_and_no_caches(checkout):
    checkout.write(".gitignore", "*.log\n")
    checkout.commit()
    checkout.write("noise.log")
    checkout.write("new.py", "")
    source, tree = read_project(checkout.root)
    assert tree.files == (".gitignore", "new.py", "tests/test_a.py")
    assert source.kind == "project"
    assert len(source.commit) == 40
    assert source.dirty is True


def test_the_hash_follows_the_content_and_nothing_else(checkout):
    before, tree = read_project(checkout.root)
    assert before.dirty is False
    assert read_project(checkout.root)[0].sha256 == before.sha256 == tree.sha256
    (checkout.root / "tests" / "test_a.py").write_text("def test_a(): assert 1\n")
    assert read_project(checkout.root)[0].sha256 != before.sha256


def test_a_plain_folder_leaves_caches_out(tmp_path):
    for name in ("a.py", "__pycache__/a.pyc", ".pytest_cache/x", "src/pkg/b.py", ".venv/lib/c.py", "old.pyc"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    source, tree = read_project(tmp_path)
    assert tree.files == ("a.py", "src/pkg/b.py")
    assert (source.commit, source.dirty) == (None, None)


def test_an_executable_bit_is_part_of_the_content(tmp_path):
    (tmp_path / "run.sh").write_text("true")
    plain = tree_sha256(tmp_path, ["run.sh"])
    (tmp_path / "run.sh").chmod(0o755)
    assert tree_sha256(tmp_path, ["run.sh"]) != plain
    # The sum of the line "name NUL x NUL sum", taken with sha256sum. It may not change, or old records stop comparing.
    assert tree_sha256(tmp_path, ["run.sh"]) == "e2a29e75ffaefe3d1a214aa93c10a7416ffd0866146fe3f0d0b2255fc92a2654"


def test_a_copy_on_a_disk_from_which_nothing_may_be_started_has_the_same_hash(tmp_path, monkeypatch):
    (tmp_path / "run.sh").write_text("true")
    (tmp_path / "run.sh").chmod(0o755)
    usual = tree_sha256(tmp_path, ["run.sh"])
    monkeypatch.setattr("os.access", lambda *_, **__: False)  # as the kernel answers on a noexec mount, of every file
    assert tree_sha256(tmp_path, ["run.sh"]) == usual


def test_a_sparse_file_is_refused_before_anything_is_read(tmp_path, monkeypatch):
    sparse(tmp_path / "data.bin", 40 << 30)
    (tmp_path / "test_a.py").write_text("")
    monkeypatch.setattr(module, "tree_sha256", lambda *_: pytest.fail("it was read"))
    with pytest.raises(UsageError, match=r"40\.00 GiB.*data\.bin"):
        read_project(tmp_path)
    assert MAX_PROJECT_BYTES < 40 << 30


def test_a_large_file_is_hashed_in_pieces(tmp_path):
    import tracemalloc

    sparse(tmp_path / "data.bin", 64 << 20)
    tracemalloc.start()
    tree_sha256(tmp_path, ["data.bin"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_a_file_that_nobody_may_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "test_a.py").write_text("")

    def refuses(*_):
        raise PermissionError(13, "Permission denied", "test_a.py")

    monkeypatch.setattr(module, "tree_sha256", refuses)
    with pytest.raises(UsageError, match=r"test_a\.py: Permission denied"):
        read_project(tmp_path)


def test_a_disk_that_fails_while_a_file_is_read_names_none(tmp_path, monkeypatch):
    (tmp_path / "test_a.py").write_text("")

    def fails(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(module, "tree_sha256", fails)
    with pytest.raises(UsageError, match=r"cannot be read: .*Input/output error") as caught:
        read_project(tmp_path)
    assert "None" not in str(caught.value)


def test_the_shipped_source_has_a_hash(tmp_path):
    (tmp_path / "test_x.py").write_text("")
    assert len(read_catalog_source(tmp_path).sha256) == 64


def test_a_project_of_which_nothing_can_be_copied_is_refused(tmp_path):
    (tmp_path / "p/.git").mkdir(parents=True)
    (tmp_path / "p/x").symlink_to("/etc")
    with pytest.raises(UsageError, match="holds no files"):
        read_project(tmp_path / "p")


def test_caches_do_not_make_a_checkout_dirty(checkout):
    checkout.write("tests/__pycache__/test_a.pyc", "")
    checkout.write(".pytest_cache/README.md", "")
    assert read_project(checkout.root)[0].dirty is False


def test_folders_that_are_no_projects_are_refused(tmp_path):
    with pytest.raises(UsageError, match="is not a folder"):
        read_project(tmp_path / "none")
    with pytest.raises(UsageError, match="holds no files"):
        read_project(tmp_path)


def test_the_hash_does_not_depend_on_the_order_and_knows_a_link_from_a_file(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    assert tree_sha256(tmp_path, ["b", "a"]) == tree_sha256(tmp_path, ["a", "b"])
    assert (
        len({tree_sha256(tmp_path, ["a"], {"b": where}) for where in ("a", "c")} | {tree_sha256(tmp_path, "ab")}) == 3
    )
    # Sums of the lines "a NUL - NUL sum" and "b NUL l NUL a", taken with sha256sum. They may not change either.
    assert tree_sha256(tmp_path, ["a"]) == "f081b03ff91563a459f304a03824f9c33b4333339fafdbd83f5fccb46bb6593c"
    assert (
        tree_sha256(tmp_path, ["a"], {"b": "a"}) == "ef4c09515fad1e895763d15a5fbf718699e86dce15d88f19c88d90168b090a82"
    )


def test_a_name_is_part_of_the_content(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text("same")
    assert tree_sha256(tmp_path, ["a"]) != tree_sha256(tmp_path, ["b"])


def test_what_goes_into_a_run_is_bounded_by_all_of_it(tmp_path, monkeypatch):
    (tmp_path / "test_a.py").write_text("")
    for name in ("one.bin", "two.bin"):
        sparse(tmp_path / name, 600)
    monkeypatch.setattr(module, "MAX_PROJECT_BYTES", 1200)
    assert read_project(tmp_path)[1].files == ("one.bin", "test_a.py", "two.bin")
    monkeypatch.setattr(module, "MAX_PROJECT_BYTES", 1199)
    with pytest.raises(UsageError, match=r"the largest file is 'one\.bin'"):
        read_project(tmp_path)


def test_a_project_reached_over_a_link_is_the_same(checkout, tmp_path):
    (tmp_path / "same").symlink_to(checkout.root)
    assert read_project(tmp_path / "same") == read_project(checkout.root)
    assert read_project(tmp_path / "same")[1].root == checkout.root.resolve()


def test_the_shipped_source_is_dirty_only_by_what_nobody_made_anew(checkout):
    clean = read_catalog_source(checkout.root)
    assert (clean.kind, len(clean.commit), clean.dirty) == ("catalog", 40, False)
    checkout.write("tests/__pycache__/test_a.pyc")
    assert read_catalog_source(checkout.root) == clean
    checkout.write("tests/test_b.py")
    changed = read_catalog_source(checkout.root)
    assert (changed.dirty, changed.sha256 != clean.sha256) == (True, True)


def test_the_shipped_source_outside_a_checkout_has_no_commit(tmp_path):
    (tmp_path / "test_x.py").write_text("")
    (tmp_path / "dead").symlink_to("none")
    found = read_catalog_source(tmp_path)
    assert (found.commit, found.dirty) == (None, None)
    assert found.sha256 == tree_sha256(tmp_path, ["test_x.py"])


def test_committed_results_are_counted_and_not_copied(checkout):
    folder = "results/amd/t_cpu/20260101T000000Z"
    record = checkout.write(f"{folder}/record.json", '{"schema": "bench.record/1"}')
    checkout.write(f"{folder}/summary.md")
    assert is_bundle(record.parent)
    checkout.commit()
    source, tree = read_project(checkout.root, checkout.root / "results")
    assert (tree.files, tree.left_out) == (("tests/test_a.py",), ("2 file(s) of results that git tracks",))
    assert source.dirty is False


def test_a_folder_that_holds_nothing_is_in_the_copy_too(checkout, tmp_path):
    """Git knows none; a test may write into it."""
    checkout.write(".gitignore", "tmp/\n")
    checkout.commit()
    before = read_project(checkout.root)[0]
    for name in ("out", "tests/data", "new/deep/est", "tmp", "results/host/grad_cpu/.partial"):
        (checkout.root / name).mkdir(parents=True)
    checkout.write("new/file.txt")
    (checkout.root / "new/file.txt").unlink()
    source, tree = read_project(checkout.root, checkout.root / "results")
    assert tree.folders == ("new/deep/est", "out", "results/host/grad_cpu/.partial", "tests/data")
    assert tree.left_out == ("what git ignores: tmp/",)
    assert source.sha256 == before.sha256
    copy_tree(tree, tmp_path / "copy")
    assert (tmp_path / "copy" / "new" / "deep" / "est").is_dir()
    assert not (tmp_path / "copy" / "tmp").exists()


def test_folders_that_hold_nothing_are_found_without_git_and_in_a_clone_inside(checkout, tmp_path):
    plain = tmp_path / "plain"
    for name in ("a/b", ".venv/x", ".pytest_cache"):
        (plain / name).mkdir(parents=True)
    (plain / "x.py").touch()
    assert read_project(plain)[1].folders == ("a/b",)
    clone = tmp_path / "outer"
    subprocess.run(["git", "init", "-q", clone], check=True)
    subprocess.run(["git", "clone", "-q", checkout.root, clone / "inner"], check=True)
    (clone / "inner" / "out").mkdir()
    assert read_project(clone)[1].folders == ("inner/out",)
