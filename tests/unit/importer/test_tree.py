"""A tree of anything, imported in one call: what belongs together, what each result is called, and what is refused."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bench.catalog.load import parse
from bench.catalog.project import of_node
from bench.errors import DamagedData, UsageError
from bench.importer import Asked, Given, import_tree
from bench.record.storage.bundle import read_bundle
from bench.record.storage.verify import verify
from tests.support.legacy_fixtures import COMMANDS, JUNIT, LOG, NODE, TIME, TORCH, TREE

LOGS = Path(__file__).with_name("logs")
CUDA = LOG.replace("62.10s", "31.05s").replace("61.50s", "30.50s")


def lay(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return folder


def rows_of(tmp_path, files, **options):
    return import_tree(lay(tmp_path / "old", files), tmp_path / "results", **options).rows


def came(rows):
    return {row.source: row.came for row in rows}


def test_a_tree_comes_in_by_one_call_with_a_row_for_each_folder(tmp_path) -> None:
    files = {f"one/{name}": content for name, content in TREE.items()}
    files |= {"two/deep/pytest.log": LOG, "two/notes.txt": "nothing", "three/exit_code.txt": "0", "four/README.md": LOG}
    rows = rows_of(tmp_path, files)
    assert came(rows) == {
        "four": "refused",
        "one": "imported",
        "three": "refused",
        "two": "refused",
        "two/deep": "imported",
    }
    assert verify(tmp_path / "results").ok
    assert "no file shows that something ran" in next(row.reason for row in rows if row.source == "three")


def test_several_logs_of_a_folder_are_results_of_their_own(tmp_path) -> None:
    files = {
        "pytest_full.log": LOG,
        "pytest_cpu.log": CUDA,
        "cpu_time.txt": TIME.replace("1:03.50", "0:32.50").replace("190%", "371%"),
        "time_full.txt": TIME,
        "full_exit_code.txt": "0",
        "rc_cpu.txt": "1",
        "run_exit_code.txt": "0",
        "torch_env.txt": TORCH,
        "report.xml": JUNIT,
    }
    tree = import_tree(lay(tmp_path / "old", files), tmp_path / "results")
    found = {row.source: row.record for row in tree.rows}
    assert set(found) == {"pytest_full.log", "pytest_cpu.log"}
    full, cpu = found["pytest_full.log"].runs[0], found["pytest_cpu.log"].runs[0]
    assert (full.wall_s, full.exit_code, full.metrics["junit_case_s"].value) == (63.5, 0, 61.804)
    assert (cpu.wall_s, cpu.exit_code, dict(cpu.metrics)) == (32.5, None, {})
    assert {record.environment.torch for record in found.values()} == {"2.7.1+cpu"}
    assert [str(problem) for problem in tree.problems] == [
        "run_exit_code.txt: not read: to which of 2 runs it belongs is not certain"
    ]


def test_a_log_and_its_time_in_one_file(tmp_path) -> None:
    (row,) = rows_of(tmp_path, {"pytest_and_time.log": LOG + TIME})
    run = row.record.runs[0]
    assert (run.outcome, run.wall_s, run.pytest_s, run.exit_code, row.problems) == ("passed", 63.5, 62.1, 0, ())
    assert row.record.environ["OMP_NUM_THREADS"] == "4"
    assert (row.path / "artifacts/time.txt").read_text() == TIME
    assert (row.path / "logs/pytest.log").read_text() == LOG + TIME


def test_an_end_of_a_log_is_no_result_of_its_own(tmp_path) -> None:
    tree = import_tree(
        lay(tmp_path / "old", {"full.log": LOG, "tail.txt": "".join(LOG.splitlines(True)[-3:])}), tmp_path / "r"
    )
    assert [row.source for row in tree.rows] == ["old"]
    assert "tail.txt: not read: full.log is the log of the same session" in map(str, tree.rows[0].problems)


def test_sessions_appended_to_one_log_are_results_of_their_own(tmp_path) -> None:
    rows = rows_of(tmp_path, {"all.log": LOG + CUDA})
    assert [(row.source, row.record.runs[0].pytest_s) for row in rows] == [
        ("all.log, session 1", 62.1),
        ("all.log, session 2", 31.05),
    ]
    assert len({row.path for row in rows}) == 2


def test_equal_guessed_stamps_are_distinct_results_and_twice_is_once(tmp_path) -> None:
    quick = (
        LOG.replace("62.10s", "0.01s").replace("61.50s", "0.00s").replace("0.20s", "0.00s").replace("0.10s", "0.00s")
    )
    files = {"a/pytest.log": quick, "b/pytest.log": quick.replace("/opt/python", "/opt/other"), "c/pytest.log": quick}
    rows = rows_of(tmp_path, files)
    assert came(rows) == {"a": "imported", "b": "imported", "c": "present"}
    assert [row.record.stamp for row in rows] == ["20231114T221320Z", "20231114T221321Z", "20231114T221320Z"]
    assert verify(tmp_path / "results").ok
    assert set(came(rows_of(tmp_path, files)).values()) == {"present"}


def test_two_runs_in_folders_of_one_stamp_are_told_apart(tmp_path) -> None:
    stamp = "20240301T080005Z"
    rows = rows_of(tmp_path, {f"a/{stamp}/time.txt": TIME, f"b/{stamp}/time.txt": TIME.replace("1:03.50", "1:03.55")})
    assert [(row.record.stamp, row.reason) for row in rows] == [
        (stamp, None),
        ("20240301T080006Z", f"another run has {stamp}"),
    ]
    assert "the next free one" in rows[1].record.unavailable["stamp"]
    assert read_bundle(rows[1].path).record.tool["other_stamp"] == stamp
    assert verify(tmp_path / "results").ok


def test_a_stamp_in_the_log_s_name_counts(tmp_path) -> None:
    (row,) = rows_of(tmp_path, {"pytest_20240301T080005Z.log": LOG})
    assert (row.record.stamp, "stamp" in row.record.unavailable) == ("20240301T080005Z", False)


def test_a_node_is_called_as_run_calls_it(tmp_path) -> None:
    (row,) = rows_of(tmp_path, {"pytest.log": LOG, "commands.txt": COMMANDS})
    assert row.record.diagnostic.name == of_node(NODE, "cpu").name
    (junit,) = rows_of(tmp_path / "junit", {"junit.xml": JUNIT})
    assert junit.record.diagnostic.name == of_node(NODE, "cpu").name
    absolute = COMMANDS.replace("tests/test_a.py", "/home/u/p/tests/test_a.py")
    (row,) = rows_of(tmp_path / "absolute", {"pytest.log": LOG, "commands.txt": absolute})
    assert (row.record.diagnostic.node, row.record.diagnostic.name) == (NODE, of_node(NODE, "cpu").name)


def test_a_node_that_bench_toml_names_is_called_so(tmp_path) -> None:
    catalog = parse(f'[diagnostic.wave]\nnode = "{NODE}"\ndevices = ["cpu", "cuda"]\n', "bench.toml")
    (row,) = rows_of(tmp_path, {"time.txt": TIME}, asked=Asked(Given(catalog=catalog)))
    assert row.record.diagnostic.name == "wave_cpu"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("pytest tests/test_a.py", "tests-test-a_cpu"),
        ("pytest tests", "tests_cpu"),
        ("pytest tests -k slow", "tests-k-slow_cpu"),
        ("pytest -m slow", "suite-m-slow_cpu"),
        ("pytest a.py::x b.py::y", "a-x-b-y_cpu"),
        ("pytest", "tests-test-a-test-b_cpu"),
        (None, "tests-test-a-test-b_cpu"),
    ],
)
def test_suites_have_names_of_their_own(tmp_path, command, name) -> None:
    log = LOG.replace("1 passed", "2 passed").replace(
        f"{NODE} PASSED", f"{NODE} PASSED\ntests/test_b.py::test_y PASSED"
    )
    files = {"pytest.log": log} | ({"commands.txt": command} if command else {})
    (row,) = rows_of(tmp_path, files)
    assert row.record.diagnostic.name == name


def test_suites_of_other_files_have_other_names(tmp_path) -> None:
    def suite(first):
        nodes = [f"tests/test_{letter}.py::test_x" for letter in "abcdefgh"[first : first + 5]]
        return (
            "===== test session starts =====\n"
            + "".join(f"{node} PASSED\n" for node in nodes)
            + "===== 5 passed in 1.00s =====\n"
        )

    rows = rows_of(tmp_path, {"a/log": suite(0), "b/log": suite(1), "c/log": suite(0).replace("1.00s", "1.10s")})
    names = [row.record.diagnostic.name for row in rows]
    assert names[0] == names[2] != names[1]
    assert names[0].startswith("tests-5-files-")
    quiet = {"q/log": (LOGS / "quiet.txt").read_text(), "p/log": (LOGS / "plain.txt").read_text()}
    assert [row.record.diagnostic.name for row in rows_of(tmp_path / "more", quiet)] == [
        "tests-test-a_cpu",
        "suite_cpu",
    ]


def test_what_files_do_not_say_is_said(tmp_path) -> None:
    asked = Asked(Given(name="wave_cpu", ceiling_s=60.0), "20240301T080005Z")
    (row,) = rows_of(tmp_path, {"log": LOG, "time.txt": TIME}, asked=asked)
    assert row.record.id.endswith("/wave_cpu/20240301T080005Z")
    assert (row.record.diagnostic.ceiling_s, row.record.verdict.status) == (60.0, "over_ceiling")


def test_what_is_said_of_one_result_is_refused_for_several_before_anything_is_written(tmp_path) -> None:
    files = {"a/log": LOG, "b/log": LOG.replace("test_a.py", "test_b.py"), "c/time.txt": TIME}
    with pytest.raises(UsageError, match="--stamp is for one result, and here are 3"):
        rows_of(tmp_path, files, asked=Asked(stamp="20240301T080005Z"))
    with pytest.raises(UsageError, match="for one diagnostic, and here are 2"):
        rows_of(tmp_path, files, asked=Asked(Given(name="wave")))
    assert not (tmp_path / "results").exists()
    del files["b/log"]
    shutil.rmtree(tmp_path / "old")
    rows = rows_of(tmp_path, files, asked=Asked(Given(name="wave")))
    assert {row.record.diagnostic.name for row in rows} == {"wave"}


def test_a_single_log_imports(tmp_path) -> None:
    (row,) = import_tree(lay(tmp_path, {"x/pytest_cpu.log": LOG}) / "x/pytest_cpu.log", tmp_path / "results").rows
    assert (row.source, row.record.outcome) == ("pytest_cpu.log", "passed")
    with pytest.raises(DamagedData, match="no evidence"):
        import_tree(lay(tmp_path, {"x/other": "text"}) / "x/other", tmp_path / "results")


def test_damaged_files_are_named_and_the_rest_comes_in(tmp_path) -> None:
    tree = import_tree(
        lay(tmp_path / "old", {"a/log": LOG, "b/log.gz": b"\x1f\x8b\x08nonsense", "c/out.gz": b"\x1f\x8b"}),
        tmp_path / "r",
    )
    assert came(tree.rows) == {"a": "imported", "b": "damaged", "c": "damaged"}
    assert tree.damaged


def test_no_file_bomb_and_no_device_is_read(tmp_path, monkeypatch) -> None:
    import gzip

    monkeypatch.setattr("bench.importer.read.walk.MAX_STREAM_BYTES", 10_000)
    folder = lay(tmp_path / "old", {"pytest.log": LOG, "bomb.gz": gzip.compress(b"\0" * 1_000_000)})
    os.mkfifo(folder / "pipe.log")
    (folder / "pytest.xml").symlink_to("/etc/passwd")
    tree = import_tree(folder, tmp_path / "results")
    said = [str(problem) for row in tree.rows for problem in row.problems] + [str(problem) for problem in tree.problems]
    assert any(line.startswith("pipe.log: not a plain file") for line in said)
    assert any(line.startswith("bomb.gz: ") and "larger than" in line for line in said)
    assert any(line.startswith("pytest.xml: not a plain file") for line in said)


def test_a_deep_tree_is_left_out_below_its_bound(tmp_path) -> None:
    tree = import_tree(lay(tmp_path / "old", {"a/log": LOG, "/".join("d" * 14) + "/log": LOG}), tmp_path / "results")
    assert came(tree.rows) == {"a": "imported"}
    assert any("folders deep is left out" in problem.reason for problem in tree.problems)


def test_a_large_log_keeps_its_beginning_and_its_end(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("bench.importer.read.walk.KEPT_BYTES", 4000)
    noise = "\n".join(f"line {n} of a test's output" for n in range(2000))
    log = LOG.replace(f"{NODE} PASSED [100%]", f"{NODE} {noise}\nPASSED")
    (row,) = rows_of(tmp_path, {"pytest.log": log})
    assert (row.record.outcome, row.record.runs[0].pytest_s, row.record.runs[0].tests[0].outcome) == (
        "passed",
        62.1,
        "passed",
    )
    assert any("bytes of it left out" in problem.reason for problem in row.problems)


def test_control_codes_do_not_reach_names_or_evidence(tmp_path) -> None:
    log = LOG.replace(NODE, "tests/test_a.py::test_x[\x1b[31m\x07]")
    (row,) = rows_of(tmp_path, {"pytest.log": log})
    assert "\x1b" not in (row.path / "logs/pytest.log").read_text()
    assert row.record.diagnostic.name == "tests-test-a-test-x_cpu"
