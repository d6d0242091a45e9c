"""Base against head on one runner, for any repository: ``ci/run -m ci.ab measure|gate`` (action.yml, ci/gitlab-ab.yml).

All that is asked for comes by variables: what a pull request may write is never part of a command. ``measure`` fetches
the base's commit if the checkout lacks it, runs ``bench ab``, and leaves ``BENCH_AB_OUT`` with both bundles,
``ab.json``, ``summary.md`` and ``comment.md``; it ends with 0 whatever came out. ``gate`` fails if head is slower or
could not be run.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench import units
from bench.compare.experiment import PairedChange
from bench.compare.reasons import NO_INTERVAL, outcome_word
from bench.report.text import markdown, markdown_table

MARKER = "<!-- bench-ab -->"
"""What a comment begins with, unseen, so that the next run finds its own."""
FETCH_S = 600
_ZEROS = re.compile(r"0{40,}")
"""What a push has for the commit before it if there was none."""
_STATUS = {
    0: "not slower",
    1: "slower",
    2: "the words make no sense",
    3: "a test failed",
    4: "timed out",
    5: "killed for memory",
    6: "undecided, or not measured",
    7: "not comparable",
    130: "interrupted",
}
_FAILS = {1, 2, 3, 4, 5, 130}


def main() -> int:
    """Do what the argument names."""
    out = Path(os.environ["BENCH_AB_OUT"])
    return gate(out) if sys.argv[1:] == ["gate"] else measure(out, os.environ)


def measure(out: Path, environ: Mapping[str, str]) -> int:
    """Run the experiment and leave what it came to; always 0.

    Args:
        out: the folder that is filled.
        environ: the variables that hold what was asked for.
    """
    out.mkdir(parents=True, exist_ok=True)
    base = environ.get("BENCH_AB_BASE", "").strip()
    document = _refused(environ, base)
    if document is None:
        command = [sys.executable, "-m", "bench", *words_of(environ, out)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        document = _document(done.stdout) | {"exit_code": done.returncode}
    (out / "ab.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    text = render(document, base)
    (out / "summary.md").write_text(text, encoding="utf-8")
    (out / "comment.md").write_text(f"{MARKER}\n{text}", encoding="utf-8")
    sys.stdout.write(text)
    return 0


def _refused(environ: Mapping[str, str], base: str) -> dict[str, Any] | None:
    """Why nothing can be measured, as ``bench ab --json`` would say it; ``None`` if it can."""
    if not base:
        return _said(2, "there is no base to compare with: this event names none, so give one")
    if _ZEROS.fullmatch(base):
        return _said(6, "there is no base to compare with: before this push there was no such branch")
    try:
        shlex.split(environ.get("BENCH_AB_ARGUMENTS", ""))
    except ValueError as error:
        return _said(2, f"the arguments cannot be taken apart: {str(error).lower()}")
    why = fetch(Path(environ.get("BENCH_AB_PROJECT") or "."), base)
    return None if why is None else _said(2, why)


def _said(code: int, what: str) -> dict[str, Any]:
    return {"exit_code": code, "error": {"what": what}}


def words_of(environ: Mapping[str, str], out: Path) -> list[str]:
    """Return the command line of ``bench ab`` that the variables ask for (pure).

    Args:
        environ: the variables.
        out: the folder that takes the bundles.
    """

    def given(name: str) -> str:
        return environ.get(f"BENCH_AB_{name}", "").strip()

    words = ["ab", *([f"{given('NAME')}"] if given("NAME") else []), "--json", "--results", str(out / "results")]
    words += [f"--project={given('PROJECT') or '.'}", f"--base={given('BASE')}"]
    for option in ("NODE", "HEAD", "REQUIREMENTS", "ENGINE", "EFFECT", "BUDGET"):
        words += [f"--{option.lower()}={given(option)}"] if given(option) else []
    return words + shlex.split(given("ARGUMENTS"))


def fetch(project: Path, revision: str) -> str | None:
    """Get a commit that a shallow checkout lacks; return why it cannot be had.

    Args:
        project: the checkout.
        revision: a commit, a branch or a tag; words of ``bench ab`` without a revision need none.
    """
    named = [word.removeprefix("rev=") for word in revision.split(",") if "=" not in word or word.startswith("rev=")]
    if not named:
        return None
    if named[0].startswith("-"):
        return f"{named[0]!r} is no revision"
    known = [*_git(project), "rev-parse", "--verify", "--quiet", "--end-of-options", f"{named[0]}^{{commit}}"]
    if subprocess.run(known, stdout=subprocess.DEVNULL, check=False).returncode == 0:
        return None
    get = [*_git(project), "fetch", "--no-tags", "--depth=1", "origin", f"+{named[0]}:refs/bench/base"]
    try:
        done = subprocess.run(get, capture_output=True, text=True, timeout=FETCH_S, check=False)
    except subprocess.TimeoutExpired:
        return f"the base {named[0]} is not in the checkout, and fetching it took over {FETCH_S} s"
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["git could not say why"])[-1]
        return f"the base {named[0]} is not in the checkout and cannot be fetched: {said}"
    if subprocess.run(known, stdout=subprocess.DEVNULL, check=False).returncode != 0:
        return f"the base {named[0]} was fetched and is no commit, tag or branch of the checkout: give its commit"
    return None


def _git(project: Path) -> list[str]:
    return ["git", "-c", f"safe.directory={project.resolve()}", "-C", str(project)]


def render(document: Mapping[str, Any], base: str) -> str:
    """Return what people read: a sentence, and a row for each figure (pure).

    Args:
        document: what ``bench ab --json`` said, with its exit code.
        base: what was compared with.
    """
    code = document["exit_code"]
    error = document.get("error") or {}
    said = [str(part) for name in ("what", "cause", "fix") if (part := error.get(name))]
    sentence = document.get("sentence") or ": ".join(said) or "nothing was measured, and the log says why"
    lines = [f"### Base against head: {_STATUS.get(code, 'not measured')}\n", f"{markdown(sentence)}\n"]
    trial = document.get("experiment")
    if isinstance(trial, dict):
        figures = [msgspec.convert(one, PairedChange) for one in (trial["decides"], *trial["informs"])]
        rows = [_row(one) for one in figures if one.change is not None]
        lines.append(markdown_table(("figure", ">base", ">head", ">change", ">99 % interval", "is"), rows))
        lines.append(f"{trial['made']} pairs, the order of each drawn at random; base is {markdown(base[:60])}.\n")
        lines += [f"- {markdown(why)}\n" for why in document.get("reasons", ())]
    return "\n".join(lines)


def _row(one: PairedChange) -> Sequence[str]:
    a, b = (markdown(units.figure(value, one.unit)) for value in (one.a, one.b))
    ends = units.interval(one.low, one.high) or NO_INTERVAL
    return markdown(one.name), a, b, units.change(one.change), ends, markdown(outcome_word(one))


def gate(out: Path) -> int:
    """Return 1 if head is slower or something broke; what is undecided or cannot be compared fails nothing."""
    try:
        code = int(json.loads((out / "ab.json").read_text(encoding="utf-8"))["exit_code"])
    except (OSError, ValueError, KeyError, TypeError):
        sys.stdout.write("bench ab left no result\n")
        return 1
    sys.stdout.write(f"bench ab ended with {code}: {_STATUS.get(code, 'not measured')}\n")
    return int(code in _FAILS or code < 0)


def _document(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


if __name__ == "__main__":
    sys.exit(main())
