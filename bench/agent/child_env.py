"""The child's environment: as asked for, and with what lets pytest find our plugin in any project."""

from __future__ import annotations

import os

from .spec import Spec

PLUGIN = "bench_pytest_plugin"


def child_environment(spec: Spec) -> tuple[dict[str, str], str | None]:
    """The environment, and why the plugin is left out although it was asked for (else ``None``).

    The plugin's folder comes last on PYTHONPATH and holds nothing else, so it shadows nothing; PYTEST_PLUGINS is read
    by every pytest, whatever its options, and next to what the project loads by itself.
    """
    env = dict(spec.env)
    if not spec.plugin:
        return env, None
    word = isolating_option(spec.argv)
    if word is not None:
        return env, f"the pytest plugin is not used: the interpreter's option {word} keeps PYTHONPATH out"
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "plugin")
    env["PYTHONPATH"] = os.pathsep.join(part for part in (env.get("PYTHONPATH"), folder) if part)
    env["PYTEST_PLUGINS"] = ",".join(part for part in (env.get("PYTEST_PLUGINS"), PLUGIN) if part)
    env["BENCH_EVENTS"] = os.path.join(spec.out, "tests.jsonl")
    return env, None


def isolating_option(argv: tuple[str, ...]) -> str | None:
    """The interpreter's option that makes it ignore PYTHONPATH (``-I``, ``-E``, alone or among others), if any."""
    for word in argv[1:]:
        if not word.startswith("-") or word in ("-m", "-c"):
            return None
        if not word.startswith("--") and set(word[1:]) & {"I", "E"}:
            return word
    return None
