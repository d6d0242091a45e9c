"""A task and a place to the supervisor's start: placeholders filled in, the child's environment whole (pure)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from bench.engine.protocol import Place, Task
from bench.errors import NotMeasured

LOG_LIMIT_BYTES = 16 * 1024**2
LONGEST_ARGUMENT = 128 * 1024 - 1
"""So many bytes may one argument of a program have: MAX_ARG_STRLEN less its end, execve(2)."""
TORCH_FACTS_S = 60.0
"""What the supervisor may take after the child's end to ask torch about itself."""
MARK = "BENCH_RUN_ID"
"""A variable in the environment of everything that a local run starts; by it strays are found if there is no group."""
_DECIDING = ("PATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")
_APART = {"PYTHONSAFEPATH": "1", "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
"""Neither the current folder nor the user's own is looked into for modules."""
MARGIN_S = 45.0
"""What it may take for the rest, on a slow host, before the engine ends it."""


@dataclass(frozen=True, slots=True)
class Folders:
    """Where things lie as the task sees them. ``path`` is the value of PATH, ``here`` the folder of a command without a
    project, ``input`` the file that a command reads.
    """

    out: str
    src: str
    home: str
    tmp: str
    path: str
    here: str = "/"
    input: str | None = None


def fill(text: str, place: Place, folders: Folders) -> str:
    """Return the text with ``{python}``, ``{diagnostics}``, ``{out}``, ``{src}`` and ``{here}`` filled in; others stay.

    Args:
        text: a word of a command, or a variable's value.
        place: what the task runs in.
        folders: where things lie as the task sees them.
    """
    values = {"python": place.python, "diagnostics": place.diagnostics, "out": folders.out, "src": folders.src}
    values["here"] = folders.here
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


def child_env(place: Place, task: Task, folders: Folders) -> dict[str, str]:
    """Return the whole environment of the child.

    Args:
        place: what the task runs in.
        task: what to run.
        folders: where things lie as the task sees them.

    Raises:
        NotMeasured: an allocator is asked for that the place lacks.
    """
    env = {"HOME": folders.home, "TMPDIR": folders.tmp, "PATH": folders.path, "USER": "bench", "LOGNAME": "bench"}
    env = {**env, **place.env} | {name: fill(value, place, folders) for name, value in task.env.items()}
    if "PYTHONPATH" in place.env and "PYTHONPATH" in task.env:
        env["PYTHONPATH"] += f":{place.env['PYTHONPATH']}"
    if task.preload is not None:
        library = place.preloads.get(task.preload)
        if library is None:
            known = ", ".join(sorted(place.preloads)) or "none"
            raise NotMeasured(f"the allocator '{task.preload}' is not here", f"this place has: {known}")
        env["LD_PRELOAD"] = library
    return env


def ask_env(task: Task, folders: Folders) -> dict[str, str]:
    """Return the environment in which a place is asked about itself: nothing of the test, nor of its project."""
    asked = {name: value for name, value in deciding(task).items() if "{" not in value}
    mark = {MARK: task.env[MARK]} if MARK in task.env else {}
    return {"PATH": folders.path, "HOME": "/nonexistent", "LANG": "C.UTF-8", **_APART, **asked, **mark}


def deciding(task: Task) -> dict[str, str]:
    """Return those variables of a task by which the description of its place may differ."""
    return {name: task.env[name] for name in _DECIDING if name in task.env}


def supervisor_spec(place: Place, task: Task, folders: Folders, cgroup: Mapping[str, Any] | None = None) -> str:
    """Return the supervisor's one argument (see ``bench/agent``), as JSON.

    Args:
        place: what the task runs in.
        task: what to run.
        folders: where things lie as the task sees them.
        cgroup: the group that the engine made for it, or ``None``.
    """
    argv, around = command_of(place, task, folders), task.command
    spec: dict[str, Any] = {
        "argv": argv,
        "env": child_env(place, task, folders),
        "cwd": fill(task.cwd, place, folders),
        "out": folders.out,
        "timeout_s": task.timeout_s,
        "grace_s": task.grace_s,
        "sample_hz": task.sample_hz,
        "log_limit_bytes": LOG_LIMIT_BYTES,
        "ask": ask_env(task, folders) if task.describe else None,
        "torch": task.torch,
        "plugin": around is None and is_pytest(argv),
        "cgroup": cgroup,
    }
    if around is not None:
        spec |= {"prepare": around.prepare, "expect_exit": around.expect_exit, "facts": place.has_python}
        spec["stdin"] = folders.input if around.input is not None else None
    return json.dumps(spec, ensure_ascii=True, sort_keys=True)


def command_of(place: Place, task: Task, folders: Folders) -> list[str]:
    """Return the words of the child: with the placeholders filled in, unless somebody gave them as a command.

    Args:
        place: what the task runs in.
        task: what to run.
        folders: where things lie as the task sees them.
    """
    return list(task.argv) if task.command else [fill(word, place, folders) for word in task.argv]


def supervisor_argv(place: Place, spec: str) -> list[str]:
    """The command that starts the supervisor: without site-packages, user folders, or writing into its own folder.

    Raises:
        NotMeasured: the words and variables of the task are longer than the kernel lets one argument be.
    """
    if (size := len(spec)) > LONGEST_ARGUMENT:  # ASCII, see supervisor_spec
        cause = f"its words and variables take {size} bytes as one argument, and the kernel takes {LONGEST_ARGUMENT}"
        raise NotMeasured("the command is too long", cause, "put the words into a script or a file that it reads")
    compiled = ("-X", f"pycache_prefix={place.bytecode}") if place.bytecode else ("-B",)
    return [*place.launcher, place.python, "-I", "-S", *compiled, f"{place.agent}/__main__.py", spec]


def is_pytest(argv: list[str]) -> bool:
    """Whether a command runs pytest, whose tests the supervisor then follows one by one."""
    return any(PurePath(word).name in {"pytest", "py.test"} for word in argv[:4])


def latest_end_s(task: Task) -> float:
    """Seconds from the start after which a supervisor that has not ended is broken."""
    prepared_s = task.timeout_s if task.command and task.command.prepare else 0.0
    return prepared_s + task.timeout_s + stop_s(task)


def stop_s(task: Task) -> float:
    """Seconds that an orderly stop may take: grace, then the last readings."""
    return task.grace_s + MARGIN_S + (TORCH_FACTS_S if task.describe and task.torch else 0.0)
