"""Every command of the documentation, executed in order with a deterministic engine."""

import re
import shlex
from pathlib import Path

import pytest

from bench.record.find import find_bundles

DOCS = Path(__file__).parents[3] / "docs"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))
FLEET = "bench fleet grad_cpu --host ssh://one --host ssh://two --profile smoke"
"""Needs two machines: here it ends with the reason of each."""
FAILS = {FLEET: {2, 6}, "bench reproduce A --allow image,engine": {0, 6}, "bench doctor": {0, 6}}


def commands(page):
    blocks = re.findall(r"```sh\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("bench ")]


@pytest.fixture
def place(engine, bench_, tmp_path):
    """A folder with three results and a project; ``A``, ``B``, ``C`` and ``DIR`` stand for them."""
    project = tmp_path / "project"
    (project / "tests").mkdir(parents=True)
    (project / "tests" / "test_x.py").write_text("def test_y(): pass\n")
    (project / "requirements.txt").write_text("\n")
    toml = re.search(r"```toml\n(.*?)```", (DOCS / "project.md").read_text(), re.DOTALL)
    (project / "bench.toml").write_text(toml[1])
    for _ in range(3):
        assert bench_("run", "grad_cpu", "--repeat", "8", "--quiet")[0] == 0
    bundles = [str(bundle.path) for bundle in find_bundles("results")]
    return {
        **dict(zip("ABC", bundles, strict=True)),
        "DIR": str(project),
        "DIR/requirements.txt": str(project / "requirements.txt"),
    }


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_works(page, place, bench_):
    for command in commands(page):
        words = [place.get(word, word) for word in shlex.split(command)[1:]]
        code, _, err = bench_(*words)
        assert code in FAILS.get(command, {0}), f"{command}: {err}"


def test_the_pages_have_commands_at_all():
    assert sum(len(commands(page)) for page in PAGES) > 15
