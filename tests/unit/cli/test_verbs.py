import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import bench
from bench.engine.local.find_python import Python
from bench.importer.shipped import write_reference
from bench.record.storage.find import find_bundles
from tests.integration.command import forge
from tests.support.legacy_fixtures import TIME


@pytest.fixture
def results(measured):
    """Two results of one host: ten runs at 10 s, then ten at 12 s."""
    return measured(*([wall + 0.01 * n for n in range(10)] for wall in (10.0, 12.0)))


def paths(results):
    return [str(bundle.path) for bundle in find_bundles(str(results))]


def test_list_shows_the_last_result(results, bench_):
    code, out, _ = bench_("list", "--results", results)
    assert code == 0
    assert "grad_cuda" in out
    rows = json.loads(bench_("list", "--json", "--results", results)[1])
    last = {row["name"]: row["last"] for row in rows}
    assert last["grad_cpu"]["wall_s"] == pytest.approx(12.045)
    assert last["grad_cuda"] is None


def test_folders_of_two_hosts_are_merged_by_copying_files(results, bench_, tmp_path):
    theirs = tmp_path / "theirs"
    write_reference(theirs)
    shutil.copytree(theirs, results, dirs_exist_ok=True)
    hosts = sorted(path.name for path in results.iterdir())
    assert len(hosts) == 2
    assert bench_("verify", results)[0] == 0
    code, out, _ = bench_("compare", *hosts, "--results", results, "--json")
    assert (code, all(host in out for host in hosts)) == (7, True)


def test_a_locale_without_our_signs_stops_nothing(results):
    """Tables show "?" for what the encoding lacks; JSON is UTF-8 and whole."""
    command = [sys.executable, "-m", "bench", "list", "--results", str(results)]
    env = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(Path(bench.__file__).parents[1])}
    table = subprocess.run(command, env=env, capture_output=True, check=True)
    assert "grad_cpu" in table.stdout.decode("ascii")
    whole = subprocess.run([*command, "--json"], env=env, capture_output=True, check=True)
    assert json.loads(whole.stdout.decode("utf-8"))[0]["last"]["status"]


def test_the_reference_is_no_result_of_anybody_s_here(bench_, tmp_path):
    write_reference(tmp_path / "r" / "reference")
    rows = json.loads(bench_("list", "--json", "--results", tmp_path / "r")[1])
    assert {row["last"] for row in rows} == {None}


def test_a_report_of_one_s_own_results_counts_none_that_ship(results, bench_):
    shipped = results / "reference"
    write_reference(shipped)
    _, out, err = bench_("report", results, "--json")
    assert {row["record"]["diagnostic"]["name"] for row in json.loads(out)["results"]} == {"grad_cpu"}
    assert f"left out: 6 results in {shipped.resolve()}, which ship with bench; name that folder to see them" in err
    for words in ((results, shipped), (shipped,)):
        _, out, err = bench_("report", *words, "--json")
        assert len(json.loads(out)["results"]) == (8 if results in words else 6)
        assert "left out" not in err


def test_compare_calls_a_slowdown_and_its_code_is_one(results, bench_):
    a, b = paths(results)
    code, out, _ = bench_("compare", a, b)
    assert code == 1
    assert "regressed" in out
    document = json.loads(bench_("compare", a, b, "--json")[1])
    assert document["comparisons"][0]["status"] == "code_regressed"
    assert document["comparisons"][0]["ratio"] == pytest.approx(1.2, abs=0.01)
    assert bench_("compare", b, a)[0] == 0


def test_compare_pools_folders_and_ranks_several(results, bench_):
    a, b = paths(results)
    code, out, _ = bench_("compare", a, b, a)
    assert code in {0, 1}
    assert "result" in out


def test_compare_refuses_what_it_cannot(results, bench_, tmp_path):
    a, _ = paths(results)
    assert bench_("compare", a)[0] == 2
    assert bench_("compare", a, tmp_path / "none")[0] == 2


