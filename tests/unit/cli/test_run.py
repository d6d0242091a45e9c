import json
import signal
import subprocess
from xml.etree import ElementTree as ET

import msgspec
import pytest

import bench.run.measure
import bench.run.recovery
from bench.cli.inputs import samples_of
from bench.compare.stats.values import ArithmeticFailed
from bench.engine.choose import choose
from bench.engine.protocol import Orphan
from bench.errors import NotMeasured
from bench.names import numbered
from bench.record.storage.bundle import read_bundle
from bench.record.storage.find import find_bundles, scan
from bench.record.storage.verify import verify
from bench.run.store.kept import LABEL, RESULTS

FILES = [
    "record.json",
    "summary.md",
    "env/env.txt",
    "env/torch_env.txt",
    "env/disk_usage.txt",
    "env/system_load.txt",
    "logs/pytest.log",
    "artifacts/commands.txt",
    "artifacts/time.txt",
    "artifacts/pytest.junit.xml",
    "artifacts/exit_code.txt",
    "artifacts/samples.csv",
    "analysis/grad_cpu_time.txt",
    "analysis/timeout_decision.md",
    "MANIFEST.sha256",
]
PER_RUN = [name for name in FILES if name.startswith(("logs/", "artifacts/")) and name != "artifacts/commands.txt"]


def only(results):
    (bundle,) = find_bundles(str(results))
    return bundle


def test_a_run_leaves_a_complete_bundle(engine, bench_, tmp_path):
    code, out, err = bench_("run", "grad_cpu", "--results", tmp_path / "r")
    bundle = only(tmp_path / "r")
    assert code == 0
    assert "grad_cpu" in out
    assert "grad_cpu: started" in err
    for name in FILES:
        assert (bundle.path / name).stat().st_size > 0, name
    assert verify(bundle.path).ok
    subprocess.run(["sha256sum", "-c", "--quiet", "MANIFEST.sha256"], cwd=bundle.path, check=True)
    record = bundle.record
    assert bundle.path.relative_to(tmp_path / "r").as_posix() == record.id
    assert (record.outcome, record.verdict.status, record.verdict.ceiling_margin_s) == ("passed", "ok", 315.0)
    assert record.unavailable["runs[0].memory.swap_peak_bytes"] == "no swap accounting"
    assert record.unavailable["host.class.gpu"] == "none was found"
    assert record.engine.limits.pids == 512
    assert record.diagnostic.params == {"BENCH_PROFILE": "full"}
    assert len((bundle.path / "artifacts/time.txt").read_text().splitlines()) == 23


def test_json_is_one_document_and_nothing_else(engine, bench_, tmp_path):
    code, out, _ = bench_("run", "grad_cpu", "--json", "--quiet", "--results", tmp_path / "r")
    document = json.loads(out)
    assert code == 0
    assert document["record"]["schema"] == "bench.record/1"
    assert document["record"]["host"]["class"]["cpu_model"] == "Test CPU"
    assert read_bundle(tmp_path / "r" / document["record"]["id"])


@pytest.mark.parametrize(
    ("outcome", "code", "recorded"),
    [
        ("failed", 3, "failed"),
        ("timed_out", 4, "timed_out"),
        ("oom_killed", 5, "oom_killed"),
        ("daemon", 6, "not_measured"),
        ("interrupted", 130, "interrupted"),
    ],
)
def test_each_end_has_its_code_and_leaves_a_bundle_with_the_signature(
    engine, bench_, tmp_path, outcome, code, recorded
):
    engine.outcomes = [outcome]
    found, _, err = bench_("run", "grad_cpu", "--results", tmp_path / "r")
    assert found == code, err
    bundle = only(tmp_path / "r")
    assert bundle.record.outcome == recorded
    signature = bundle.record.runs[0].signature
    assert signature in (bundle.path / "summary.md").read_text().splitlines()[0]
    assert bundle.record.verdict.status == "not_measured"
    assert signature in (bundle.path / "analysis/grad_cpu_time.txt").read_text().splitlines()[0]
    assert verify(bundle.path).ok


