"""Whether there is anything to compare: two plans of the very same thing."""

from __future__ import annotations

from dataclasses import replace

from bench.engine.images.requirements import read_requirements
from bench.run.ab.sides import Side
from bench.run.plan import Plan


def same_code(base: Plan, head: Plan, side: Side) -> str | None:
    """Return the line for somebody who named a base that is the code of the working tree, and no head; else ``None``.

    Args:
        base: what is compared with.
        head: what is judged, if it was not named.
        side: the words of the base.
    """
    if side.rev is None or not are_alike(base, head):
        return None
    what = f"base and head are the same code: '{side.rev}' is what lies in the project, and nothing else differs"
    return f"{what}, so this shows noise alone; to judge what is committed already, stop and give --base HEAD~1"


def are_alike(base: Plan, head: Plan) -> bool:
    """Return whether two plans run the same thing in the same way."""
    if base.source.sha256 is None or base.source.sha256 != head.source.sha256:
        return False
    return _settings(base) == _settings(head) and _required(base) == _required(head)


def _settings(plan: Plan) -> tuple[object, ...]:
    """All that decides a run, but for the folder in which its code lies."""
    task, need = replace(plan.task, tree=None), replace(plan.need, tree=None, requirements=None)
    return task, need, plan.variant, plan.diagnostic


def _required(plan: Plan) -> bytes | None:
    path, tree = plan.need.requirements, plan.need.tree
    return None if path is None else read_requirements(tree.at(path) if tree is not None else path)
