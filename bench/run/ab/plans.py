"""Both sides as plans: each with its code in a folder of its own, so that nothing changes while the pairs run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bench.catalog.command import KINDS
from bench.catalog.load import find_variant
from bench.catalog.model import TORCH, Catalog, Diagnostic
from bench.catalog.project import FILE
from bench.engine.assets import diagnostics_folder
from bench.engine.protocol import Tree
from bench.errors import UsageError
from bench.record.schema import Source
from bench.run.ab.revisions import Revision, check_out, find_revision
from bench.run.ab.sides import Side
from bench.run.plan import Options, Plan, make_plan, need_of
from bench.run.source.keep import keep_code
from bench.run.source.read import Checkout, read_catalog_source, read_project


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of both sides alike. ``project`` is ``None`` for a shipped diagnostic."""

    catalog: Catalog
    diagnostic: Diagnostic
    options: Options
    project: Path | None = None
    results: Path | None = None
    requirements: Path | None = None


class Sides:
    """Makes the plans of both sides; code that both have is there once.

    Args:
        question: what is asked.
        folder: where the code of the sides goes; it must outlive the last run.
    """

    def __init__(self, question: Question, folder: Path) -> None:
        self._question = question
        self._folder = folder
        self._code: dict[str | None, tuple[Source, Tree]] = {}

    def plan(self, side: Side) -> Plan:
        """Return the plan of a side.

        Raises:
            UsageError: no such revision, variant or file, or an option that makes no sense.
            NotMeasured: its code cannot be put into the folder.
        """
        asked = self._question
        options = asked.options
        options = replace(options, threads=side.threads or options.threads, env={**options.env, **side.env})
        variant = find_variant(asked.catalog, side.variant) if side.variant else None
        diagnostic = _in_image(asked.diagnostic, side.image) if side.image else asked.diagnostic
        of_command = diagnostic.command is not None
        if asked.project is None:
            if side.rev is not None:
                kind = "a command" if of_command else "a shipped diagnostic of no checkout"
                what = f"'{side.rev}' names a revision, and {diagnostic.name} is {kind}"
                fix = "give --project with the checkout of your test, or variant= requirements= env.K= threads="
                raise UsageError(what, fix=fix)
            source = Source(kind="command") if of_command else read_catalog_source(diagnostics_folder())
            need = need_of(diagnostic, None, side.requirements or asked.requirements)
            return make_plan(diagnostic, options, source, need=need, variant=variant)
        source, tree = self._code_of(side.rev, asked.project)
        if side.rev is not None:
            _require(side, diagnostic, tree, own=(side.requirements or asked.requirements) is None)
        need = need_of(diagnostic, tree.root, _found(side.requirements or asked.requirements, tree.root), tree)
        return make_plan(diagnostic, options, source, tree=tree, need=need, variant=variant)

    def _code_of(self, rev: str | None, project: Path) -> tuple[Source, Tree]:
        if rev not in self._code:
            target = self._folder / f"code-{len(self._code)}"
            if rev is None:
                self._code[rev] = keep_code(Checkout(project, self._question.results), target)
            else:
                revision = find_revision(project, rev)
                root = check_out(revision, target)
                self._code[rev] = read_project(root, self._results_in(revision, target))
        return self._code[rev]

    def _results_in(self, revision: Revision, target: Path) -> Path | None:
        """Where results would lie in the checkout: those that are committed there count as no code."""
        results = self._question.results
        if results is None or not results.resolve().is_relative_to(revision.top):
            return None
        return target / results.resolve().relative_to(revision.top)


def _require(side: Side, diagnostic: Diagnostic, tree: Tree, *, own: bool) -> None:
    """What the working tree's ``bench.toml`` or the command line names is not in every revision."""
    node = (diagnostic.node or "").split("::", 1)[0]
    if node and not (tree.root / node).exists():
        raise UsageError(f"the revision '{side.rev}' has no {node}", fix="name a revision that has the test")
    named = diagnostic.requirements
    if own and named is not None and not (tree.root / named).is_file():
        what = f"the revision '{side.rev}' has no {named}, which {FILE} of the project names"
        raise UsageError(what, fix="commit it there, or give --requirements FILE for both sides")


def _in_image(diagnostic: Diagnostic, image: str) -> Diagnostic:
    """The diagnostic in another image: a command may have any, a test one of ours."""
    if diagnostic.command is None and image == TORCH:
        image = diagnostic.device
    if diagnostic.command is None and image not in KINDS:
        raise UsageError(f"image={image} is no image of ours", fix=f"a test runs in {', '.join(sorted(KINDS))}")
    return replace(diagnostic, image=image, image_open=False)


def _found(requirements: Path | None, root: Path) -> Path | None:
    """A requirements file as the command line has it; one that is not there is looked for in the side's own code."""
    if requirements is None or requirements.is_file() or requirements.is_absolute():
        return requirements
    return root / requirements if (root / requirements).is_file() else requirements