def test_what_pytest_did_not_write_is_replaced_in_its_own_form(engine, bench_, tmp_path, monkeypatch):
    execute = engine.execute

    def crashed(place, task, out, on_event):
        ending = execute(place, task, out, on_event)
        (out / "pytest.junit.xml").unlink()
        (out / "samples.csv").unlink()
        result = json.loads((out / "result.json").read_text())
        (out / "result.json").write_text(json.dumps({**result, "signature": "signal 11 <&\x01> \u00e9"}))
        return ending

    monkeypatch.setattr(engine, "execute", crashed)
    engine.outcomes = ["failed"]
    bench_("run", "grad_cpu", "--results", tmp_path / "r")
    bundle = only(tmp_path / "r")
    (suite,) = ET.parse(bundle.path / "artifacts/pytest.junit.xml").getroot()
    assert (suite.tag, suite.get("tests"), suite.get("errors")) == ("testsuite", "1", "1")
    (case,) = suite
    assert case.get("name") == bundle.record.diagnostic.node
    assert case[0].get("message").startswith("pytest wrote no report: signal 11 <&")
    assert (bundle.path / "artifacts/samples.csv").read_text().startswith("t_s,cpu_user_s,")
    assert len((bundle.path / "artifacts/samples.csv").read_text().splitlines()) == 1


def test_the_end_of_the_log_is_kept_where_the_supervisor_was_killed(engine, bench_, tmp_path, monkeypatch):
    execute = engine.execute

    def killed(place, task, out, on_event):
        ending = execute(place, task, out, on_event)
        (out / "pytest.log").write_bytes(b"the first half")
        (out / "pytest.log.tail").write_bytes(b"the reason\0\0")
        return ending

    monkeypatch.setattr(engine, "execute", killed)
    bench_("run", "grad_cpu", "--results", tmp_path / "r")
    log = (only(tmp_path / "r").path / "logs/pytest.log").read_text()
    head, _, tail = log.partition("did not put the log together")
    assert head.startswith("the first half\n")
    assert tail.endswith("]\nthe reason")


def test_over_the_ceiling_is_one(engine, bench_, tmp_path):
    engine.walls = [906.0]
    code, _, _ = bench_("run", "grad_cpu", "--results", tmp_path / "r")
    assert code == 1
    assert only(tmp_path / "r").record.verdict.status == "over_ceiling"
    assert bench_("run", "grad_cpu", "--ceiling", "5", "--results", tmp_path / "s")[0] == 1


def nulls_of(value, path=""):
    """Paths of a document's nulls, and of its parts that hold nothing."""
    if isinstance(value, dict):
        inner = [(f"{path}.{key}".lstrip("."), one) for key, one in value.items()]
    elif isinstance(value, list):
        inner = [(f"{path}[{at}]", one) for at, one in enumerate(value)]
    else:
        return {path: None} if value is None else {}
    found = {} if inner else {path: "empty"}
    for name, one in inner:
        found |= nulls_of(one, name)
    return found


@pytest.mark.parametrize(
    ("words", "outcomes"),
    [
        (["grad_cpu"], []),
        (["grad_cpu", "--no-calibration"], []),
        (["grad_cpu", "--repeat", "3"], ["passed", "oom_killed", NotMeasured("no room")]),
        (["grad_cpu"], ["daemon"]),
        (["grad_cpu", "--repeat", "2"], ["passed", "interrupted"]),
        (["grad_cpu"], [KeyboardInterrupt()]),
        (["grad_cuda"], []),
    ],
)
def test_each_null_has_a_reason_and_each_reason_a_null(engine, bench_, tmp_path, words, outcomes):
    engine.outcomes = list(outcomes)
    bench_("run", *words, "--results", tmp_path / "r")
    document = json.loads(
        msgspec.json.encode(only(tmp_path / "r").record)
    )  # what is written once stands at each path again
    reasons = document.pop("unavailable")
    found = nulls_of(document)
    assert sorted(path for path, kind in found.items() if kind is None and path not in reasons) == []
    assert sorted(path for path in reasons if path not in found) == []
    assert all(reasons.values())
    assert reasons["engine.limits.cpuset"] == "no limit was set"
    summary = (only(tmp_path / "r").path / "summary.md").read_text()
    assert "no limit was set" not in summary