def test_explain_one_and_two(results, bench_):
    a, b = paths(results)
    code, out, _ = bench_("explain", a)
    assert code == 0
    assert "user" in out
    code, out, _ = bench_("explain", a, b)
    assert code == 0
    assert "unexplained" in out
    assert json.loads(bench_("explain", a, b, "--json")[1])
    assert json.loads(bench_("explain", a, "--json")[1])
    assert bench_("explain", str(results))[0] == 2


def test_history_shows_every_result_and_json(results, bench_):
    code, out, _ = bench_("history", "grad_cpu", "--results", results)
    assert code == 0
    assert out.count("10") >= 2
    assert len(json.loads(bench_("history", "grad_cpu", "--results", results, "--json")[1])) == 2
    assert bench_("history", "grad_cup", "--results", results)[0] == 2
    assert "no result" in bench_("history", "dtype_cpu", "--results", results)[2]


def test_query_answers_in_a_table_and_in_json(results, bench_):
    sql = "select count(*) as n, median(wall_s) as m from runs"
    assert json.loads(bench_("query", sql, "--results", results, "--json")[1]) == [
        {"n": 20, "m": pytest.approx(11.045)}
    ]
    code, out, _ = bench_("query", sql, "--results", results)
    assert (code, "20" in out) == (0, True)


@pytest.mark.parametrize("sql", ["selec", "select * from read_text('/etc/hostname')", "copy runs to 'x.csv'"])
def test_query_refuses_what_is_wrong_or_leaves_the_database(results, bench_, sql, tmp_path):
    code, out, err = bench_("query", sql, "--results", results)
    assert (code, out) == (2, "")
    assert "the query failed" in err
    assert not (tmp_path / "x.csv").exists()


def test_query_knows_its_columns_without_any_result(bench_, tmp_path):
    code, out, _ = bench_("query", "select wall_s, cpu_user_s from runs", "--results", tmp_path / "none", "--json")
    assert (code, json.loads(out)) == (0, [])


def test_schema_is_a_json_schema_of_the_record(bench_):
    code, out, _ = bench_("schema")
    document = json.loads(out)
    assert code == 0
    assert "Record" in document["$defs"]
    assert "calibration" in document["$defs"]["Record"]["properties"]


def test_verify_says_all_is_well_and_names_what_is_not(results, bench_):
    assert bench_("verify", results)[0] == 0
    path = find_bundles(str(results))[0].path
    (path / "summary.md").write_text("better")
    code, out, _ = bench_("verify", results)
    assert code == 8
    assert "summary.md" in out
    assert json.loads(bench_("verify", results, "--json")[1])["problems"][0]["file"] == "summary.md"
    assert bench_("verify", results / "none")[0] == 2


def test_export_and_import_carry_results_to_another_folder(results, bench_, tmp_path):
    assert bench_("export", results, "-o", tmp_path / "a.tar.zst")[0] == 0
    code, out, _ = bench_("import", tmp_path / "a.tar.zst", "--results", tmp_path / "there")
    assert code == 0
    assert len(out.splitlines()) == 2
    assert bench_("verify", tmp_path / "there")[0] == 0
    assert bench_("import", tmp_path / "a.tar.zst", "--results", tmp_path / "there")[0] == 0
    assert bench_("import", tmp_path / "none", "--results", tmp_path / "there")[0] == 2
    (tmp_path / "bad.tar.zst").write_bytes(b"not an archive")
    assert bench_("import", tmp_path / "bad.tar.zst", "--results", tmp_path / "there")[0] == 8


def test_verify_looks_into_an_archive_and_names_what_is_wrong_in_it(results, bench_, tmp_path):
    archive = tmp_path / "results.tar.gz"
    bench_("export", results, "-o", archive)
    code, out, _ = bench_("verify", archive)
    assert (code, out.split()[1]) == (0, str(len(list(results.glob("*/*/*")))))
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "changed", filter="data")
    changed = next((tmp_path / "changed").glob("*/*/*/summary.md"))
    changed.write_text("other")
    with tarfile.open(archive, "w:gz") as tar:
        for path in sorted((tmp_path / "changed").glob("*/*/*/**/*")):
            tar.add(path, path.relative_to(tmp_path / "changed"), recursive=False)
    code, out, _ = bench_("verify", archive, "--json")
    (problem,) = json.loads(out)["problems"]
    place = changed.parent.relative_to(tmp_path / "changed")
    assert (code, problem["bundle"], problem["file"]) == (8, f"{archive}/{place}", "summary.md")


