from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.engine import __main__ as command
from bench.errors import NotMeasured, UsageError


def test_a_base_is_made_in_the_engine_that_answers(monkeypatch, capsys):
    closed = []
    engine = SimpleNamespace(close=lambda: closed.append(True))
    monkeypatch.setattr(command, "connect", lambda host: (engine, "endpoint"))
    monkeypatch.setattr(command, "make_base_image", lambda client, notify, suite: notify(f"made {suite}"))
    assert command.main(["base"]) == 0
    assert closed == [True]
    captured = capsys.readouterr()
    assert captured.err == "made trixie\n"
    assert captured.out == ""


def test_locks_are_named_as_they_are_written(monkeypatch, capsys):
    asked = []

    def make(root, upgrade):
        asked.append(upgrade)
        return (Path(root) / "requirements/host.txt",)

    monkeypatch.setattr(command, "make_locks", make)
    assert command.main(["lock", "--upgrade"]) == 0
    assert asked == [True]
    assert capsys.readouterr().err == "wrote requirements/host.txt\n"


@pytest.mark.parametrize(("error", "code"), [(UsageError("not root"), 2), (NotMeasured("no engine answers"), 6)])
def test_a_failure_is_one_line_and_the_exit_code_of_its_class(monkeypatch, capsys, error, code):
    def fail(*_):
        raise error

    monkeypatch.setattr(command, "connect", fail)
    assert command.main(["base"]) == code
    assert capsys.readouterr().err == f"error: {error}\n"