def test_repeats_are_fresh_containers_with_files_of_their_own(engine, bench_, tmp_path):
    engine.walls = [10.0, 11.0, 12.0]
    assert bench_("run", "grad_cpu", "--repeat", "3", "--results", tmp_path / "r")[0] == 0
    bundle = only(tmp_path / "r")
    assert [run.wall_s for run in bundle.record.runs] == [10.0, 11.0, 12.0]
    assert [run.index for run in bundle.record.runs] == [0, 1, 2]
    assert (bundle.path / "logs/pytest-000.log").is_file()
    assert (bundle.path / "logs/pytest-002.log").is_file()
    assert len(engine.executed) == 3


def test_an_interrupted_repeat_keeps_what_it_has(engine, bench_, tmp_path):
    engine.outcomes = ["passed", "interrupted", "passed"]
    assert bench_("run", "grad_cpu", "--repeat", "3", "--results", tmp_path / "r")[0] == 130
    assert [run.outcome for run in only(tmp_path / "r").record.runs] == ["passed", "interrupted"]


def test_files_are_numbered_by_the_runs_that_were_asked_for(engine, bench_, tmp_path):
    engine.outcomes = ["interrupted"]
    bench_("run", "grad_cpu", "--repeat", "3", "--results", tmp_path / "r")
    bundle = only(tmp_path / "r")
    assert (len(bundle.record.runs), bundle.record.runs_asked) == (1, 3)
    for name in ("logs/pytest-000.log", "artifacts/samples-000.csv", "artifacts/pytest-000.junit.xml"):
        assert (bundle.path / name).is_file(), name
    assert samples_of(bundle, 1 << 20) == {0: (bundle.path / "artifacts/samples-000.csv").read_text()}


def test_an_engine_that_breaks_between_runs_keeps_what_it_has(engine, bench_, tmp_path):
    engine.outcomes = ["passed", NotMeasured("no room")]
    code, _, err = bench_("run", "grad_cpu", "--repeat", "3", "--results", tmp_path / "r")
    assert (code, err.splitlines()[-1]) == (6, "bench: no room")
    bundle = only(tmp_path / "r")
    assert [run.outcome for run in bundle.record.runs] == ["passed", "not_measured"]
    assert (bundle.record.outcome, bundle.record.runs[1].signature) == ("not_measured", "no room")
    assert bundle.record.verdict.reasons[0] == "2 of 3 runs were made: run 1 was not measured"
    assert "run 1: no room" in (bundle.path / "summary.md").read_text().split("##")[0]
    assert (bundle.path / "logs/pytest-001.log").read_text().startswith("# pytest.log was not written: no room")


def nothing_ran(bundle, outcome, said):
    """Check a bundle of which nothing ran: complete, and each file says why it is empty."""
    record = bundle.record
    name, asked = record.diagnostic.name, record.runs_asked or 1
    assert (record.outcome, record.verdict.status, record.runs) == (outcome, "not_measured", ())
    per_run = {file: numbered(file, 0, asked) for file in PER_RUN}
    for file in (one.replace("grad_cpu", name) for one in FILES):
        assert (bundle.path / per_run.get(file, file)).stat().st_size > 0, file
    for file in ("summary.md", f"analysis/{name}_time.txt", per_run["logs/pytest.log"], "artifacts/commands.txt"):
        assert said in (bundle.path / file).read_text(), file
    assert len((bundle.path / per_run["artifacts/time.txt"]).read_text().splitlines()) == 23
    assert verify(bundle.path).ok


def test_interrupted_before_anything_ran_leaves_a_bundle(engine, bench_, tmp_path):
    engine.outcomes = [KeyboardInterrupt()]
    code, _, err = bench_("run", "grad_cpu", "--results", tmp_path / "r")
    assert code == 130
    assert err.splitlines()[-1] == "bench: interrupted"
    nothing_ran(only(tmp_path / "r"), "interrupted", "the command was interrupted")


