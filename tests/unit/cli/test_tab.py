"""What is offered at TAB without typer is what typer would offer, and comes from fewer modules than a help."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer._click.shell_completion import get_completion_class
from typer._completion_classes import completion_init

import bench
from bench.cli.app import command
from bench.cli.start import tab
from bench.cli.start.verbs import VERBS

completion_init()
ROOT = Path(bench.__file__).parents[1]
SHELLS = ("bash", "zsh", "fish")
HALF = ["", "-", "--no", "grad"]
BEHIND = {
    "run": [["--profile"], ["--variant"], ["--if-busy"], ["grad_cpu"], ["--repeat", "3", "--json"], ["--node", "a.py"]],
    "ab": [["--device"], ["--engine"], ["--metric"], ["--node", "a", "--node", "b"]],
    "whatif": [["grad_cpu"], ["--variants"]],
    "fleet": [["grad_cpu", "grad_cuda"], ["--on"]],
    "compare": [["a"], ["a", "b"], ["--accept"]],
    "history": [["grad_cpu"], ["--results", "r"]],
    "schema": [["--json"]],
}


def line(monkeypatch, shell, words):
    """The environment in which a shell asks for what may stand in the place of the last word."""
    known = {
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": " ".join(words),
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_BENCH_COMPLETE": f"complete_{shell}",
        "COLUMNS": "200",
    }
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    return known


def typers(shell):
    return get_completion_class(shell)(command(), {}, "bench", "_BENCH_COMPLETE").complete()


def lines(said):
    """What a shell is told, a line each: typer has a verb's two words for help in any order."""
    return sorted(re.sub(r"^_arguments '\*: :\(\(|\)\)'$", "", said).splitlines())


def ours(known, shell):
    try:
        return tab.answer(known, f"complete_{shell}")
    except tab._UnknownError:
        return None


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_s_words_are_those_that_typer_offers(monkeypatch, verb):
    told = 0
    asked = itertools.chain(
        itertools.product(SHELLS, [[]], HALF), itertools.product(SHELLS[:1], BEHIND.get(verb, []), HALF)
    )
    for shell, behind, half in asked:
        known = line(monkeypatch, shell, ["bench", verb, *behind, half])
        found = ours(known, shell)
        if found is not None:
            told += 1
            assert lines(found) == lines(typers(shell)), (shell, verb, behind, half)
    assert told >= 5  # else all is left to typer, and nothing was compared


@pytest.mark.parametrize("half", ["", "h", "re", "zz"])
def test_the_verbs_are_those_that_typer_offers(monkeypatch, half):
    assert ours(line(monkeypatch, "bash", ["bench", half]), "bash") == typers("bash")
    known = line(monkeypatch, "zsh", ["bench", half])
    words = re.compile(r'^.*?"([a-z]+)":"', re.MULTILINE)
    assert words.findall(ours(known, "zsh") or "") == words.findall(typers("zsh"))


@pytest.mark.parametrize(
    "words",
    [
        ["bench", "run", "--", "sl"],
        ["bench", "run", "--project", ".", "gr"],
        ["bench", "run", "--profile=sm"],
        ["bench", "run", "'grad", "c"],
        ["bench", "run", "--unknown", "x"],
        ["bench", "nothing", "x"],
        ["bench", "--he"],
        ["bench", "run", "--work", "auto", "gr"],
        ["bench", "import", "x"],
        ["bench", "ab", "--metric", "c"],
    ],
)
def test_what_it_cannot_tell_is_left_to_typer(monkeypatch, capfd, words):
    known = line(monkeypatch, "bash", words)
    assert not tab.answered(known, "complete_bash")
    assert capfd.readouterr().out == ""


def test_a_name_with_devices_and_one_without_are_offered(monkeypatch):
    known = line(monkeypatch, "bash", ["bench", "run", ""])
    assert {"grad_cpu", "grad_cuda", "selftest"} <= set(ours(known, "bash").split())


def test_a_shell_that_went_away_is_no_fault():
    script = f"import os, sys; sys.path.insert(0, {str(ROOT)!r}); from bench.cli import main; sys.exit(main())"
    asked = {**os.environ, "_BENCH_COMPLETE": "complete_bash", "COMP_WORDS": "bench his", "COMP_CWORD": "1"}
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-c", script], env=asked, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")
