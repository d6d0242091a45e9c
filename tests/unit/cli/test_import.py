"""``bench import`` as a person meets it: one call for a tree, a table, one document, and one line for what is wrong."""

import json
import shutil

import pytest

from bench.record.storage.archive import export
from bench.record.storage.bundle import read_bundle, write_bundle
from bench.record.storage.twins import WAS
from tests.support.legacy_fixtures import LOG, NODE, TIME, TREE
from tests.support.records import STAMP, make_record, make_run

FILES = {"summary.md": f"# grad_cpu/{STAMP}\n".encode(), "logs/pytest.log": b"ok\n"}


@pytest.fixture
def mixed(tmp_path):
    """Two bundles, of which one is damaged, two runs' older evidence, and a folder of neither."""
    folder = tmp_path / "all"
    write_bundle(folder / "bundles", make_record(), FILES)
    bad = write_bundle(folder / "bundles", make_record(stamp="20260102T030406Z"), FILES)
    (bad / "summary.md").write_text("other")
    for name, content in TREE.items():
        path = folder / "old/one" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (folder / "old/two").mkdir()
    (folder / "old/two/nohup.out").write_text(LOG)
    (folder / "old/three").mkdir()
    (folder / "old/three/notes.txt").write_text("nothing")
    return folder


def test_a_tree_of_bundles_and_older_evidence_comes_in_by_one_call(bench_, mixed, tmp_path):
    code, out, err = bench_("import", mixed, "--results", tmp_path / "r")
    assert code == 8
    assert out.splitlines()[0] == "3 imported, 1 refused, 1 damaged"
    assert "old/two" in out
    assert "is damaged: summary.md" in " ".join(out.split())
    assert "is a guess" in err
    assert bench_("verify", tmp_path / "r")[0] == 0
    assert json.loads(
        bench_("query", "select count(*) as n from results", "--results", tmp_path / "r", "--json")[1]
    ) == [{"n": 3}]
    shutil.rmtree(next(mixed.glob("bundles/*/*/20260102T030406Z")))
    code, out, _ = bench_("import", mixed, "--results", tmp_path / "r")
    assert (code, out.splitlines()[0]) == (0, "3 here already, 1 refused")


def test_the_rows_as_one_document(bench_, mixed, tmp_path):
    code, out, _ = bench_("import", mixed, "--results", tmp_path / "r", "--json")
    document = json.loads(out)
    assert code == 8
    assert len(document["imported"]) == 3
    rows = {row["source"]: row for row in document["folders"]}
    assert {row["result"] for row in rows.values()} == {"imported", "refused", "damaged"}
    assert rows["old/two"]["outcome"] == "passed"
    assert rows["old/three"]["reason"].startswith("no file shows that something ran")
    assert rows["old/two"]["id"].endswith(f"/{read_bundle_name(rows['old/two']['path'])}")


def read_bundle_name(path):
    return "/".join(path.split("/")[-2:])


def test_a_tree_without_damage_ends_with_0(bench_, tmp_path):
    for name in ("a", "b", "none"):
        (tmp_path / "old" / name).mkdir(parents=True)
        (tmp_path / "old" / name / "log.txt").write_text(LOG if name != "none" else "text")
    code, out, _ = bench_("import", tmp_path / "old", "--results", tmp_path / "r")
    assert (code, out.splitlines()[0]) == (0, "1 imported, 1 here already, 1 refused")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--stamp", "yesterday"], "not a stamp"),
        (["--name", "a b"], "cannot name a diagnostic"),
        (["--name", "../x"], "cannot name a diagnostic"),
        (["--ceiling", "soon"], "not a duration"),
        (["--ceiling", "0"], "no wall time"),
        (["--project", "none"], "not a folder"),
    ],
)
def test_bad_values_are_refused_in_one_line_before_anything_is_written(bench_, tmp_path, words, said):
    (tmp_path / "time.txt").write_text(TIME)
    code, _, err = bench_("import", tmp_path / "time.txt", "--results", tmp_path / "r", *words)
    assert code == 2
    assert said in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "r").exists()