def test_without_a_gpu_a_bundle_says_so(engine, bench_, tmp_path):
    code, out, err = bench_("run", "grad_cuda", "--results", tmp_path / "r", "--json")
    assert code == 6
    assert err == "bench: no NVIDIA GPU was found: looked at NVML; install the driver\n"
    bundle = only(tmp_path / "r")
    nothing_ran(bundle, "not_measured", "no NVIDIA GPU was found")
    assert json.loads(out)["record"]["id"] == bundle.record.id
    assert bundle.record.host.class_.cpu_model == "Test CPU"
    assert "no NVIDIA GPU was found" in bundle.record.unavailable["image"]


@pytest.mark.parametrize("name", ["grad_cpu", "selftest"])
@pytest.mark.parametrize(
    ("words", "cpu_model"), [((), "Test CPU"), (("--host", "tcp://127.0.0.1:9"), None)], ids=["here", "elsewhere"]
)
def test_where_no_engine_answers_a_bundle_says_so(
    engine, handed, bench_, tmp_path, monkeypatch, words, cpu_model, name
):
    handed.choose(choose)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    code, out, err = bench_("run", name, "--engine", "docker", *words, "--results", tmp_path / "r", "--json")
    assert (code, err.count("\n")) == (6, 1)
    assert err.startswith("bench: no Docker engine answers at")
    bundle = only(tmp_path / "r")
    nothing_ran(bundle, "not_measured", "no Docker engine answers at")
    record = bundle.record
    assert (record.engine.name, record.engine.version, record.image) == ("docker", None, None)
    assert record.engine.limits.pids == 512
    assert "no Docker engine answers" in record.unavailable["engine.version"]
    assert record.host.class_.cpu_model == cpu_model
    assert json.loads(out)["path"] == str(bundle.path)


@pytest.mark.parametrize("name", ["grad_cpu", "selftest"])
@pytest.mark.parametrize("where", ["choose", "recover_all"])
def test_ctrl_c_before_the_measurement_leaves_a_bundle(engine, handed, bench_, tmp_path, monkeypatch, where, name):
    def struck(*_, **__):
        raise KeyboardInterrupt

    if where == "choose":
        handed.choose(struck)
    else:
        monkeypatch.setattr("bench.cli.session.recover_all", struck)
    code, _, err = bench_("run", name, "--results", tmp_path / "r")
    assert (code, err.splitlines()[-1], engine.executed) == (130, "bench: interrupted", [])
    nothing_ran(only(tmp_path / "r"), "interrupted", "the command was interrupted")