def test_verify_of_a_file_that_is_no_archive_says_what_it_is(bench_, tmp_path):
    (tmp_path / "notes.txt").write_text("")
    code, _, err = bench_("verify", tmp_path / "notes.txt")
    assert (code, "is a file; give a bundle" in err) == (2, True)


def test_import_says_where_the_stamp_of_older_evidence_is_a_guess(bench_, tmp_path):
    old = tmp_path / "old"
    old.mkdir()
    (old / "time.txt").write_text(TIME)
    code, _, err = bench_("import", old, "--results", tmp_path / "r")
    assert code == 0
    said = "is a guess: no file says when it ran; the stamp is the newest file's modification time"
    assert said in err
    assert "--stamp gives the right one" in err
    notes = json.loads(bench_("import", old, "--results", tmp_path / "again", "--json")[1])["notes"]
    assert any(said in note for note in notes)
    code, _, err = bench_("import", old, "--results", tmp_path / "r", "--stamp", "20240301T080005Z")
    assert code == 0
    assert "guess" not in err


def test_report_writes_each_form(results, bench_, tmp_path):
    words = []
    for option in ("html", "markdown", "junit", "pyperf", "smaller-is-better", "bigger-is-better"):
        words += [f"--{option}", tmp_path / f"{option}.out"]
    assert bench_("report", results, "--baseline", results, *words)[0] == 0
    assert "<html" in (tmp_path / "html.out").read_text()
    assert "grad" in (tmp_path / "markdown.out").read_text()
    assert (tmp_path / "junit.out").read_text().startswith("<?xml")
    assert json.loads((tmp_path / "pyperf.out").read_text())
    assert json.loads(bench_("report", results, "--json")[1])["schema"] == "bench.report/1"
    assert "grad_cpu" in bench_("report", results)[1]
    assert bench_("report", tmp_path / "none")[0] == 2


def test_report_against_a_baseline_says_what_compare_says(results, bench_, tmp_path):
    a, b = paths(results)
    words = ("report", b, "--baseline", a, "--results", results)
    document = json.loads(bench_(*words, "--json")[1])
    assert (
        document["comparisons"] == json.loads(bench_("compare", a, b, "--results", results, "--json")[1])["comparisons"]
    )
    assert document["counts"] == {"code_regressed": 1}
    assert "code regressed" in bench_(*words)[1]


def test_report_takes_comparisons_that_were_made_before(results, bench_, tmp_path):
    a, b = paths(results)
    (tmp_path / "c.json").write_text(bench_("compare", b, a, "--json")[1])
    words = ("report", results, "--compared", tmp_path / "c.json", "--json")
    document = json.loads(bench_(*words)[1])
    assert document["comparisons"] == json.loads((tmp_path / "c.json").read_text())["comparisons"]
    assert {one["record"]["id"]: one["state"] for one in document["results"]}[a_id(a)] == "code_improved"
    assert bench_(*words, "--baseline", a)[0] == 2
    assert bench_("report", results, "--compared", tmp_path / "none.json")[0] == 2
    (tmp_path / "c.json").write_text('{"comparisons": [{"diagnostic": 1}]}')
    code, _, err = bench_(*words)
    assert (code, "holds no comparisons" in err) == (8, True)


def test_a_damaged_result_is_named_and_the_rest_reported(results, bench_, tmp_path):
    a, b = paths(results)
    (Path(a) / "record.json").write_text("{")
    page, listed = tmp_path / "p.html", tmp_path / "s.md"
    code, out, err = bench_("report", results, "--html", page, "--markdown", listed, "--json")
    assert code == 8
    assert f"{a}/record.json is not JSON" in err
    assert Path(b).name in page.read_text()
    assert f"<li>{a}/record.json is not JSON" in page.read_text()
    assert listed.read_text().count("| `grad_cpu` |") == 1
    assert "1 could not be read" in listed.read_text()
    document = json.loads(out)
    assert len(document["results"]) == 1
    assert Path(a).name in document["unreadable"][0]
    assert bench_("report", b, "--baseline", results, "--quiet")[0] == 8
    code, out, err = bench_("report", a, "--html", tmp_path / "none.html")
    assert (code, out, (tmp_path / "none.html").exists()) == (8, "", False)
    assert bench_("compare", a, b)[0] == 8


