"""Whether two plans run the very same thing, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.catalog.load import builtin, find
from bench.engine.protocol import Tree
from bench.record.schema import Source
from bench.run.ab.alike import are_alike, same_code
from bench.run.ab.sides import Side
from bench.run.plan import Options, make_plan

GRAD = find(builtin(), "grad_cpu")
PLAN = make_plan(GRAD, Options(), Source(kind="project", sha256="0" * 64))


def test_the_folder_of_the_code_makes_no_difference(tmp_path):
    other = replace(PLAN, task=replace(PLAN.task, tree=Tree(tmp_path, (), "0" * 64)))
    assert are_alike(PLAN, other)
    assert same_code(PLAN, other, Side(rev="HEAD")).startswith("base and head are the same code: 'HEAD' is")
    assert same_code(PLAN, other, Side(variant="thp")) is None


@pytest.mark.parametrize(
    "other",
    [
        make_plan(GRAD, Options(), Source(kind="project", sha256="1" * 64)),
        make_plan(GRAD, Options(threads=1), PLAN.source),
        make_plan(GRAD, Options(env={"A": "1"}), PLAN.source),
        replace(PLAN, source=Source(kind="project")),
    ],
)
def test_other_code_or_settings_are_not_alike(other):
    assert not are_alike(PLAN, other)
    assert not are_alike(other, PLAN)
    assert same_code(PLAN, other, Side(rev="HEAD")) is None


def test_requirements_count_by_their_content(tmp_path):
    plans = []
    for name, text in (("a", "numpy==2.0\n"), ("b", "numpy==2.0\n"), ("c", "numpy==2.1\n")):
        (tmp_path / name).write_text(text)
        plans.append(replace(PLAN, need=replace(PLAN.need, requirements=tmp_path / name)))
    assert are_alike(plans[0], plans[1])
    assert not are_alike(plans[0], plans[2])
    assert not are_alike(plans[0], PLAN)
