"""How the command line looks: help at 80 columns, progress and its silence, completion, pipes that close."""

import contextlib
import io
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

import bench
from bench.cli import main
from bench.cli.app import load_verbs
from bench.record.storage.find import find_bundles

ROOT = Path(bench.__file__).parents[1]
VERBS = sorted(command.name or command.callback.__name__ for command in load_verbs().registered_commands)
COMMAND = [sys.executable, "-m", "bench"]


def environment(**more):
    known = {name: value for name, value in os.environ.items() if not name.startswith("BENCH_")}
    return {**known, "PYTHONPATH": str(ROOT), **more}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def on_a_terminal(monkeypatch, handed):
    """Run a command as on a terminal of that width: its exit code and all that it wrote there."""

    def run(words, width=80):
        screen = Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", screen)
            patch.setattr(sys, "stderr", screen)
            patch.setenv("COLUMNS", str(width))
            patch.setenv("TERM", "xterm-256color")
            code = handed.main([str(word) for word in words])
        return code, screen.getvalue()

    return run


def without_codes(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


@pytest.fixture
def results(measured):
    return measured(*([wall + 0.01 * n for n in range(8)] for wall in (10.0, 12.0)))


@pytest.mark.parametrize("verb", VERBS)
def test_help_fits_and_its_example_stands_on_a_line_of_its_own(monkeypatch, capsys, verb):
    monkeypatch.setenv("COLUMNS", "80")
    assert main([verb, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    (at,) = (index for index, line in enumerate(lines) if line.startswith(f"  Example: bench {verb}"))
    assert lines[at - 1] == lines[at + 1] == "", "folded into a paragraph"
    assert "\n".join(lines).count("Example") == 1


def test_help_names_every_verb_in_whole_sentences(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert "\n  Example: bench run grad_cpu --profile smoke\n" in out
    said = dict(re.findall(r"^  (\w+) {2,}(\S.*)$", out.partition("Measure:")[2], re.MULTILINE))
    assert sorted(said) == VERBS
    assert list(said)[:2] == ["run", "ab"]
    places = [out.index(f"\n{group}:\n") for group in ("Measure", "Decide", "Look", "Share")]
    assert places == sorted(places)
    assert (main(["help"]), capsys.readouterr().out) == (0, out)
    assert all(sentence.endswith(".") and not sentence.endswith("...") for sentence in said.values()), said


@pytest.mark.parametrize("width", [60, 80])
def test_tables_fit_the_terminal(results, on_a_terminal, monkeypatch, width):
    monkeypatch.setenv("NO_COLOR", "1")
    a, b = (str(bundle.path) for bundle in find_bundles(str(results)))
    for words in (
        ["list", "--results", results],
        ["compare", a, b],
        ["compare", a, b, a],
        ["explain", a],
        ["explain", a, b],
        ["history", "grad_cpu", "--results", results],
        ["report", results],
        ["verify", results],
        ["query", "select * from runs", "--results", results],
        ["query", "select host, median(wall_s) from runs group by host", "--results", results],
    ):
        code, said = on_a_terminal(words, width)
        assert code in {0, 1}, (words, said)
        assert "\x1b[3" not in said, "a colour, although NO_COLOR is set"
        lines = without_codes(said).splitlines()
        whole = [line for line in lines if line.startswith("next: bench ")]  # a command that is pasted is one line
        assert len(whole) == 1, said
        assert max(len(line.rstrip()) for line in lines if line not in whole) <= width, (words, said)


def test_colour_is_for_terminals_alone(results, on_a_terminal, bench_, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[3" in on_a_terminal(["report", results])[1]
    assert "\x1b" not in "".join(bench_("report", results)[1:])


@pytest.mark.parametrize("name", ["FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"])
def test_a_pipe_is_no_terminal_whatever_the_environment_says(results, bench_, monkeypatch, name, tmp_path):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(name, "1")
    assert "\x1b" not in "".join(bench_("report", results)[1:])
    assert "\x1b" not in "".join(bench_("verify", results)[1:])
    assert "\x1b" not in "".join(bench_("run", "grad_cpu", "--results", tmp_path / "r")[1:])


def test_no_line_on_a_pipe_ends_with_blanks(results, bench_, monkeypatch):
    a, b = (str(bundle.path) for bundle in find_bundles(str(results)))
    for width in ("60", "100"):
        monkeypatch.setenv("COLUMNS", width)
        for words in (["list"], ["report", results], ["compare", a, b], ["history", "grad_cpu", "--results", results]):
            out = bench_(*words)[1]
            assert [line for line in out.splitlines() if line.endswith(" ")] == [], words


def test_a_real_terminal_is_known_as_one(tmp_path):
    here, there = pty.openpty()
    env = environment(TERM="xterm-256color", COLUMNS="60")
    process = subprocess.Popen([*COMMAND, "list"], stdout=there, stderr=there, stdin=there, env=env, cwd=tmp_path)
    os.close(there)
    said = b""
    with contextlib.suppress(OSError):  # Linux ends a terminal that nobody writes to with EIO
        while part := os.read(here, 65536):
            said += part
    os.close(here)
    assert process.wait() == 0
    lines = said.decode().splitlines()
    assert any("\x1b[" in line for line in lines)
    assert max(len(without_codes(line).rstrip()) for line in lines) <= 60


def test_a_bar_on_a_terminal_a_line_on_a_pipe_nothing_with_quiet(results, on_a_terminal, bench_, monkeypatch, tmp_path):
    assert "checking" in on_a_terminal(["verify", results])[1]
    assert "checking" not in on_a_terminal(["verify", results, "--quiet"])[1]
    monkeypatch.setattr("bench.cli.progress.PLAIN_EVERY_S", 0.0)
    assert "checking: 1 of 2" in bench_("verify", results)[2]
    export = ("export", results, "-o", tmp_path / "a.tar.zst")
    assert "packing: 1 of 2" in bench_(*export)[2]
    assert "checking: 1 of 2" in bench_("import", tmp_path / "a.tar.zst", "--results", tmp_path / "r")[2]


@pytest.mark.parametrize(
    "words",
    [
        ["list", "--results", "{}"],
        ["compare", "{}", "{}"],
        ["history", "grad_cpu", "--results", "{}"],
        ["query", "select 1", "--results", "{}"],
        ["report", "{}", "--html", "page.html", "--pyperf", "p.json"],
        ["export", "{}", "-o", "b.tar.zst"],
        ["import", "a.tar.zst", "--results", "{}"],
        ["verify", "{}"],
        ["run", "grad_cpu", "--results", "{}"],
        ["whatif", "grad_cpu", "--variants", "glibc,jemalloc", "--repeat", "1", "--results", "{}"],
        ["reproduce", "grad.tar.zst", "--results", "{}"],
    ],
    ids=lambda words: words[0],
)
def test_quiet_silences_every_verb_that_says_how_far_it_is(results, bench_, monkeypatch, words):
    monkeypatch.setattr("bench.cli.progress.PLAIN_EVERY_S", 0.0)
    one = find_bundles(str(results))[0].path
    bench_("export", results, "-o", "a.tar.zst")
    bench_("export", one, "-o", "grad.tar.zst")
    words = [word.format(results) for word in words]
    assert bench_(*words)[2] != ""
    bench_("export", results, "-o", "a.tar.zst")
    said = bench_(*words, "--quiet")[2]
    if words[0] == "reproduce":  # a bundle from elsewhere decides what runs here: that is told to everybody
        assert said.startswith("reproducing ")
        assert "reading results" not in said
        assert "started" not in said
    else:
        assert said == ""


def test_every_verb_with_json_or_progress_takes_quiet(bench_):
    for verb in VERBS:
        said = bench_(verb, "--help")[1]
        assert "--json" not in said or "--quiet" in said, verb


@pytest.mark.parametrize(
    ("words", "asks"),
    [
        (["run", "--nope"], "bench run --help"),
        (["report"], "bench report --help"),
        (["doctor", "--nope"], "bench doctor --help"),
        (["nope"], "bench --help"),
        (["--nope"], "bench --help"),
    ],
)
def test_a_wrong_command_line_names_the_help_that_helps(bench_, words, asks):
    code, out, err = bench_(*words)
    assert (code, out) == (2, "")
    assert err.endswith(f"; see '{asks}'\n")


def test_columns_is_honoured_on_a_pipe_too(results, bench_, monkeypatch):
    a, b = (str(bundle.path) for bundle in find_bundles(str(results)))
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, bench_("compare", a, b)[1].splitlines())) <= 60
    monkeypatch.delenv("COLUMNS")
    assert max(map(len, bench_("compare", a, b)[1].splitlines())) > 60


def test_an_export_for_pyperf_without_a_passed_run_says_so(engine, bench_):
    engine.outcomes = ["failed"]
    assert bench_("run", "grad_cpu", "--quiet")[0] == 3
    code, _, err = bench_("report", "results", "--pyperf", "p.json")
    assert (code, [line for line in err.splitlines() if "no benchmark" in line]) == (0, err.splitlines()[1:2])
    assert json.loads(Path("p.json").read_text())["benchmarks"] == []


@pytest.mark.parametrize("words", [["list"], ["schema"], ["--help"]])
def test_a_reader_that_has_had_enough_is_no_fault(words, tmp_path):
    script = 'set -o pipefail; "$@" | head -n 1'
    command = ["bash", "-c", script, "bash", *COMMAND, *words]
    done = subprocess.run(command, env=environment(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1


@pytest.fixture
def completed(monkeypatch, capsys):
    """The exit code and what a shell is offered at the end of a line."""

    def ask(line, shell="bash", **more):
        words = line.split(" ")
        asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_TYPER_COMPLETE_ARGS": line, **more}
        with monkeypatch.context() as patch:
            for name, value in {"_BENCH_COMPLETE": f"complete_{shell}", **asked}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["bench"])
            # For good, which a process that goes on with other tests cannot have; test_start.py has it in others.
            patch.setattr("bench.cli.start.signatures.read_only_signatures", lambda: None)
            code = main()
        return code, capsys.readouterr().out.split()

    return ask


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("bench his", ["history"]),
        ("bench run grad_", ["grad_cpu", "grad_cuda"]),
        ("bench history dtype_", ["dtype_cpu", "dtype_cuda"]),
        ("bench whatif bandwidth_cp", ["bandwidth_cpu"]),
        ("bench run grad_cpu --variant tcm", ["tcmalloc"]),
        ("bench whatif grad_cpu --variants glibc,jem", ["glibc,jemalloc"]),
        ("bench run grad_cpu --engine d", ["docker"]),
        ("bench run grad_cpu --profile s", ["smoke"]),
        ("bench run grad_cpu --if-busy r", ["refuse"]),
        ("bench run --project PROJECT slo", ["slow_cpu"]),
        ("bench run --project NOWHERE grad_cp", ["grad_cpu"]),
    ],
)
def test_completion(line, offered, completed, tmp_path):
    (tmp_path / "bench.toml").write_text('[diagnostic.slow]\nabout = "slow"\nnode = "test_x.py::test_y"\n')
    line = line.replace("PROJECT", str(tmp_path)).replace("NOWHERE", str(tmp_path / "none"))
    assert completed(line) == (0, offered)


@pytest.mark.parametrize(("line", "status"), [("bench run gra", 0), ("bench run xyz", 1)])
def test_fish_learns_from_the_exit_code_whether_there_is_anything(completed, line, status):
    assert completed(line, "fish", _TYPER_COMPLETE_FISH_ACTION="is-args")[0] == status


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_the_installed_completion_works_in_a_real_bash(tmp_path):
    """``--install-completion`` into a home of its own, and then as TAB calls it."""
    program = tmp_path / "bin" / "bench"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nimport sys\nfrom bench.cli import main\nsys.exit(main())\n")
    program.chmod(0o755)
    env = environment(HOME=str(tmp_path), PATH=f"{program.parent}:{os.environ['PATH']}", COMP_WORDBREAKS=" ")
    script = """
        bench --show-completion | grep -q COMP_WORDS || exit 3
        bench --install-completion >/dev/null || exit 4
        source "$HOME/.bash_completions/bench.sh" || exit 5
        COMP_WORDS=(bench run grad_) COMP_CWORD=2
        _bench_completion bench
        echo "${COMPREPLY[@]}"
    """
    done = subprocess.run(["bash", "--norc", "-c", script], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["grad_cpu", "grad_cuda"]), done.stderr


def test_the_application_builds_as_a_whole():
    assert sorted(typer.main.get_command(load_verbs()).commands) == VERBS


def test_where_a_bundle_lies_is_printed_whole_however_long_it_is(engine, bench_, tmp_path):
    deep = tmp_path.joinpath("a-folder-with-a-long-name", "b" * 60, "c" * 60)
    for code in (0, 0):
        assert bench_("run", "grad_cpu", "--results", deep)[0] == code
    out = bench_("run", "grad_cpu", "--results", deep)[1]
    (line,) = (line for line in out.splitlines() if "written to" in line)
    assert (Path(line.split("written to ")[1]) / "record.json").is_file()


def test_an_id_to_paste_is_not_folded_on_a_narrow_terminal(engine, bench_, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    results = tmp_path / "results"
    for _ in range(2):
        assert bench_("run", "grad_cpu", "--results", results)[0] == 0
    ids = sorted("/".join(path.parts[-4:-1]) for path in results.glob("*/*/*/record.json"))
    both = bench_("explain", *ids, "--results", results)[1].splitlines()
    assert (f"from {ids[0]}" in both, f"to   {ids[1]}" in both) == (True, True), both
    assert ids[0] in bench_("explain", ids[0], "--results", results)[1].splitlines()
