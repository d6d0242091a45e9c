import pytest

from bench.cli.console import Console, Held
from bench.cli.progress import Now


def test_the_line_says_where_a_run_stands():
    now = Now("grad_cpu", of=25, index=5, began=0.0, cpu_ratio=1.93, memory_bytes=512 * 1024**2)
    assert now.line(60.0) == "grad_cpu · test 6 of 25 · 1:00 · CPU 193 % · 512.00 MiB · about 4:00 to go"


@pytest.mark.parametrize(("index", "of"), [(0, 25), (25, 25), (0, 0)])
def test_no_estimate_before_the_first_test_or_after_the_last(index, of):
    assert "to go" not in Now("grad_cpu", of=of, index=index, began=0.0).line(60.0)


def test_held_lines_come_before_the_first_that_is_said(capsys, monkeypatch):
    monkeypatch.setattr(Console, "quiet", False)
    held = Held()
    held.hold("engine")
    assert capsys.readouterr().err == ""
    held.notify("building")
    held.release()
    assert capsys.readouterr().err == "engine\nbuilding\n"
