"""`bench.compare` in Python gives what the command gives."""

import json

import pytest

import bench
from bench.cli import main
from bench.errors import NotComparable, UsageError
from bench.record.schema import Run
from bench.record.storage.bundle import write_bundle
from tests.support.records import make_record

FAST = (1.00, 1.01, 0.99, 1.00, 1.02, 0.98, 1.01, 1.00)


def kept(folder, scale, stamp, name="grad_cpu"):
    runs = tuple(Run(index=at, outcome="passed", wall_s=scale * wall) for at, wall in enumerate(FAST))
    return write_bundle(folder, make_record(name=name, stamp=stamp, runs=runs), {})


def test_it_is_what_the_command_says(tmp_path, capsys):
    a, b = kept(tmp_path, 1.0, "20260102T030405Z"), kept(tmp_path, 1.5, "20260103T030405Z")
    code = main(["compare", str(a), str(b), "--results", str(tmp_path), "--json"])
    (said,) = json.loads(capsys.readouterr().out)["comparisons"]
    made = bench.compare(a, bench.load(b))
    one = made.only
    assert (one.status, one.ratio, list(one.reasons)) == (said["status"], said["ratio"], said["reasons"])
    assert (one.status, made.exit_code, code) == ("code_regressed", 1, 1)
    assert "code_regressed" in repr(made)
    assert "1.5" in made._repr_html_()


def test_one_of_several_has_to_be_named(tmp_path):
    for name in ("grad_cpu", "dtype_cpu"):
        for stamp in ("20260102T030405Z", "20260103T030405Z"):
            kept(tmp_path / stamp[:8], 1.0, stamp, name)
    a, b = bench.load(tmp_path / "20260102"), bench.load(tmp_path / "20260103")
    made = bench.compare(a, b)
    assert [one.diagnostic for one in made] == ["dtype_cpu", "grad_cpu"]
    with pytest.raises(UsageError, match="2 comparisons: dtype_cpu, grad_cpu"):
        _ = made.only
    assert bench.compare(a, b.of("grad_cpu")).left_out == {"dtype_cpu": "not every word has results of it"}
    assert bench.compare(a[0], b[0]).only == made[0:1].only


def test_what_cannot_be_compared_is_refused(tmp_path):
    a, b = kept(tmp_path, 1.0, "20260102T030405Z"), kept(tmp_path, 1.0, "20260102T030405Z", "dtype_cpu")
    with pytest.raises(NotComparable, match="no diagnostic is in all of them"):
        bench.compare(a, b)
    with pytest.raises(UsageError, match="accept weather names no difference"):
        bench.compare(a, a, accept={"weather"})
    with pytest.raises(UsageError, match="b holds no result"):
        bench.compare(a, bench.Results())


def test_a_package_is_the_function_whatever_was_imported_before():
    import bench.compare.comparison
    import bench.run.plan
    from bench.api import compare, run

    assert callable(bench.compare)
    assert callable(bench.run)
    with pytest.raises(UsageError, match="a holds no result"):
        bench.compare(bench.Results(), bench.Results())
    import inspect

    assert inspect.signature(bench.compare) == inspect.signature(compare)
    assert inspect.signature(bench.run) == inspect.signature(run)
