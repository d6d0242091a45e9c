"""Two sides in the stand-in engine: their plans differ in a variable, and each takes its own time."""

import random
from dataclasses import replace

import pytest


@pytest.fixture
def takes(stand_in):
    """Let the runs of each side take so many seconds, under a little noise."""

    def by(base=10.0, head=10.0, noise=0.01):
        draw, seconds = random.Random(1), {"base": base, "head": head}
        stand_in.seconds = lambda task: seconds[task.env["SIDE"]] * (1 + draw.uniform(-noise, noise))

    by()
    return by


@pytest.fixture
def plans(plan, takes):
    """The plan of the base and of the head."""
    return {side: replace(plan, task=replace(plan.task, env={**plan.task.env, "SIDE": side})) for side in SIDES}


@pytest.fixture
def ran(stand_in):
    """Return which sides were run so far, in their order."""
    return lambda: [task.env["SIDE"] for task in stand_in.executed]


SIDES = ("base", "head")
