"""A command as a diagnostic: its name, what does not go together, and bench.toml."""

import pytest

from bench.catalog.command import Asked, default_name, of_command
from bench.catalog.load import parse
from bench.errors import UsageError


@pytest.mark.parametrize(
    ("words", "shell", "name"),
    [
        (["sleep", "1"], False, "sleep"),
        (["/opt/My Tools/x.sh", "-v"], False, "x-sh"),
        (["'my prog' | wc"], True, "my-prog"),
        (["it's | wc"], True, "it-s"),
        (["..."], False, "command"),
        (["20260101T000000Z"], False, "20260101t000000z"),
    ],
)
def test_a_command_s_results_are_called_after_its_program(words, shell, name):
    made = of_command(words, Asked(shell=shell))
    assert made.name == name
    assert made.node is None
    assert made.image == "small"


def test_no_command_takes_the_name_of_a_diagnostic():
    assert default_name(["/x/grad_cpu"]) == "grad-cpu"
    assert of_command(["selftest"], taken=["selftest"]).name == "command-selftest"
    for name in ("grad_cpu", "selftest", "a b", "20260101T000000Z"):
        with pytest.raises(UsageError):
            of_command(["true"], Asked(name=name), ["grad_cpu"])
    assert of_command(["true"], Asked(name="own")).name == "own"


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ([], Asked()),
        ([" "], Asked()),
        (["a", "b"], Asked(shell=True)),
        (["a"], Asked(image="x", torch=True)),
        (["a"], Asked(image="")),
        (["a"], Asked(expect_exit=256)),
        (["a\0"], Asked()),
        (["a"], Asked(prepare="b\0")),
    ],
)
def test_what_cannot_be_run_is_refused(words, asked):
    with pytest.raises(UsageError):
        of_command(words, asked)


def test_an_input_that_is_no_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is not a file"):
        of_command(["cat"], Asked(input=tmp_path))


def test_an_empty_preparation_is_none():
    assert of_command(["a"], Asked(prepare="")).command == of_command(["a"], Asked()).command
    (made,) = parse('[diagnostic.x]\ncommand = ["a"]\nprepare = ""\n', "bench.toml").diagnostics
    assert made.command.prepare is None


@pytest.mark.parametrize(
    ("asked", "image"),
    [(Asked(torch=True), "cpu"), (Asked(device="cuda"), "cuda"), (Asked(image="alpine@sha256:1"), "alpine@sha256:1")],
)
def test_the_image_is_the_small_one_unless_another_is_asked_for(asked, image):
    assert of_command(["true"], asked).image == image


def test_bench_toml_names_a_command():
    text = """
        [diagnostic.sort]
        command = ["sort", "-n"]
        input = "data.txt"
        prepare = "sync"
        warmup = 2
        expect_exit = 1
    """
    (made,) = parse(text, "bench.toml").diagnostics
    assert made.name == "sort_cpu"
    assert made.command.words == ("sort", "-n")
    assert (made.command.prepare, str(made.command.input), made.command.expect_exit) == ("sync", "data.txt", 1)
    assert (made.warmup, made.image, made.node) == (2, "small", None)
    (other,) = parse('[diagnostic.x]\ncommand = ["a"]\nimage = "alpine:3"\n', "bench.toml").diagnostics
    assert other.image == "alpine:3"


@pytest.mark.parametrize(
    "entry",
    [
        "about = 'neither'",
        "node = 'a.py'\ncommand = ['a']",
        "command = []",
        "command = ['']",
        "command = ['a']\nimage = ''",
        "node = 'a.py'\nimage = ' '",
        "command = ['a', 'b']\nshell = true",
        "command = ['a']\nexpect_exit = 300",
        "command = ['a']\nwarmup = -1",
        "node = 'a.py'\nwarmup = -1",
        "node = 'a.py'\nprepare = 'x'",
        "node = 'a.py'\ninput = 'x'",
    ],
)
def test_an_entry_that_does_not_fit_is_named(entry):
    with pytest.raises(UsageError, match=r"diagnostic\.x"):
        parse(f"[diagnostic.x]\n{entry}\n", "bench.toml")
