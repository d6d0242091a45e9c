"""The place: interpreter, packages, kernel, rights.

Slow questions, to the interpreter and to torch, are asked after the measured child's end, and only if the engine's side
does not know the answers yet: they are the same for every run in a place.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from .follow.checked import kept
from .side import run_aside
from .signals import Signals
from .spawn import Command
from .spec import Spec

ALLOCATORS = ("jemalloc", "tcmalloc", "mimalloc", "snmalloc", "hoard")
STATUS_KEYS = (
    "Seccomp",
    "Seccomp_filters",
    "NoNewPrivs",
    "CapEff",
    "CapBnd",
    "CapPrm",
    "Uid",
    "Gid",
    "Cpus_allowed_list",
)
PYTHON_LIMIT_S = 30.0
TORCH_LIMIT_S = 60.0
NEUTRAL = "/"
"""Where the questions are asked: the folder that the run wrote into answers none of them."""
ANSWER_BYTES = 4 * 1024 * 1024
"""More than the longest list of packages."""

QUESTION = """
import json, os, platform, re, sys
packages, torch = {}, None
for folder in reversed([path for path in sys.path if os.path.isdir(path)]):
    for entry in os.listdir(folder):
        found = re.fullmatch(r"(.+?)-([^-]+)(-py[0-9.]+)?\\.(dist|egg)-info", entry)
        if found:
            packages[re.sub(r"[-_.]+", "-", found[1]).lower()] = found[2]
    if os.path.isfile(folder + "/torch/version.py"):
        text = open(folder + "/torch/version.py", encoding="utf-8").read()
        torch = dict(re.findall(r"^(__version__|git_version|cuda|debug)(?::[^=]*)? *= *'?([^'\\n]*)'?$", text, re.M))
print(json.dumps({
    "version": platform.python_version(), "full_version": sys.version, "build": platform.python_build(),
    "compiler": platform.python_compiler(), "implementation": platform.python_implementation(),
    "executable": sys.executable, "prefix": sys.prefix, "libc": platform.libc_ver(),
    "gil": getattr(sys, "_is_gil_enabled", lambda: True)(), "packages": packages, "torch": torch,
}))
"""
"""Asked of the child's own interpreter. Folder names tell the packages (in their canonical spelling) and a text file
torch's version: the standard library's way reads every package's metadata, and importing torch takes seconds.
"""

TORCH_QUESTION = """
import importlib, importlib.metadata, importlib.util
about = importlib.import_module("torch.utils.collect_env")
def packages(run_lambda, patterns=None):
    kinds = ("PIP_PATTERNS", "COMMON_PATTERNS", "NVIDIA_PATTERNS", "ONEAPI_PATTERNS")
    wanted = patterns or {name for kind in kinds for name in getattr(about, kind, ())}
    lines = {f"{one.name}=={one.version}" for one in importlib.metadata.distributions()}
    return "pip3", "\\n".join(sorted(line for line in lines if any(name in line for name in wanted)))
if importlib.util.find_spec("pip") is None:
    about.get_pip_packages = packages
about.main()
"""
"""torch's own description of its place. It asks pip for the packages and falls over where there is none, as in our
images: then they are listed from their metadata, in pip's form.
"""


def read_allocators(pid: int) -> dict[str, Any] | None:
    """Which memory allocators and C libraries a process has mapped; ``None`` where that cannot be seen."""
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as file:
            return parse_allocators(file.read())
    except OSError:
        return None


def parse_allocators(maps: str) -> dict[str, Any]:
    """Paths of mapped allocators and the C library, from the text of /proc/PID/maps."""
    paths = {
        words[5] for line in maps.splitlines() if len(words := line.split(None, 5)) == 6 and words[5].startswith("/")
    }
    allocators = sorted(path for path in paths if any(name in os.path.basename(path) for name in ALLOCATORS))
    names = ("libc.so", "libc-", "ld-musl", "libc.musl")
    return {
        "allocators": allocators,
        "libc": sorted(path for path in paths if os.path.basename(path).startswith(names)),
    }


def parse_status(text: str) -> dict[str, str]:
    """The lines of /proc/PID/status that speak of rights."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {key: " ".join(value.split()) for key, _, value in pairs if key in STATUS_KEYS}


