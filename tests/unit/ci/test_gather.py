import json
import re

import pytest

from ci import baseline, gate, gather
from ci.baseline import KEEP, add, baseline_of, bundles
from ci.gather import read_leg, row_of
from ci.matrix import Leg
from ci.summary import MARKER, Row, render_comment, render_note, render_summary

LEG = Leg("grad_cpu", "a", ("x",), ())


class Answers:
    """Stands for the command line: answers each verb, and remembers what it was asked."""

    def __init__(self, **by_verb):
        self.by_verb, self.asked = by_verb, []

    def __call__(self, verb, *arguments):
        self.asked.append((verb, *arguments))
        code, out, err = self.by_verb.get(verb, (0, "", ""))
        return gather.subprocess.CompletedProcess([verb], code, out, err)


def record(status="ok", outcome="passed", reasons=("fine",), host="host-1"):
    return {
        "outcome": outcome,
        "host": {"id": host},
        "runs": [{"outcome": outcome, "wall_s": wall} for wall in (3.0, 1.0, 2.0)],
        "verdict": {"status": status, "reasons": list(reasons)},
    }


def lay(folder, document, stamp="20260101T000000Z", host="host-1"):
    path = folder / host / "grad_cpu" / stamp
    path.mkdir(parents=True)
    (path / "record.json").write_text(json.dumps(document))
    return path


def leave(legs, document, name="leg-grad_cpu-a", **leg):
    home = legs / name
    if document is not None:
        lay(home / "results", document)
    home.mkdir(parents=True, exist_ok=True)
    (home / "leg.json").write_text(
        json.dumps({"leg": "grad_cpu-a", "settings": "s1", "exit_code": 0, "said": [], **leg})
    )
    return home


def row(monkeypatch, tmp_path, document, *, answers=None, base=None, **leg):
    monkeypatch.setattr(gather, "_bench", answers or Answers())
    leave(tmp_path / "legs", document, **leg)
    return row_of(read_leg(LEG, tmp_path / "legs"), tmp_path, base or tmp_path / "none")


def test_a_good_leg(monkeypatch, tmp_path):
    found = row(monkeypatch, tmp_path, record())
    assert (found.status, found.outcome, found.wall_s, found.host) == ("ok", "passed", 2.0, "host-1")
    assert "no result of this leg" in found.baseline


@pytest.mark.parametrize(
    ("code", "said", "why"),
    [
        (6, ["bench: no engine answers"], "not measured: bench: no engine answers"),
        (2, [], "refused: no word of why"),
        (None, [], "cut off while it ran"),
        (77, ["Traceback"], "ended with 77: Traceback"),
    ],
)
def test_a_leg_that_measured_nothing_says_why(monkeypatch, tmp_path, code, said, why):
    found = row(monkeypatch, tmp_path, None, exit_code=code, said=said)
    assert found.status == "not_measured"
    assert why in found.why


def test_a_leg_that_never_came_back(tmp_path):
    (tmp_path / "legs/other").mkdir(parents=True)
    (tmp_path / "legs/other/leg.json").write_text("{broken")
    found = row_of(read_leg(LEG, tmp_path / "legs"), tmp_path, tmp_path)
    assert (found.status, "left nothing" in found.why) == ("not_measured", True)


def test_a_damaged_result_is_not_believed(monkeypatch, tmp_path):
    found = row(monkeypatch, tmp_path, record(), answers=Answers(verify=(8, "", "bench: record.json differs\n")))
    assert found.status == "not_measured"
    assert "damaged: bench: record.json differs" in found.why


def test_a_test_that_failed_is_shown_and_not_compared(monkeypatch, tmp_path):
    answers = Answers()
    found = row(monkeypatch, tmp_path, record("not_measured", "failed", ["no run passed"]), answers=answers)
    assert (found.status, found.outcome) == ("not_measured", "failed")
    assert [asked[0] for asked in answers.asked] == ["verify"]


def test_the_comparison_decides_where_it_can(monkeypatch, tmp_path):
    base = tmp_path / "baseline"
    lay(base / "grad_cpu-a" / "s1", record())
    said = {"comparisons": [{"status": "code_regressed", "reasons": ["1.5 times slower"], "ratio": 1.5}]}
    found = row(monkeypatch, tmp_path, record(), answers=Answers(compare=(1, json.dumps(said), "")), base=base)
    assert (found.status, found.baseline, found.ratio, found.why) == (
        "code_regressed",
        "code_regressed",
        1.5,
        "1.5 times slower",
    )
    assert json.loads((tmp_path / "compare-grad_cpu-a.json").read_text()) == said


