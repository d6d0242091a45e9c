"""A command from a bundle: what it was, and when it cannot be run again."""

from __future__ import annotations

import hashlib

import pytest

from bench.errors import DamagedData, NotComparable, UsageError
from bench.run.reproduce.command import command_of, line_of
from tests.support.records import make_record, replace


def of(*words, environ=None, **params):
    record = make_record(environ=environ or {})
    told = replace(record.diagnostic, name="slow", command=words, params=params, device="cpu")
    return replace(record, diagnostic=told)


def test_a_test_is_no_command():
    assert command_of(make_record(), None) is None
    assert line_of(make_record()) == ""


def test_it_is_the_diagnostic_that_it_was():
    record = of("./x y", "--n", "3", prepare="make", expect_exit=4, environ={"CUDA_VISIBLE_DEVICES": "-1", "A": "1"})
    made = command_of(record, None)
    assert (made.name, made.device, made.command.words) == ("slow", "cpu", ("./x y", "--n", "3"))
    assert (made.command.prepare, made.command.expect_exit) == ("make", 4)
    assert made.env == {"CUDA_VISIBLE_DEVICES": "-1"}
    assert line_of(record) == "make (before each run); './x y' --n 3"
    assert line_of(of("a | b", shell=True)) == "a | b"


@pytest.mark.parametrize(
    "params", [{"shell": "yes"}, {"prepare": 3}, {"expect_exit": "0"}, {"image": None}, {"image": "--privileged"}]
)
def test_what_does_not_fit_is_damaged(params):
    with pytest.raises(DamagedData, match="does not fit"):
        command_of(of("true", **params), None)


def test_what_a_secret_was_taken_out_of_cannot_be_run():
    for record in (of("curl", "[redacted:token]"), of("true", prepare="login [redacted:name]")):
        with pytest.raises(NotComparable, match="cannot be run again"):
            command_of(record, None)


def test_what_it_reads_is_the_same_file_or_it_is_not_run(tmp_path):
    (tmp_path / "in").write_bytes(b"one\n")
    reads = of("sort", input_sha256=hashlib.sha256(b"one\n").hexdigest())
    assert command_of(reads, tmp_path / "in").command.input == tmp_path / "in"
    with pytest.raises(NotComparable, match="no bundle holds"):
        command_of(reads, None)
    with pytest.raises(UsageError, match="cannot be read"):
        command_of(reads, tmp_path / "gone")
    (tmp_path / "in").write_bytes(b"two\n")
    with pytest.raises(NotComparable, match="another file"):
        command_of(reads, tmp_path / "in")
    with pytest.raises(UsageError, match="reads no file"):
        command_of(of("true"), tmp_path / "in")