def parse_root_read_only(mountinfo: str) -> bool | None:
    """Whether the root file system is mounted read-only; ``None`` where the text does not say."""
    found = None
    for line in mountinfo.splitlines():
        words = line.split(" ")
        if len(words) > 5 and words[4] == "/":
            found = "ro" in words[5].split(",")
    return found


def read_quick_facts() -> dict[str, Any]:
    """Everything that files tell, in a millisecond."""
    name = os.uname()
    return {
        "kernel": {"system": name.sysname, "release": name.release, "version": name.version, "machine": name.machine},
        "uid": os.getuid(),
        "gid": os.getgid(),
        "root_read_only": parse_root_read_only(_read("/proc/self/mountinfo")),
        "security": {
            **parse_status(_read("/proc/self/status")),
            "label": _read("/proc/self/attr/current").strip("\0\n ") or None,
        },
        "cpus": len(os.sched_getaffinity(0)),
        "thp": _read("/sys/kernel/mm/transparent_hugepage/enabled").strip() or None,
        "supervisor_python": sys.version.split()[0],
        "supervisor_pid": os.getpid(),
    }


def write_facts(spec: Spec, known: dict[str, Any], skip: str | None, signals: Signals) -> None:
    """Write ``facts.json`` and, where the place is asked about itself, ``torch_env.txt``.

    ``skip`` says why the slow questions are not asked although they were to be.
    """
    path = os.path.join(spec.out, "facts.json")
    unavailable: dict[str, str] = {}
    facts = {**known, "python": None, "unavailable": unavailable}
    if spec.ask is None:
        unavailable["python"] = "asked once for each environment, by an earlier run"
        _write(path, _text(facts))
        return
    runs_python = "python" in os.path.basename(spec.argv[0])
    python = spec.argv[0] if runs_python else sys.executable
    if not spec.facts and not runs_python:
        skip = skip or "not asked: the command is no Python"
    facts["python"], problem = _ask_python(python, spec, skip, signals)
    if problem is not None:
        unavailable["python"] = problem
    _write(path, _text(facts))
    if not spec.torch:
        return
    text = os.path.join(spec.out, "torch_env.txt")
    if skip is None:
        skip = run_aside(Command((python, "-c", TORCH_QUESTION), spec.ask, NEUTRAL, -1), text, TORCH_LIMIT_S, signals)
    if skip is not None:
        unavailable["torch_env"] = skip
        _write(path, _text(facts))
        _write(text, f"\ntorch.utils.collect_env: {skip}\n", append=True)


def _ask_python(
    python: str, spec: Spec, skip: str | None, signals: Signals
) -> tuple[dict[str, Any] | None, str | None]:
    """What the interpreter says of itself, or why that could not be had."""
    if skip is not None:
        return None, skip
    answer = os.path.join(spec.out, ".facts.tmp")
    asking = Command((python, "-c", QUESTION), spec.ask or {}, NEUTRAL, -1)
    problem = run_aside(asking, answer, PYTHON_LIMIT_S, signals)
    text = _read(answer, ANSWER_BYTES)
    _remove(answer)
    if problem is not None:
        return None, problem
    found = parse_answer(text)
    return found, None if found is not None else "the interpreter's answer is not JSON"


def _text(facts: dict[str, Any]) -> str:
    return json.dumps(facts, indent=1) + "\n"


def parse_answer(text: str) -> dict[str, Any] | None:
    """The object on the last line, ``None`` where it is none that every reader of JSON can read: a project's own start
    code may write what it likes, and a package's folder may have any name.
    """
    try:
        found = kept(json.loads(text.strip().splitlines()[-1]))
    except (ValueError, IndexError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _read(path: str, most: int = -1) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(most)
    except OSError:
        return ""


def _write(path: str, text: str, append: bool = False) -> None:
    try:
        with open(path, "a" if append else "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        pass  # a full disk; the result says so


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
