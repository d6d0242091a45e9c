"""A name under which no result can be kept is refused before anything runs, by whatever verb and way it comes."""

import pytest

from bench.names import is_diagnostic_name
from bench.record.storage.find import find_bundles

BAD = ("größe", "a b", "тест", ".hidden", "+a", "_a", "a/b", "a" * 115, "a\\n", "🎉", "", "a:b")
GOOD = ("a", "A.b_c+d-e", "9", "a" * 114)


@pytest.fixture
def project(tmp_path):
    def make(name, devices=""):
        folder = tmp_path / "p"
        (folder / "tests").mkdir(parents=True, exist_ok=True)
        (folder / "tests" / "test_x.py").write_text("def test_a(): pass\n")
        text = f'[diagnostic."{name}"]\nnode = "tests/test_x.py"\n{devices}\n'
        (folder / "bench.toml").write_text(text, encoding="utf-8")
        return folder

    return make


def refused(engine, answer):
    code, out, err = answer
    assert (code, out, len(err.splitlines())) == (2, "", 1), err
    assert (engine.executed, engine.swept) == ([], 0)
    return err


@pytest.mark.parametrize("name", BAD)
def test_bench_toml(engine, bench_, project, tmp_path, name):
    folder = project(name)
    full = f"{name}_cpu".replace("\\n", "\n")
    for words in (
        ("run", full),
        ("run", "grad_cpu"),
        ("run", "--node", "tests/test_x.py"),
        ("whatif", full),
        ("fleet", full, "--host", "tcp://localhost:1"),
        ("list",),
    ):
        err = refused(engine, bench_(*words, "--project", folder, "--results", tmp_path / "r"))
        assert "cannot name a folder of results" in err
        assert "bench.toml" in err
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("name", GOOD)
def test_a_name_that_is_taken_is_kept(engine, bench_, project, tmp_path, name):
    code, _, err = bench_("run", f"{name}_cpu", "--project", project(name), "--results", tmp_path / "r", "--quiet")
    assert code == 0, err
    (bundle,) = find_bundles(tmp_path / "r")
    assert bundle.record.diagnostic.name == f"{name}_cpu"


@pytest.mark.parametrize("name", ["20260102T030405Z", "a.partial"])
def test_a_name_that_would_hide_its_results(engine, bench_, project, name):
    assert not is_diagnostic_name(name)
    err = refused(engine, bench_("run", name, "--project", project(name, "devices = []")))
    assert "cannot name a folder" in err


@pytest.mark.parametrize("node", [".", "тест.py", "тест/проба.py::тест", "---.py", "größe.py", "./"])
def test_a_node(engine, bench_, project, tmp_path, node):
    words = ("run", "--node", node, "--project", project("a"), "--results", tmp_path / "r", "--quiet")
    if node == "größe.py":  # what is left of it is a name
        assert bench_(*words)[0] == 0
        assert [bundle.record.diagnostic.name for bundle in find_bundles(tmp_path / "r")] == ["gr-e_cpu"]
        return
    err = refused(engine, bench_(*words))
    assert "bench.toml" in err or "is not a node" in err
    assert not (tmp_path / "r").exists()


def test_a_node_with_a_name_of_its_own_runs(engine, bench_, project, tmp_path):
    folder = project("named")
    (folder / "тест.py").write_text("def test_a(): pass\n")
    (folder / "bench.toml").write_text('[diagnostic.named]\nnode = "тест.py"\n', encoding="utf-8")
    assert bench_("run", "named_cpu", "--project", folder, "--results", tmp_path / "r")[0] == 0


@pytest.mark.parametrize("stamp", ["yesterday", "20261399T000000Z", "../x", ""])
def test_a_stamp_of_an_import(bench_, tmp_path, stamp):
    (tmp_path / "old").mkdir()
    code, out, err = bench_("import", tmp_path / "old", "--stamp", stamp, "--results", tmp_path / "r")
    assert (code, out) == (2, "")
    assert "is not a stamp; write UTC as in" in err
    assert not (tmp_path / "r").exists()