def test_a_comparison_that_can_say_nothing_leaves_the_leg_as_it_is(monkeypatch, tmp_path):
    base = tmp_path / "baseline"
    lay(base / "grad_cpu-a" / "s1", record(), host="host-2")
    said = {"comparisons": [{"status": "host_differs", "reasons": ["another CPU"], "ratio": None}]}
    found = row(monkeypatch, tmp_path, record(), answers=Answers(compare=(7, json.dumps(said), "")), base=base)
    assert (found.status, found.baseline, found.why) == ("ok", "host_differs", "fine")


def test_a_comparison_that_fails_is_said(monkeypatch, tmp_path):
    base = tmp_path / "baseline"
    lay(base / "grad_cpu-a" / "s1", record())
    answers = Answers(compare=(8, "", "bench: a record is damaged\n"))
    assert "bench: a record is damaged" in row(monkeypatch, tmp_path, record(), answers=answers, base=base).baseline


def pair(tmp_path, base, head):
    """A leg with both sides of an experiment, and the row that comes of it."""
    home = leave(tmp_path / "legs", None)
    for side, document in (("base", base), ("head", head)):
        document |= {"experiment": {"id": "ab-1", "side": side}, "diagnostic": {"source": {"commit": "c0ffee" * 7}}}
        lay(home / "results", document, f"20260101T00000{len(side)}Z" if side == "base" else "20260101T000009Z")
    return row_of(read_leg(LEG, tmp_path / "legs", intact=True), tmp_path, tmp_path / "none")


def trial(status="code_regressed", **decides):
    figures = {"name": "call", "change": 0.098, "low": 0.051, "high": 0.142, "pairs": 11, **decides}
    reasons = ["slower: call +9.8 %", "a second one"]
    return {"comparisons": [{"status": status, "reasons": reasons, "ratio": 1.1, "experiment": {"decides": figures}}]}


def test_pairs_of_base_and_head_need_no_baseline(monkeypatch, tmp_path):
    answers = Answers(compare=(1, json.dumps(trial()), ""))
    monkeypatch.setattr(gather, "_bench", answers)
    found = pair(tmp_path, record(), record())
    ((verb, base, head, _),) = answers.asked
    assert (verb, base[-1:], head[-2:]) == ("compare", "Z", "9Z")
    assert (found.status, found.baseline, found.why) == (
        "code_regressed",
        "pairs with c0ffeec0ffee",
        "slower: call +9.8 %",
    )
    assert (tmp_path / "compare-grad_cpu-a.json").is_file()
    lines = render_comment([found, Row("b", "x", "not_measured", "no GPU")]).splitlines()
    assert lines[2].split(" | ")[1:5] == ["verdict", "change", "99 % interval", "pairs"]
    cells = lines[4].split(" | ")
    assert cells[2:5] == ["call +9.8 %", "+5.1 % to +14.2 %", "11"]
    assert lines[5].split(" | ")[2:5] == ["–"] * 3


def test_pairs_that_do_not_decide_are_called_undecided(monkeypatch, tmp_path):
    said = trial("insufficient_runs", low=None, high=None)
    monkeypatch.setattr(gather, "_bench", Answers(compare=(6, json.dumps(said), "")))
    line = render_comment([pair(tmp_path, record(), record())]).splitlines()[-1]
    assert "undecided | call +9.8 % | no interval yet | 11" in line


def test_pairs_over_the_ceiling_or_with_a_side_that_failed(monkeypatch, tmp_path):
    monkeypatch.setattr(gather, "_bench", Answers(compare=(0, json.dumps(trial("same")), "")))
    found = pair(tmp_path, record(), record("over_ceiling", reasons=["905 s"]))
    assert (found.status, found.why, found.paired.pairs) == ("over_ceiling", "905 s", 11)
    found = pair(tmp_path / "two", record("not_measured", "failed", ["no run passed"]), record())
    assert (found.status, found.outcome, found.why) == ("not_measured", "failed", "of the base: no run passed")


def test_over_the_ceiling_needs_no_comparison(monkeypatch, tmp_path):
    answers = Answers()
    assert row(monkeypatch, tmp_path, record("over_ceiling"), answers=answers).status == "over_ceiling"
    assert len(answers.asked) == 1


def test_a_report_that_cannot_be_made_stops_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(gather, "_bench", Answers(report=(8, "", "bench: damaged")))
    assert gather.report([], tmp_path, tmp_path) == ""
    assert "bench: damaged" in gather.report([tmp_path], tmp_path, tmp_path / "none")