def test_a_run_that_cannot_be_started_is_one_that_was_not_measured(engine, bench_, tmp_path):
    engine.outcomes = [NotMeasured("no room", "the disk is full", "free some space")]
    code, _, err = bench_("run", "grad_cpu", "--results", tmp_path / "r")
    assert (code, err.splitlines()[-1]) == (6, "bench: no room: the disk is full; free some space")
    bundle = only(tmp_path / "r")
    assert [(run.outcome, run.wall_s) for run in bundle.record.runs] == [("not_measured", None)]
    assert bundle.record.unavailable["runs[0].wall_s"].startswith("the supervisor did not reach its end (no room")
    assert "no room" in (bundle.path / "analysis/grad_cpu_time.txt").read_text().splitlines()[0]
    assert verify(bundle.path).ok


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "grad_cup"], 2, "did you mean 'grad_cpu'"),
        (["run"], 2, "nothing to run was named"),
        (["run", "grad_cpu", "--memory", "lots"], 2, "is not a size"),
        (["run", "grad_cpu", "--cpus", "64"], 2, "more than this host's 2"),
        (["run", "grad_cpu", "--cpuset", "7"], 2, "names CPU 7"),
        (["run", "grad_cpu", "--timeout", "soon"], 2, "is not a duration"),
        (["run", "grad_cpu", "--env", "A"], 2, "is not K=V"),
        (["run", "grad_cpu", "--env", "BENCH_PROFILE=smoke"], 2, "--profile sets it"),
        (["whatif", "grad_cpu", "--env", "BENCH_DEVICE=cuda"], 2, "NAME sets it"),
        (["run", "grad_cpu", "--repeat", "none"], 2, "--repeat"),
        (["run", "grad_cpu", "--profile", "smok"], 2, "did you mean 'smoke'"),
        (["run", "grad_cpu", "--variant", "jemaloc"], 2, "did you mean 'jemalloc'"),
        (["run", "grad_cpu", "--baseline", "nowhere"], 2, "there is no result"),
        (["run", "grad_cpu", "--if-busy", "panic"], 2, "wait or refuse"),
        (["run", "grad_cpu", "--requirements", "r.txt"], 2, "goes with --project"),
        (["run", "--node", "a.py::t"], 2, "goes with --project"),
        (["run", "--project", ".", "--node", "a.py::t", "--node", "b.py"], 2, "given for a.py::t and b.py"),
        (["run", "--project", ".", "--node", "a.py::t", "--device", "tpu"], 2, "is no device"),
        (["frobnicate"], 2, "No such command"),
        (["history"], 2, ", as in: bench history grad_cpu; see 'bench history --help'"),
        (["run", "grad_cpu", "dtype_cpu"], 2, "too many arguments: dtype_cpu; leave out"),
        (["query", "select nope from runs"], 2, "bench query 'describe runs' lists the columns"),
    ],
)
def test_bad_input_gets_one_line_and_its_code(engine, bench_, words, code, said, tmp_path):
    found, out, err = bench_(*words)
    assert found == code
    assert out == ""
    assert said in err
    assert len([line for line in err.splitlines() if line.startswith("bench: ")]) == 1
    assert not (tmp_path / "results").exists() or not list((tmp_path / "results").glob("*/*/*"))


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (OSError(28, "No space left on device", "/x"), "the system refused /x: No space left on device"),
        (ZeroDivisionError(), "a fault of bench itself"),
    ],
)
def test_a_fault_is_never_told_as_a_regression(engine, handed, capsys, tmp_path, trouble, said):
    engine.outcomes = [trouble]
    assert handed.main(["run", "grad_cpu", "--results", str(tmp_path / "r"), "--json"]) == 6
    told = capsys.readouterr()
    assert set(json.loads(told.out)) == {"error", "exit_code"}
    assert said in told.err.splitlines()[-1]
    assert ("Traceback" in told.err) == isinstance(trouble, ZeroDivisionError)
    assert not list((tmp_path / "r").glob("*/*/*"))


@pytest.mark.parametrize("verb", [["run"], ["whatif", "--variants", "glibc,jemalloc"]])
def test_who_does_not_wait_for_another_measurement_leaves_nothing(engine, bench_, tmp_path, monkeypatch, verb):
    monkeypatch.setattr(type(engine), "neighbour", lambda _: "process 7 of machine abc")
    code, out, err = bench_(*verb, "grad_cpu", "--if-busy", "refuse", "--results", tmp_path / "r")
    assert (code, out) == (6, "")
    assert "another measurement runs on this host (process 7 of machine abc)" in err
    assert not list(tmp_path.glob("r/*"))
    assert engine.executed == []


