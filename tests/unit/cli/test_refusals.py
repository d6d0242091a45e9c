"""Values that no run can have are refused in one line, before anything is touched."""

import pytest


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["grad_cpu", "--device", "tpu"], "'tpu' is no device; choose cpu or cuda"),
        (["--project", ".", "--node", "test_x.py::test_y", "--device", "tpu"], "'tpu' is no device"),
        (["grad_cpu", "--threads", "100000"], "100000 threads are more than a run may have"),
        (["grad_cpu", "--variant", "threads-9999"], "9999 threads are more than a run may have"),
        (["grad_cpu", "--cpus", "0.001"], "--cpus 0.001 is less than a kernel gives; give 0.01 or more"),
    ],
)
def test_a_value_that_makes_no_sense(engine, bench_, words, said):
    code, out, err = bench_("run", *words)
    assert (code, out, engine.executed) == (2, "", [])
    assert err.startswith(f"bench: {said}")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("words", [["--cpus", "0.01"], ["--threads", "511"], ["--device", "cpu"]])
def test_the_least_and_the_most_are_run(engine, bench_, words):
    assert bench_("run", "grad_cpu", *words)[0] == 0


@pytest.mark.parametrize(
    ("words", "verb"),
    [
        (["run", "grad_cpu", "--cpus"], "bench run"),
        (["run", "grad_cpu", "--cpus", "many"], "bench run"),
        (["run", "--cpu", "1"], "bench run"),
        (["import"], "bench import"),
        (["runs"], "bench"),
        (["--cpus"], "bench"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_told_where_to_look(bench_, words, verb):
    code, out, err = bench_(*words)
    assert (code, out) == (2, "")
    assert err.endswith(f"; see '{verb} --help'\n")
    assert len(err.splitlines()) == 1