def test_settings_and_hosts_keep_baselines_apart(tmp_path):
    lay(tmp_path / "leg-a" / "s1", record(), "20260101T000000Z", "host-1")
    lay(tmp_path / "leg-a" / "s1", record(), "20260103T000000Z", "host-2")
    assert baseline_of(tmp_path, "leg-a", "s1", "host-1", "grad_cpu") == tmp_path / "leg-a/s1/host-1/grad_cpu"
    other = baseline_of(tmp_path, "leg-a", "s1", "host-3", "grad_cpu")
    assert other is not None
    assert other.name == "20260103T000000Z"
    assert baseline_of(tmp_path, "leg-a", "s2", "host-1", "grad_cpu") is None
    assert baseline_of(tmp_path, "leg-b", None, "host-1", "grad_cpu") is None


def test_the_baseline_keeps_the_newest(tmp_path):
    leg = {"leg": "leg-a", "settings": "s1"}
    for day in range(KEEP + 3):
        results = tmp_path / f"r{day}"
        lay(results, record(), f"202601{day + 1:02}T000000Z")
        add(results, tmp_path / "base", leg)
    kept = bundles(tmp_path / "base")
    assert len(kept) == KEEP
    assert kept[0].name == "20260104T000000Z"
    fresh = tmp_path / "fresh"
    lay(fresh, record(), "20260301T000000Z")
    add(fresh, tmp_path / "base", leg, accept=True)
    assert [bundle.name for bundle in bundles(tmp_path / "base")] == ["20260301T000000Z"]


@pytest.mark.parametrize(
    ("status", "outcome", "arguments", "added"),
    [
        ("ok", "passed", [], True),
        ("host_noisy", "passed", [], True),
        ("over_ceiling", "passed", ["--accept"], False),
        ("code_regressed", "passed", [], False),
        ("code_regressed", "passed", ["--accept"], True),
        ("not_measured", "failed", [], False),
    ],
)
def test_a_regression_becomes_no_baseline_unless_it_is_accepted(
    monkeypatch, tmp_path, status, outcome, arguments, added
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(baseline.sys, "argv", ["baseline", *arguments])
    leave(tmp_path / "legs", record())
    (tmp_path / "report").mkdir()
    verdict = {"legs": [Row("grad_cpu-a", "a", status, "", outcome=outcome).document()]}
    (tmp_path / "report/verdict.json").write_text(json.dumps(verdict))
    baseline.main()
    assert bool(bundles(tmp_path / "baseline")) is added


def test_the_gate_fails_on_what_fails_and_names_it(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report").mkdir()
    rows = [
        Row("a", "x", "code_regressed", "slow"),
        Row("b", "x", "not_measured", "no GPU"),
        Row("c", "x", "host_noisy", ""),
    ]
    for failing, code in ((["a"], 1), ([], 0)):
        document = {"failing": failing, "legs": [one.document() for one in rows]}
        (tmp_path / "report/verdict.json").write_text(json.dumps(document))
        assert gate.main() == code
        assert ("FAILS a" in capsys.readouterr().out) is bool(failing)


def test_the_worst_leg_comes_first_and_every_leg_has_a_row():
    rows = [
        Row("z", "x", "ok", "", outcome="passed", wall_s=1.0, baseline="same", ratio=1.01),
        Row("m", "x", "not_measured", "no engine"),
        Row("a", "x", "over_ceiling", "", outcome="timed_out"),
    ]
    lines = render_comment(rows).splitlines()
    assert lines[0] == "## 2 of 3 legs measured, 1 over the ceiling or slower, 1 measured nothing"
    assert [line.split(" | ")[0] for line in lines[4:]] == ["| a", "| m", "| z"]
    assert "same (+1.0%)" in lines[6]
    assert "over ceiling (timed out)" in lines[4]
    assert render_summary(rows, "## More\n").endswith("## More\n")


def test_a_comment_fits_github_and_counts_what_does_not():
    rows = [Row(f"leg-{at:04}", "x", "not_measured", "|" * 500) for at in range(400)]
    text = render_note([*rows, Row("worst", "x", "over_ceiling", "slow", outcome="passed")])
    assert len(text) <= len(text.encode()) < 64_000
    assert text.startswith(f"{MARKER}\n## 1 of 401 legs measured")
    assert "| worst |" in text
    shown = sum(line.startswith("| leg-") for line in text.splitlines())
    assert text.splitlines()[-1] == f"{400 - shown} more legs do not fit here."
    assert "do not fit" not in render_note(rows[:10])


def test_text_from_elsewhere_stays_text():
    nasty = "<img src=x onerror=alert(1)> | `code` @somebody [link](http://x) *bold*\n# heading"
    line = render_comment([Row("a", "x", "not_measured", nasty * 20)]).splitlines()[-1]
    assert "<img" not in line
    assert line.count(" | ") == 4
    assert not re.search(r"(?<!\\)[`\[\]*]|@(?!<!-- -->)", line)
    assert len(line) < 2000