def test_a_result_that_can_be_compared_with_nothing_was_read_all_the_same(results, bench_, tmp_path):
    a, b = paths(results)
    faulty = forge(Path(b), tmp_path / "faulty", lambda record: record["runs"][0].update(wall_s=-1.0))
    page, listed = tmp_path / "p.html", tmp_path / "s.md"
    code, out, err = bench_("report", faulty, "--baseline", a, "--html", page, "--markdown", listed, "--json")
    assert (code, "wall_s" in err) == (8, True)
    assert "wall_s" in json.loads(out)["unreadable"][0]
    assert listed.read_text().count("| `grad_cpu` |") == 1
    assert "could not be read" not in listed.read_text() + page.read_text()


@pytest.mark.parametrize("option", ["--html", "--markdown", "--junit", "--pyperf", "--bigger-is-better"])
def test_a_report_that_cannot_be_written_names_its_own_option(results, bench_, option):
    code, _, err = bench_("report", results, option, "/proc/x.out")
    assert code == 2
    assert f"with {option} or mend" in err
    assert "--results" not in err


def a_id(path):
    return find_bundles(path)[0].record.id


def test_reproduce_runs_the_same_and_says_so(results, engine, bench_, tmp_path):
    a, _ = paths(results)
    engine.executed.clear()
    engine.walls = [10.0 + 0.01 * n for n in range(10)]
    code, out, err = bench_("reproduce", a, "--results", tmp_path / "again")
    assert code == 0, err
    assert len(engine.executed) == 10
    (made,) = find_bundles(str(tmp_path / "again"))
    assert made.record.reproduces == find_bundles(a)[0].record.id
    assert "same" in out


def test_reproduce_takes_an_archive(results, engine, bench_, tmp_path):
    a, _ = paths(results)
    bench_("export", a, "-o", tmp_path / "a.tar.gz")
    assert bench_("reproduce", tmp_path / "a.tar.gz", "--results", tmp_path / "again", "--json")[0] in {0, 6}
    bench_("export", results, "-o", tmp_path / "two.tar.gz")
    assert bench_("reproduce", tmp_path / "two.tar.gz", "--results", tmp_path / "again")[0] == 2


def test_reproduce_refuses_another_build_until_it_is_allowed(results, engine, bench_, tmp_path):
    a, _ = paths(results)
    engine.fingerprint = "5" * 64
    engine.executed.clear()
    code, _, err = bench_("reproduce", a, "--results", tmp_path / "again")
    assert code == 7
    assert "--allow image" in err
    assert engine.executed == []
    assert bench_("reproduce", a, "--results", tmp_path / "again", "--allow", "image")[0] == 0
    assert bench_("reproduce", a, "--results", tmp_path / "again", "--allow", "colour")[0] == 2


def test_reproduce_refuses_a_bundle_that_was_changed(results, engine, bench_, tmp_path):
    a, _ = paths(results)
    engine.executed.clear()
    (find_bundles(a)[0].path / "logs/pytest-000.log").write_text("other")
    code, _, err = bench_("reproduce", a, "--results", tmp_path / "again")
    assert code == 8
    assert "pytest-000.log" in err
    assert engine.executed == []


def test_whatif_interleaves_and_says_what_to_set(engine, bench_, tmp_path):
    engine.walls = [value for n in range(10) for value in _turn(n)]
    words = ("whatif", "grad_cpu", "--variants", "glibc,jemalloc", "--repeat", "10", "--results", tmp_path / "r")
    code, out, _ = bench_(*words)
    assert code == 0
    assert [task.preload for task in engine.executed[:4]] == [None, "jemalloc", "jemalloc", None]
    assert " ".join(out.split()).endswith("LD_PRELOAD to jemalloc's library: 50 % less wall time"), out
    records = [bundle.record for bundle in find_bundles(str(tmp_path / "r"))]
    assert {record.variant for record in records} == {"glibc", "jemalloc"}
    engine.walls = []
    document = json.loads(bench_(*words, "--json")[1])
    assert document["reference"] == "glibc"


