import pytest

from bench.compare.bisection import Step
from bench.errors import DamagedData, NotMeasured, UsageError
from bench.run.bisect.log import Search, log_text, parse_log, read_log, write_log

A, B, C = ("a" * 40, "b" * 40, "c" * 40)
WHAT = Search(name="slow", good=A, bad=B, metric="call", effect=0.05, planned=3)
ENDS = Step(commit=B, subject="late", answer="bad", change=0.1, low=0.06, threshold=0.047, alpha=0.003, pairs=9)
STEPS = [ENDS, Step(commit=C, subject="git bisect good x", answer="skipped", why="its test failed")]


def test_what_is_written_is_read():
    text = log_text(WHAT, STEPS, None)
    assert parse_log(text) == (WHAT, STEPS)
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        "git bisect start",
        f"git bisect good {A}",
        f"git bisect bad {B}",
        f"git bisect skip {C}",
    ]
    assert log_text(WHAT, STEPS, ENDS).endswith(f"# first bad commit: [{B}] late\n")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("# bench: ", "# other: ", "it has no line of bench's"),
        ("bench.bisect/1", "bench.bisect/9", "its form is 'bench.bisect/9'"),
        (A, "--upload-pack=x", "is no commit"),
        ('"planned":3', '"planned":0', "make no sense"),
        ('"alpha":0.003', '"alpha":3.0', "has an error of 3.0"),
        ('"threshold":0.047', '"threshold":null', "has no threshold"),
        ('"pairs":9', '"pairs":"x"', "cannot be read"),
        ('"answer":"bad"', '"answer":"good"', "comes before the bad end"),
    ],
)
def test_a_log_that_does_not_fit_together(before, after, said):
    with pytest.raises(DamagedData, match=said):
        parse_log(log_text(WHAT, STEPS, None).replace(before, after))


def test_files_that_are_no_log(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_log(tmp_path)
    (tmp_path / "x").write_bytes(b"\xff\xfe")
    with pytest.raises(DamagedData, match="no log"):
        read_log(tmp_path / "x")


def test_a_disk_that_refuses_leaves_the_older_log(tmp_path):
    path = tmp_path / "searches" / "x.log"
    write_log(path, "one\n")
    path.with_suffix(".new").mkdir()
    with pytest.raises(NotMeasured, match="cannot be written"):
        write_log(path, "two\n")
    assert path.read_text() == "one\n"