def test_name_stamp_and_ceiling_say_what_files_do_not(bench_, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old/time.txt").write_text(TIME)
    words = ["--name", "wave_cpu", "--stamp", "20240301T080005Z", "--ceiling", "1min"]
    code, _, err = bench_("import", tmp_path / "old", "--results", tmp_path / "r", *words)
    path = next((tmp_path / "r").glob("*/wave_cpu/20240301T080005Z"))
    assert (code, err) == (0, f"next: bench report {path}\n")
    record = read_bundle(path).record
    assert (record.diagnostic.ceiling_s, record.verdict.status) == (60.0, "over_ceiling")
    bundles = write_bundle(tmp_path / "b", make_record(), FILES)
    assert bench_("import", bundles, "--results", tmp_path / "r", *words)[0] == 2
    export([bundles], tmp_path / "a.tar.gz")
    assert bench_("import", tmp_path / "a.tar.gz", "--results", tmp_path / "r", *words)[0] == 2


@pytest.mark.parametrize("where", ["--project", "above", "none"])
def test_a_project_s_bench_toml_names_its_nodes(bench_, tmp_path, where):
    project = tmp_path / "project"
    old = (project if where == "above" else tmp_path) / "reports/old"
    old.mkdir(parents=True)
    project.mkdir(exist_ok=True)
    (old / "time.txt").write_text(TIME)
    (project / "bench.toml").write_text(f'[diagnostic.wave]\nnode = "{NODE}"\n')
    words = ["--project", project] if where == "--project" else []
    assert bench_("import", old, "--results", tmp_path / "r", *words)[0] == 0
    assert len(list((tmp_path / "r").glob("*/wave_cpu/*"))) == (0 if where == "none" else 1)


def test_two_runs_of_one_id_are_told_apart_and_imported(bench_, tmp_path):
    one = write_bundle(tmp_path / "one", make_record(), FILES)
    other = write_bundle(tmp_path / "other", make_record(runs=(make_run(wall_s=12.25),)), FILES)
    export([other], tmp_path / "other.tar.gz")
    assert bench_("import", one, "--results", tmp_path / "r")[0] == 0
    for source in (tmp_path / "other", tmp_path / "other.tar.gz"):
        code, _, _ = bench_("import", source, "--results", tmp_path / "r")
        assert code == 0
    found = sorted((tmp_path / "r").glob("*/*/*"))
    assert [path.name for path in found] == [STAMP, "20260102T030406Z"]
    record = read_bundle(found[1]).record
    assert (record.runs[0].wall_s, record.tool[WAS]) == (12.25, STAMP)
    assert bench_("verify", tmp_path / "r")[0] == 0


def test_an_altered_copy_of_a_run_is_no_second_result(bench_, tmp_path):
    write_bundle(tmp_path / "r", make_record(), FILES)
    altered = write_bundle(tmp_path / "altered", make_record(variant="mine"), FILES)
    code, _, err = bench_("import", altered, "--results", tmp_path / "r")
    assert code == 8
    assert "of the same run and differs" in err
    assert len(list((tmp_path / "r").glob("*/*/*"))) == 1


def test_a_tree_that_holds_ids_twice_says_so(bench_, tmp_path):
    results = tmp_path / "r"
    path = write_bundle(results, make_record(), FILES)
    shutil.copytree(path, results / "backup" / path.relative_to(results))
    write_bundle(results / "colleague", make_record(runs=(make_run(wall_s=12.25),)), FILES)
    for words in (["list"], ["history", "grad_cpu"], ["query", "select 1"]):
        code, _, err = bench_(*words, "--results", results)
        assert code == 0
        assert "is a copy of" in err
        assert "another run than" in err
    code, _, err = bench_("verify", results)
    assert code == 0
    assert err.count("there twice: ") == 2
    assert len(json.loads(bench_("verify", results, "--json")[1])["twice"]) == 2


def test_verify_takes_the_results_folder_from_the_environment(bench_, tmp_path, monkeypatch):
    path = write_bundle(tmp_path / "mine", make_record(), FILES)
    (path / "summary.md").write_text("other")
    monkeypatch.setenv("BENCH_RESULTS", str(tmp_path / "mine"))
    monkeypatch.chdir(tmp_path)
    code, out, _ = bench_("verify")
    assert code == 8
    assert "differs from the manifest" in out


def test_results_that_were_not_measured_come_in_and_are_here_already(bench_, tmp_path):
    write_bundle(tmp_path / "from", make_record(runs=(), outcome="not_measured"), FILES)
    write_bundle(tmp_path / "from", make_record(runs=(), outcome="not_measured", stamp="20260103T030405Z"), FILES)
    for came in ("imported", "here already"):
        code, out, err = bench_("import", tmp_path / "from", "--results", tmp_path / "r")
        assert (code, out.splitlines()[0], "fault" in err) == (0, f"2 {came}", False)
