"""What a test needs and has not got, from what Python and pytest say of it (pure)."""

from __future__ import annotations

import re

_MODULE = re.compile(r"No module named '?([\w.]{1,200})'?")
_PLUGIN = re.compile(r"Error importing plugin \"([^\"]{1,200})\"")
_PLUGINS = re.compile(r"Missing required plugins: (.{1,200})")
_OPTION = re.compile(r"unrecognized arguments: (.{1,200})")
_ABSENT = "which is not installed where it runs"


def lacking(said: str) -> str | None:
    """What is missing, in one line; ``None`` if a line of output names nothing that is."""
    plugins = _PLUGINS.search(said)
    if plugins:
        return f"the project requires pytest's plugin {plugins[1].strip()}, {_ABSENT}"
    module, plugin = _MODULE.search(said), _PLUGIN.search(said)
    if plugin and module:
        through = "" if plugin[1] == module[1] else f" (for pytest's plugin '{plugin[1]}')"
        return f"the project loads '{module[1]}'{through}, {_ABSENT}"
    if module:
        return f"the test imports '{module[1]}', {_ABSENT}"
    option = _OPTION.search(said)
    if option:
        return f"pytest does not know {option[1].strip()}: its plugin is not installed where the test runs"
    return None
