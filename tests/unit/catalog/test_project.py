import subprocess

import pytest

from bench.catalog.project import of_node, read_catalog
from bench.engine.images.requirements import read_requirements
from bench.errors import UsageError
from bench.run.plan import need_of
from bench.run.source import read as module
from bench.run.source.read import MAX_PROJECT_BYTES, read_catalog_source, read_project, tree_sha256


def git(folder, *arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "init.defaultBranch=main")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text("def test_a(): assert True\n")
    (tmp_path / ".gitignore").write_text("*.log\n")
    (tmp_path / "noise.log").write_text("x")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_a_checkout_gives_git_s_files_its_commit_and_no_caches(checkout):
    (checkout / "new.py").write_text("")
    source, tree = read_project(checkout)
    assert tree.files == (".gitignore", "new.py", "tests/test_a.py")
    assert source.kind == "project"
    assert len(source.commit) == 40
    assert source.dirty is True


def test_the_hash_follows_the_content_and_nothing_else(checkout, tmp_path):
    before, tree = read_project(checkout)
    assert before.dirty is False
    assert read_project(checkout)[0].sha256 == before.sha256 == tree.sha256
    (checkout / "tests" / "test_a.py").write_text("def test_a(): assert 1\n")
    assert read_project(checkout)[0].sha256 != before.sha256


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


def test_folders_that_are_no_projects_are_refused(tmp_path):
    with pytest.raises(UsageError, match="is not a folder"):
        read_project(tmp_path / "none")
    with pytest.raises(UsageError, match="holds no files"):
        read_project(tmp_path)
    with pytest.raises(UsageError, match="is not a folder"):
        read_catalog(tmp_path / "none")


def sparse(path, size):
    with path.open("wb") as file:
        file.truncate(size)


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


def test_a_bench_toml_or_requirements_without_end_are_refused(tmp_path):
    sparse(tmp_path / "bench.toml", 40 << 30)
    with pytest.raises(UsageError, match="bytes"):
        read_catalog(tmp_path)
    with pytest.raises(UsageError, match="bytes"):
        read_requirements(tmp_path / "bench.toml")


def test_a_file_that_nobody_may_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "test_a.py").write_text("")

    def refuses(*_):
        raise PermissionError(13, "Permission denied", "test_a.py")

    monkeypatch.setattr(module, "tree_sha256", refuses)
    with pytest.raises(UsageError, match=r"test_a\.py: Permission denied"):
        read_project(tmp_path)


def test_a_checkout_s_own_configuration_starts_no_program(checkout):
    canary = checkout / "canary"
    git(checkout, "config", "core.fsmonitor", f"touch {canary}")
    read_project(checkout)
    assert not canary.exists()


def test_the_shipped_source_has_a_hash(tmp_path):
    (tmp_path / "test_x.py").write_text("")
    assert len(read_catalog_source(tmp_path).sha256) == 64


def test_bench_toml_names_a_project_s_diagnostics(tmp_path):
    assert read_catalog(tmp_path).diagnostics == ()
    (tmp_path / "bench.toml").write_text('[diagnostic.slow]\nnode = "tests/test_a.py"\nrequirements = "r.txt"\n')
    (slow,) = read_catalog(tmp_path).diagnostics
    assert slow.name == "slow_cpu"
    with pytest.raises(UsageError, match="is not a file"):
        need_of(slow, tmp_path, None)
    (tmp_path / "r.txt").write_text("")
    assert need_of(slow, tmp_path, None).requirements == (tmp_path / "r.txt").resolve()


def test_a_shipped_name_cannot_be_taken(tmp_path):
    (tmp_path / "bench.toml").write_text('[diagnostic.grad]\nnode = "tests/test_a.py"\n')
    with pytest.raises(UsageError, match="grad_cpu"):
        read_catalog(tmp_path)


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "bench.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        read_catalog(tmp_path)


def test_a_node_becomes_a_diagnostic_with_a_safe_name():
    found = of_node("tests/test_x.py::TestA::test_y[1-é b]")
    assert found.name == "tests-test-x-testa-test-y-1-b_cpu"
    assert found.env == {"CUDA_VISIBLE_DEVICES": "-1"}
    assert of_node("a.py", "cuda").env == {}


@pytest.mark.parametrize("node", ["", "/etc/passwd", "../x.py::t", "-p evil", "::t"])
def test_nodes_outside_the_project_are_refused(node):
    with pytest.raises(UsageError, match="is not a node"):
        of_node(node)
