"""What a fleet measures on each host: diagnostics or a command, each under every variant (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.errors import UsageError

OWN = frozenset({"--host", "--results", "--json", "--quiet", "-q"})
"""Options of ``bench run`` that a fleet sets itself, or has under the same name."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing to measure: what is named on a command line of ``bench run``, and its variant.

    ``named`` is a NAME of the catalog; ``command`` what stands behind ``--``; neither if options name a test.
    """

    label: str
    named: str | None = None
    command: tuple[str, ...] = ()
    variant: str | None = None

    @property
    def key(self) -> str:
        """The label and the variant: how a person reads it, and one key for each cell of a fleet."""
        return f"{self.label} [{self.variant}]" if self.variant else self.label

    def words(self, options: Sequence[str]) -> tuple[str, ...]:
        """Return the words of ``bench``, with the options given before the command."""
        named = () if self.named is None else (self.named,)
        variant = () if self.variant is None else ("--variant", self.variant)
        command = ("--", *self.command) if self.command else ()
        return ("run", *named, "--json", *variant, *options, *command)


def matrix(cells: Sequence[Cell], variants: Sequence[str]) -> tuple[Cell, ...]:
    """Return each cell under each variant, a cell's variants one after the other; without variants as they are.

    Raises:
        UsageError: a cell or a variant is named twice.
    """
    for what, names in (("a variant", variants), ("a diagnostic", [cell.label for cell in cells])):
        twice = sorted({name for name in names if list(names).count(name) > 1})
        if twice:
            raise UsageError(f"{what} is named twice: {twice[0]}", fix="name each once")
    wanted: Sequence[str | None] = variants or (None,)
    return tuple(Cell(cell.label, cell.named, cell.command, variant) for cell in cells for variant in wanted)


def refuse_own(options: Sequence[str], also: Sequence[str] = ()) -> None:
    """Refuse options that a fleet sets itself.

    Raises:
        UsageError: names the first.
    """
    taken = [word for word in options if word.split("=")[0] in OWN | set(also)]
    if taken:
        raise UsageError(f"{taken[0].split('=')[0]} is set by the fleet itself", fix="leave it away")