def test_a_results_folder_that_cannot_be_written_is_refused_before_the_run(engine, bench_, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = bench_("run", "grad_cpu", "--results", tmp_path / "file" / "r")
    assert code == 2
    assert "bench: " in err
    assert engine.executed == []


def test_a_project_s_node_runs_from_a_copy(engine, bench_, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "test_a.py").write_text("def test_a(): pass\n")
    words = ("run", "--project", project, "--node", "test_a.py::test_a", "--results", tmp_path / "r")
    assert bench_(*words)[0] == 0
    bundle = only(tmp_path / "r")
    assert bundle.record.diagnostic.name == "test-a-test-a_cpu"
    assert bundle.record.diagnostic.source.kind == "project"
    assert engine.executed[0].tree.files == ("test_a.py",)
    assert "git" in bundle.record.unavailable["diagnostic.source.commit"]


@pytest.mark.parametrize("again", ["run", "whatif", "reproduce"])
def test_results_in_the_project_itself_are_no_code_under_test(engine, bench_, tmp_path, again):
    project = tmp_path / "project"
    project.mkdir()
    (project / "test_a.py").write_text("def test_a(): pass\n")
    (project / "bench.toml").write_text('[diagnostic.slow]\nnode = "test_a.py"\nimage = "small"\n')
    out = ("--results", project / "results", "--project", project)
    assert bench_("run", "slow_cpu", *out)[0] == 0
    (first,) = scan(project / "results").bundles
    words = {
        "run": ("run", "slow_cpu"),
        "whatif": ("whatif", "slow_cpu", "--variants", "glibc,glibc-keep", "--repeat", 1),
        "reproduce": ("reproduce", first.path, "--trust"),
    }
    code, _, said = bench_(*words[again], *out)
    assert code == 0, said
    sources = {bundle.record.diagnostic.source.sha256 for bundle in scan(project / "results").bundles}
    assert sources == {first.record.diagnostic.source.sha256}
    assert len(scan(project / "results").bundles) == (3 if again == "whatif" else 2)


def test_a_project_s_named_diagnostics_run_and_are_listed(engine, bench_, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "test_a.py").write_text("def test_a(): pass\n")
    (project / "bench.toml").write_text('[diagnostic.slow]\nnode = "test_a.py"\nceiling_s = 5.0\n')
    code, out, _ = bench_("list", "--project", project)
    assert code == 0
    assert "slow_cpu" in out
    assert bench_("run", "slow_cpu", "--project", project, "--results", tmp_path / "r")[0] == 1
    assert only(tmp_path / "r").record.verdict.status == "over_ceiling"


def test_the_profiler_s_operators_stand_in_the_summary(engine, bench_, tmp_path):
    bench_("run", "grad_cpu", "--profiler", "--results", tmp_path / "r")
    bundle = only(tmp_path / "r")
    assert bundle.record.profiler is True
    assert "aten" in (bundle.path / "summary.md").read_text()
    assert "bench_profiler" in engine.executed[0].argv


def test_a_variant_is_recorded_and_applied(engine, bench_, tmp_path):
    bench_("run", "grad_cpu", "--variant", "jemalloc", "--results", tmp_path / "r")
    assert only(tmp_path / "r").record.variant == "jemalloc"
    assert engine.executed[0].preload == "jemalloc"


def test_what_a_killed_command_left_is_finished_first(engine, bench_, tmp_path):
    bench_("run", "grad_cpu", "--results", tmp_path / "r")
    labels = {**engine.executed[0].labels, RESULTS: str(tmp_path / "s")}
    assert LABEL in labels
    engine.orphaned = [
        Orphan("abc", labels, running=False, evidence=True),
        Orphan("def", {LABEL: "{"}, running=False, evidence=True),
        Orphan("ghi", {}, running=False, evidence=False),
    ]
    _, _, err = bench_("run", "grad_cpu", "--results", tmp_path / "s")
    assert set(engine.recovered) == {"abc", "def"}  # to end what may still run
    assert "finished the evidence" in err
    assert f"could not be finished and is kept in {tmp_path / 'state/bench/unfinished/def'} (run def)" in err
    assert (engine.discarded, engine.kept) == (["abc", "def"], set())
    first, second = sorted(find_bundles(str(tmp_path / "s")), key=lambda bundle: bundle.record.runs[0].wall_s)
    assert (first.record.runs[0].wall_s, second.record.runs[0].wall_s) == (5.0, 10.0)
    assert first.record.unavailable["host.after.load"] == "the command that measured was killed"
    assert verify(first.path).ok
    assert engine.swept == 2


@pytest.fixture
def full(monkeypatch, tmp_path):
    """Have folders refuse bundles as a full disk does."""
    write = bench.run.measure.write_bundle

    def refusing(*folders):
        def refuse(results, *words, **more):
            if results in folders:
                raise NotMeasured(f"no room left for {results}", "No space left on device", "free some space")
            return write(results, *words, **more)

        monkeypatch.setattr(bench.run.measure, "write_bundle", refuse)

    return refusing


@pytest.mark.parametrize("outcome", ["passed", "failed", "interrupted"])
def test_a_results_disk_that_fills_up_costs_no_result(engine, bench_, tmp_path, full, outcome):
    engine.outcomes = [outcome]
    full(tmp_path / "r")
    code, out, err = bench_("run", "grad_cpu", "--results", tmp_path / "r", "--json", "--quiet")
    assert code == 6
    bundle = only(tmp_path / "state/bench/results")
    assert (bundle.record.outcome, verify(bundle.path).ok) == (outcome, True)
    assert json.loads(out)["path"] == str(bundle.path)
    assert f"no room left for {tmp_path / 'r'}" in err
    assert f"the result lies in {bundle.path}" in err
    assert list((tmp_path / "state/bench/sessions").iterdir()) == []


def test_where_no_disk_has_room_the_evidence_stays_for_the_next_command(engine, bench_, tmp_path, full):
    full(tmp_path / "r", tmp_path / "state/bench/results")
    code, _, err = bench_("run", "grad_cpu", "--results", tmp_path / "r")
    assert code == 6
    (store,) = (tmp_path / "state/bench/sessions").iterdir()
    assert f"what was measured is kept in {store}" in err
    assert (store / "run-0000/pytest.log").is_file()


def test_other_verbs_say_it_too(engine, bench_, tmp_path, full):
    bench_("run", "grad_cpu", "--results", tmp_path / "first")
    full(tmp_path / "r")
    words = ("reproduce", only(tmp_path / "first").path, "--results", tmp_path / "r", "--quiet")
    code, _, err = bench_(*words)
    assert (code, "the result lies in" in err) == (6, True)
    words = ("whatif", "grad_cpu", "--variants", "glibc,thp", "--repeat", "1", "--results", tmp_path / "r", "--quiet")
    code, _, err = bench_(*words)
    assert (code, err.count("the result lies in")) == (6, 2)


@pytest.fixture
def orphan(engine, bench_, tmp_path):
    bench_("run", "grad_cpu", "--results", tmp_path / "first")
    labels = {**engine.executed[0].labels, RESULTS: str(tmp_path / "s")}
    engine.orphaned = [Orphan("abc", labels, running=True, evidence=True)]
    return engine


@pytest.mark.parametrize("trouble", [NotMeasured("no room left"), OSError(28, "No space left on device")])
def test_an_orphan_whose_bundle_cannot_be_written_is_kept(orphan, bench_, tmp_path, monkeypatch, trouble):
    def full(*_, **__):
        raise trouble

    with monkeypatch.context() as patch:
        patch.setattr("bench.run.recovery.write_bundle", full)
        assert bench_("run", "grad_cpu", "--results", tmp_path / "s")[0] == 0
    assert (orphan.discarded, orphan.kept) == ([], {"abc"})
    bench_("run", "grad_cpu", "--results", tmp_path / "s")
    assert (orphan.discarded, orphan.kept) == (["abc"], set())


def test_an_orphan_s_damaged_result_costs_itself_alone(orphan, bench_, tmp_path, monkeypatch):
    recover = orphan.recover

    def damaged(found, out):
        ending = recover(found, out)
        (out / "result.json").write_text("{")
        return ending

    monkeypatch.setattr(orphan, "recover", damaged)
    bench_("run", "grad_cpu", "--results", tmp_path / "s")
    (bundle,) = (one for one in find_bundles(str(tmp_path / "s")) if one.record.outcome != "passed")
    assert "result.json" in bundle.record.runs[0].signature
    assert bundle.record.runs[0].wall_s == 1.0  # the last sample's
    assert (orphan.discarded, orphan.kept) == (["abc"], set())


@pytest.mark.parametrize("where", ["write_bundle", "collect"])
def test_ctrl_c_while_an_orphan_is_finished_loses_nothing(orphan, bench_, tmp_path, monkeypatch, where):
    original = getattr(bench.run.recovery, where)

    def struck(*words, **more):
        signal.raise_signal(signal.SIGINT)
        return original(*words, **more)

    monkeypatch.setattr(bench.run.recovery, where, struck)
    executed = len(orphan.executed)
    assert bench_("run", "grad_cpu", "--results", tmp_path / "s")[0] == 130
    found = sorted(find_bundles(str(tmp_path / "s")), key=lambda bundle: len(bundle.record.runs))
    assert [len(bundle.record.runs) for bundle in found] == [0, 1]  # the command's own, of which nothing ran
    assert orphan.discarded == ["abc"]
    assert len(orphan.executed) == executed


def test_a_remote_engine_s_host_is_not_described_by_this_one(engine, bench_, tmp_path):
    engine.remote = True
    bench_("run", "grad_cpu", "--results", tmp_path / "r")
    record = only(tmp_path / "r").record
    assert (record.host.class_.threads, record.host.class_.cpu_model) == (2, None)
    assert "another machine" in record.unavailable["host.class.cpu_model"]
    assert "another machine" in record.unavailable["host.before.load"]
    assert record.calibration.before == {}


def test_a_machine_that_got_slower_meanwhile_is_said(engine, handed, bench_, tmp_path):
    seen = iter([0.1, 0.2])
    handed.calibrate(lambda: ({"one_core_s": next(seen)}, {}))
    bench_("run", "grad_cpu", "--repeat", "2", "--results", tmp_path / "r")
    first, last = only(tmp_path / "r").record.runs
    assert [warning.code for warning in last.warnings] == ["calibration_drifted"]
    assert last.warnings[0].value == pytest.approx(-0.5)
    assert first.warnings == ()


@pytest.mark.parametrize("failure", [ArithmeticFailed("the ratio is not finite"), OverflowError("math range error")])
def test_what_cannot_be_judged_is_kept(engine, bench_, tmp_path, monkeypatch, failure):
    def fail(*_, **__):
        raise failure

    monkeypatch.setattr("bench.run.result.record_of.verdict_of", fail)
    monkeypatch.setattr("bench.run.result.files.timeout_decision", fail)
    code, _, _ = bench_("run", "grad_cpu", "--results", tmp_path / "r")
    kept = only(tmp_path / "r")
    assert code == 6
    assert (kept.record.outcome, kept.record.verdict.status) == ("passed", "not_measured")
    assert str(failure) in kept.record.verdict.reasons[0]
    assert str(failure) in (kept.path / "analysis/timeout_decision.md").read_text()
    assert verify(kept.path).ok


@pytest.mark.parametrize(
    "fault", [MemoryError(), ValueError("I/O operation on closed file"), KeyError("Id"), OSError(28, "No space left")]
)
def test_a_fault_of_our_own_costs_what_it_hit_and_no_evidence(engine, bench_, fault):
    engine.outcomes = ["passed", fault]
    code, out, err = bench_("run", "grad_cpu", "--repeat", "3", "--json")
    assert code == 6
    runs = json.loads(out)["record"]["runs"]
    assert [run["outcome"] for run in runs] == ["passed", "not_measured"]
    assert runs[0]["wall_s"] == 10.0
    assert ("the system refused" if isinstance(fault, OSError) else type(fault).__name__) in runs[1]["signature"]
    assert "nothing was decided" not in err


@pytest.mark.parametrize("where", ["bench.run.result.record_of.verdict_of", "bench.run.session.monitored"])
def test_a_fault_after_the_runs_leaves_their_bundle(engine, bench_, monkeypatch, where):
    def broken(*_, **__):
        raise MemoryError

    monkeypatch.setattr(where, broken)
    _, out, _ = bench_("run", "grad_cpu", "--json")
    record = json.loads(out)["record"]
    assert (record["outcome"], record["runs"][0]["wall_s"]) == ("passed", 10.0)
    assert "MemoryError" in json.dumps(record)


def test_a_fault_after_the_result_came_out_leaves_its_outcome(engine, bench_, monkeypatch):
    def breaks(task, out):
        (out / "result.json").write_text(json.dumps({"state": "ended", "outcome": "failed", "wall_s": 3.0}))
        raise MemoryError

    monkeypatch.setattr(type(engine), "execute", lambda _, place, task, out, on_event: breaks(task, out))
    code, out, _ = bench_("run", "grad_cpu", "--json")
    run = json.loads(out)["record"]["runs"][0]
    assert (code, run["outcome"], run["wall_s"]) == (3, "failed", 3.0)
    assert "MemoryError" in json.dumps(run["warnings"])
