import subprocess
import sys
from dataclasses import replace

import pytest

from bench.catalog.load import builtin, find, find_variant
from bench.engine.protocol import Capacity, Tree
from bench.errors import UsageError
from bench.record.schema import Limits, Source
from bench.run.plan import Options, check_capacity, make_plan, parse_env

GRAD = find(builtin(), "grad_cpu")
SOURCE = Source(kind="catalog", sha256="0" * 64)


def test_the_plan_of_the_main_job():
    plan = make_plan(GRAD, Options(), SOURCE)
    assert plan.task.argv[-1] == "{diagnostics}/test_grad.py::test_gradient_stability"
    assert plan.task.timeout_s == 1200.0
    assert plan.task.env["BENCH_PROFILE"] == "full"
    assert plan.task.env["CUDA_VISIBLE_DEVICES"] == "-1"
    assert plan.need.kind == "cpu"
    assert plan.task.limits == Limits(pids=512)
    assert "OMP_NUM_THREADS" not in plan.task.env


def test_options_are_laid_over_the_diagnostic():
    options = Options(profile="smoke", threads=2, timeout_s=60.0, ceiling_s=50.0, env={"A": "1"}, memory_bytes=2**30)
    plan = make_plan(GRAD, options, SOURCE)
    assert (plan.diagnostic.ceiling_s, plan.diagnostic.timeout_s, plan.task.timeout_s) == (50.0, 60.0, 60.0)
    assert (plan.task.env["A"], plan.task.env["OMP_NUM_THREADS"], plan.task.env["BENCH_THREADS"]) == ("1", "2", "2")
    assert plan.task.env["BENCH_PROFILE"] == "smoke"
    assert plan.task.limits.memory_bytes == 2**30


def test_a_quota_brings_as_many_threads_as_it_pays_for():
    assert make_plan(GRAD, Options(cpus=1.5), SOURCE).task.env["OMP_NUM_THREADS"] == "2"
    assert make_plan(GRAD, Options(cpus=1.5, threads=4), SOURCE).task.env["OMP_NUM_THREADS"] == "4"


def test_a_variant_sets_what_it_names_and_the_user_has_the_last_word():
    plan = make_plan(GRAD, Options(threads=4), SOURCE, variant=find_variant(builtin(), "threads-1"))
    assert plan.task.limits.threads == 1
    plan = make_plan(GRAD, Options(), SOURCE, variant=find_variant(builtin(), "tcmalloc"))
    assert plan.task.preload == "tcmalloc"
    options = Options(env={"THP_MEM_ALLOC_ENABLE": "0"})
    plan = make_plan(GRAD, options, SOURCE, variant=find_variant(builtin(), "thp"))
    assert plan.task.env["THP_MEM_ALLOC_ENABLE"] == "0"


def test_a_project_that_makes_warnings_errors_may_record_properties(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    (tmp_path / "a.py").write_text("def test_a(record_property):\n    record_property('n', 5)\n")
    plan = make_plan(replace(GRAD, node="a.py::test_a"), Options(), SOURCE, tree=Tree(tmp_path, ("a.py",), "0"))
    places = {"{python}": sys.executable, "{src}": str(tmp_path), "{out}": str(tmp_path)}
    argv = list(plan.task.argv)
    for name, place in places.items():
        argv = [word.replace(name, place) for word in argv]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert '<property name="n" value="5"' in (tmp_path / "pytest.junit.xml").read_text()


def test_a_project_keeps_its_own_pytest_options(tmp_path):
    plan = make_plan(GRAD, Options(), SOURCE, tree=Tree(tmp_path, ("a.py",), "0"))
    assert plan.task.cwd == "{src}"
    assert "-c" not in plan.task.argv
    assert plan.task.argv[-1] == GRAD.node


@pytest.mark.parametrize(
    "options",
    [
        Options(repeat=0),
        Options(profile="huge"),
        Options(cpus=0.0),
        Options(cpus=float("nan")),
        Options(timeout_s=-1.0),
        Options(ceiling_s=0.0),
        Options(threads=0),
    ],
)
def test_numbers_that_make_no_sense_are_refused(options):
    with pytest.raises(UsageError):
        make_plan(GRAD, options, SOURCE)


@pytest.mark.parametrize(
    "limits",
    [Limits(cpus=64.0), Limits(cpuset="0-9"), Limits(memory_bytes=2**50), Limits(memory_bytes=1000)],
)
def test_limits_that_the_host_cannot_give_are_refused(limits):
    with pytest.raises(UsageError):
        check_capacity(limits, Capacity(2, 2**34))


def test_limits_that_fit_or_cannot_be_known_pass():
    check_capacity(Limits(cpus=2.0, cpuset="0-1", memory_bytes=2**30), Capacity(2, 2**34))
    check_capacity(Limits(cpus=64.0, cpuset="9", memory_bytes=2**50), Capacity(None, None))


def test_environment_items():
    assert parse_env(["A=1", "B=x=y", "C="]) == {"A": "1", "B": "x=y", "C": ""}
    for item in ("A", "=1", "A B=1"):
        with pytest.raises(UsageError, match="is not K=V"):
            parse_env([item])


@pytest.mark.parametrize(
    ("name", "option"), [("BENCH_PROFILE", "--profile"), ("BENCH_DEVICE", "NAME"), ("BENCH_PROFILER_OUT", "--profiler")]
)
def test_what_another_option_sets_is_not_set_by_env(name, option):
    with pytest.raises(UsageError, match=f"{name} is not yours to set; {option} sets it"):
        parse_env(["A=1", f"{name}=smoke"])


def test_python_finds_a_src_layout_and_the_profiler(tmp_path):
    tree = Tree(tmp_path, ("src/shapes/__init__.py", "tests/test_a.py"), "0")
    assert make_plan(GRAD, Options(), SOURCE, tree=tree).task.env["PYTHONPATH"] == "{src}/src"
    plan = make_plan(GRAD, Options(profiler=True), SOURCE, tree=tree)
    assert plan.task.env["PYTHONPATH"] == "{diagnostics}/profiler:{src}/src"
    plan = make_plan(GRAD, Options(profiler=True, env={"PYTHONPATH": "{src}/lib"}), SOURCE, tree=tree)
    assert plan.task.env["PYTHONPATH"] == "{diagnostics}/profiler:{src}/lib"
    flat = Tree(tmp_path, ("srcs/a.py", "src/notes.txt"), "0")
    assert "PYTHONPATH" not in make_plan(GRAD, Options(), SOURCE, tree=flat).task.env
    assert "PYTHONPATH" not in make_plan(GRAD, Options(), SOURCE).task.env


def test_a_profile_s_own_ceiling_holds_unless_one_is_asked_for():
    grad = find(builtin(), "grad_cpu")
    assert make_plan(grad, Options(), SOURCE).diagnostic.ceiling_s == 325.0
    assert make_plan(grad, Options(profile="smoke"), SOURCE).diagnostic.ceiling_s == 115.0
    assert make_plan(grad, Options(profile="smoke", ceiling_s=9.0), SOURCE).diagnostic.ceiling_s == 9.0
