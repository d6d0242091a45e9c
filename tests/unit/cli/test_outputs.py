"""Every option that names a file: what is no plain file is written into or refused, never replaced."""

import os
import threading

import pytest

FORMS = ("--html", "--markdown", "--junit", "--pyperf", "--smaller-is-better", "--bigger-is-better")


@pytest.fixture
def results(engine, bench_, tmp_path):
    """One result."""
    assert bench_("run", "grad_cpu", "--results", tmp_path / "results", "--quiet")[0] == 0
    return tmp_path / "results"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=[*FORMS, "-o"])
def asked(request, results, tmp_path):
    """The option, a name that it takes and the words of the command up to that name."""
    words = ("export", str(results)) if request.param == "-o" else ("report", str(results))
    return request.param, tmp_path / "out" / "F.tar.gz", (*words, request.param)


def test_a_pipe_is_written_into(bench_, asked):
    _, path, words = asked
    path.parent.mkdir()
    os.mkfifo(path)
    got = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    code, _, err = bench_(*words, path)
    reader.join(30)
    assert (code, path.is_fifo(), got != [b""]) == (0, True, True), err


def test_a_link_stays(bench_, asked):
    _, path, words = asked
    path.parent.mkdir()
    (path.parent / "real").write_text("old")
    path.symlink_to("real")
    code, _, err = bench_(*words, path)
    assert (code, path.is_symlink()) == (0, True), err
    assert (path.parent / "real").read_bytes() != b"old"
    assert names(path.parent) == ["F.tar.gz", "real"]


def test_a_device_stays(bench_, asked):
    _, path, words = asked
    path.parent.mkdir()
    path.symlink_to("/dev/null")
    assert bench_(*words, path)[0] == 0
    assert str(path.readlink()) == "/dev/null"
    assert path.is_char_device()
    path.unlink()
    path.symlink_to("/dev/full")
    code, _, err = bench_(*words, path)
    assert (code, "no room left" in err, path.is_char_device()) == (6, True, True)


def test_a_folder_is_refused_before_any_work(bench_, asked, tmp_path):
    option, path, words = asked
    path.mkdir(parents=True)
    other = tmp_path / "other.html"
    more = ("--html", other) if option not in {"--html", "-o"} else ()
    code, out, err = bench_(*words, path, *more)
    assert (code, out) == (2, "")
    assert "is a folder" in err
    assert f"name another file with {option}" in err
    assert not other.exists()
    assert names(path) == []


def test_a_user_s_partial_file_blocks_nothing(bench_, asked):
    _, path, words = asked
    path.parent.mkdir()
    partial = path.with_name(path.name + ".partial")
    partial.write_text("mine")
    assert bench_(*words, path)[0] == 0
    assert partial.read_text() == "mine"
    assert names(path.parent) == ["F.tar.gz", "F.tar.gz.partial"]


def test_evidence_is_not_written_over(bench_, asked, results):
    _, _, words = asked
    (bundle, *_) = (path.parent for path in results.glob("*/*/*/record.json"))
    before = names(bundle)
    name = bundle / ("summary.tar.gz" if words[-1] == "-o" else "summary.md")
    code, _, err = bench_(*words, name)
    assert (code, "bundles are written once" in err) == (2, True)
    assert names(bundle) == before


def test_two_forms_in_one_file_are_refused(bench_, results, tmp_path):
    (tmp_path / "link").symlink_to("F")
    code, _, err = bench_("report", results, "--html", tmp_path / "F", "--markdown", tmp_path / "link")
    assert (code, (tmp_path / "F").exists()) == (2, False)
    assert "--html and --markdown both name" in err
    assert bench_("report", results, "--html", "/dev/null", "--markdown", "/dev/null")[0] == 0
