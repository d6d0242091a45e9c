"""``report --json`` of results by themselves: the same document as of all at once, with one of them in memory."""

import gc
import json
import shutil

import pytest

from bench.cli.output import print_json
from bench.cli.verbs.look import streamed
from bench.cli.verbs.look.streamed import Streamed
from bench.record.schema import Run
from bench.record.storage.bundle import read_bundle, write_bundle
from bench.record.storage.find import scan
from bench.report.entry import NO_SAMPLES, Entry
from bench.report.export.json_document import report_document
from tests.support.entries import bad_entries, make_entries


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    for entry in (*make_entries(2, sampled=False), *bad_entries()):
        write_bundle(folder, entry.record, {"logs/pytest.log": b"a log"})
    return folder


def whole(folder, capsys, unreadable=()):
    found = [Entry(bundle.record, str(bundle.path), NO_SAMPLES) for bundle in scan(folder).bundles]
    print_json(report_document(found, unreadable=unreadable))
    return undated(capsys.readouterr().out)


def undated(said):
    return [line for line in said.splitlines() if '"made_at"' not in line]


def test_the_document_is_the_same_as_that_of_all_at_once(results, capsys, bench_):
    said = whole(results, capsys)
    assert len(said) > 1000
    code, out, _ = bench_("report", results, "--json")
    assert (code, undated(out)) == (0, said)


def test_a_damaged_result_and_one_that_is_there_twice_are_told_as_ever(results, capsys, bench_, tmp_path):
    first, second = (bundle.path for bundle in scan(results).bundles[:2])
    shutil.copytree(first, tmp_path / "results" / "elsewhere" / first.name)
    (second / "record.json").write_text("{")
    problems = [str(one) for one in scan(results).problems]
    assert len(problems) == 1
    code, out, err = bench_("report", results, "--json")
    assert (code, undated(out)) == (8, whole(results, capsys, problems))
    assert problems[0] in err.replace("bench: ", "")


def test_one_that_goes_away_meanwhile_is_told(results):
    asked = Streamed()
    found = [asked.read(bundle.path) for bundle in scan(results).bundles]
    shutil.rmtree(found[0].path)
    unreadable = []
    document = json.loads("".join(asked.document(found, unreadable)))
    assert len(document["results"]) == len(found) - 1
    assert document["unreadable"] == unreadable
    assert str(found[0].path) in unreadable[0]


def test_no_result_is_a_document_too():
    document = json.loads("".join(Streamed().document([], ["nothing"])))
    assert (document["results"], document["unreadable"]) == ([], ["nothing"])


def test_the_runs_of_one_result_at_a_time_are_in_memory(results, monkeypatch):
    folders = [bundle.path for bundle in scan(results).bundles]
    held = []

    def counted(folder, **more):
        gc.collect()
        held.append(sum(isinstance(one, Run) for one in gc.get_objects()))
        return read_bundle(folder, **more)

    monkeypatch.setattr(streamed, "read_bundle", counted)
    asked = Streamed()
    before = len(folders)
    found = [asked.read(folder) for folder in folders]
    for _ in asked.document(found, []):
        pass
    assert len(held) == 2 * before
    assert max(held) - held[0] <= 2 * max(len(read_bundle(folder).record.runs) for folder in folders)
