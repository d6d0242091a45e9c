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


ADDRESS = "ssh://me:word@127.0.0.1:1"


@pytest.mark.parametrize(
    "words",
    [
        ["doctor", "--host", ADDRESS],
        ["doctor", ADDRESS],
        ["run", "grad_cpu", "--host", ADDRESS],
        ["run", "grad_cpu", "--host", ADDRESS.replace("ssh", "tcp"), "--json"],
        ["run", "grad_cpu", "--host", ADDRESS, "--engine", "nosuch"],
        ["whatif", "grad_cpu", "--host", ADDRESS],
        ["ab", "grad_cpu", "--base", "variant=glibc", "--head", "variant=jemalloc", "--host", ADDRESS],
        ["fleet", "grad_cpu", "--host", ADDRESS, "--host", ADDRESS],
        ["fleet", "grad_cpu", "--host", ADDRESS, "--on", "local"],
        ["fleet", "grad_cpu", "--on", ADDRESS],
    ],
    ids=lambda words: " ".join(words).replace(ADDRESS, "ADDRESS"),
)
def test_no_command_shows_the_password_of_an_address(bench_, monkeypatch, tmp_path, words):
    """Whether it is refused, nobody answers there, or it is what comes next; and nothing that was kept shows it."""
    monkeypatch.chdir(tmp_path)
    for name, folder in (("BENCH_RESULTS", "results"), ("XDG_STATE_HOME", "state"), ("BENCH_LOCK_FOLDER", "")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.setenv("PATH", str(tmp_path))  # no ssh: nothing is asked of a network
    code, out, err = bench_(*words)
    assert code in (2, 6)
    assert "word" not in (out + err).replace("password", "")
    results = [path for path in tmp_path.glob("results/**/*") if path.is_file()]
    assert results or code == 2 or words[0] in ("doctor", "fleet")
    assert not any(b"me:word" in path.read_bytes() for path in results)
