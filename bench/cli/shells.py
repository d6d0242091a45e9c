"""What typer's completion lacks in a shell, added to the script that ``--install-completion`` writes."""

from __future__ import annotations

from typer import _completion_shared

_ANSWER = '\n\n(( ${+compstate} )) && %(complete_func)s "$@"\n'
"""zsh reads the script at the first TAB, which then wants an answer; read from a start-up file it has no compstate."""


def mend_zsh() -> None:
    """Make the first TAB of a zsh complete: typer's script defines the function and leaves calling it to the second."""
    scripts = _completion_shared._completion_scripts
    if _ANSWER not in scripts.get("zsh", _ANSWER):
        scripts["zsh"] = scripts["zsh"].rstrip() + _ANSWER