def _turn(n):
    """glibc takes 10 s, jemalloc 5 s; every other round begins with jemalloc."""
    pair = [10.0 + 0.01 * n, 5.0 + 0.01 * n]
    return pair if n % 2 == 0 else pair[::-1]


@pytest.mark.parametrize(
    ("variants", "repeat"), [("jemaloc,glibc", "2"), ("glibc", "2"), ("glibc,glibc", "2"), ("glibc,thp", "0")]
)
def test_whatif_refuses_what_makes_no_sense(engine, bench_, variants, repeat):
    assert bench_("whatif", "grad_cpu", "--variants", variants, "--repeat", repeat)[0] == 2


def test_doctor_names_the_python_that_the_local_engine_would_take(bench_, tmp_path, monkeypatch):
    for found, level, words in ((None, "warn", "not found"), ("/opt/python3.13", "ok", "/opt/python3.13")):
        python = found and Python(found, (3, 13, 5), "3.13.5")
        monkeypatch.setattr("bench.cli.verbs.look.doctor.present", lambda uv, python=python: python)
        _, out, _ = bench_("doctor", "--results", tmp_path / "r", "--json")
        (check,) = [check for check in json.loads(out) if check["name"] == "Python 3.13"]
        assert check["level"] == level
        assert words in check["detail"]


@pytest.mark.parametrize(
    ("words", "environ", "level"),
    [
        (("--host", "tcp://127.0.0.1:1"), {}, "fail"),
        ((), {"DOCKER_HOST": "tcp://127.0.0.1:1"}, "fail"),
        (("--host", "tcp://127.0.0.1:1"), {"BENCH_ENGINE": "auto"}, "fail"),
        ((), {"DOCKER_HOST": "tcp://127.0.0.1:1", "BENCH_ENGINE": "auto"}, "warn"),
    ],
)
def test_doctor_finds_this_host_fit_for_no_engine_that_was_named(bench_, tmp_path, monkeypatch, words, environ, level):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    code, out, _ = bench_("doctor", *words, "--results", tmp_path / "r", "--json")
    [engine] = [check for check in json.loads(out) if check["name"] == "engine"]
    assert (engine["level"], "127.0.0.1:1" in engine["detail"]) == (level, True)
    assert code == (6 if level == "fail" else 0)


def test_doctor_looks_and_fixes_nothing(bench_, tmp_path):
    code, out, _ = bench_("doctor", "--results", tmp_path / "r", "--json")
    assert code in {0, 6}
    assert {check["level"] for check in json.loads(out)} <= {"ok", "warn", "fail"}
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    "verb",
    [
        "list",
        "run",
        "compare",
        "explain",
        "history",
        "doctor",
        "whatif",
        "reproduce",
        "report",
        "export",
        "import",
        "verify",
        "query",
        "schema",
    ],
)
def test_each_verb_s_help_has_an_example(bench_, verb):
    code, out, _ = bench_(verb, "--help")
    assert code == 0
    assert f"Example: bench {verb}" in out


def test_bare_bench_helps_and_version_is_told(bench_):
    assert "Usage" in bench_()[1]
    assert bench_("--version")[1].startswith("bench 0.")


def test_a_result_is_named_by_its_stamp_alone_as_history_shows_it(results, bench_):
    stamps = [Path(path).name for path in paths(results)]
    out = bench_("history", "grad_cpu", "--results", results)[1]
    assert all(stamp in out for stamp in stamps)
    code, out, _ = bench_("compare", *stamps, "--results", results, "--json")
    assert (code, json.loads(out)["comparisons"][0]["status"]) == (1, "code_regressed")
    code, _, err = bench_("explain", "20200101T000000Z", "--results", results)
    assert (code, f"there is no result '20200101T000000Z' in {results}" in err) == (2, True)
