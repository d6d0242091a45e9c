"""A person's own environment as a place: a venv, a conda or a module environment, read and left as it is."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench.engine.assets import agent_folder, diagnostics_folder
from bench.engine.images.context import diagnostics_sha256
from bench.engine.local.environment import default_cache, find_preloads
from bench.engine.local.inspect import parse_torch
from bench.engine.present.host_place import libc, passed_on
from bench.engine.protocol import Need, Notify, Place
from bench.errors import NotMeasured, UsageError
from bench.files import read_plain
from bench.record.schema import Environment

_MAX_KEPT_BYTES = 64 * 1024**2
OLDEST = (3, 10)
"""The oldest Python that the supervisor and the plugin run on."""
CURRENT = "."
"""The word for the environment that is active."""
_ASK_S = 120.0
_WHERE = "import json, sys; print(json.dumps([list(sys.version_info[:3]), sys.version, sys.prefix, sys.path]))"
_WHAT = """
import importlib.metadata as m, json, os, sys, sysconfig
packages, torch, local = {}, None, set()
for d in m.distributions():
    name = d.metadata["Name"]
    if name and name not in packages:
        packages[name] = d.version
    if name and name.lower() == "torch" and torch is None:
        torch = open(str(d.locate_file("torch/version.py")), encoding="utf-8").read()
    if name and '"file:' in (d.read_text("direct_url.json") or ""):
        tops = (d.read_text("top_level.txt") or "").split() or [f.parts[0].partition(".")[0] for f in d.files or ()]
        local.update([name.replace("-", "_").replace(".", "_"), *tops])
homes = tuple(os.path.join(os.path.realpath(one), "") for one in (sys.prefix, sys.base_prefix))
for folder in {os.path.realpath(one) for one in sys.path if one} - {"/"}:
    if os.path.join(folder, "").startswith(homes) or folder.endswith("-packages"):
        continue
    if os.path.isdir(folder) and os.access(folder, os.R_OK | os.X_OK):
        local.update(one.partition(".")[0] for one in sorted(os.listdir(folder))[:1000])
local -= set(sys.stdlib_module_names)
local = sorted(one for one in local if one.isidentifier())[:1000]
build = str(sysconfig.get_config_var("CONFIG_ARGS"))
print(json.dumps({"packages": packages, "torch": torch, "build": build, "local": local}))
"""
_CONDA = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)-(?P<build>[^-]+)\.json")


@dataclass(frozen=True, slots=True)
class Found:
    """An interpreter that has answered, and where it looks for packages."""

    path: Path
    numbers: tuple[int, int, int]
    version: str
    prefix: Path
    folders: tuple[str, ...]


class Content(msgspec.Struct, frozen=True):
    """What an environment holds: packages by name, those of conda beside them, and torch's build.

    ``local`` are modules that were installed from a folder of this machine, or are imported from one.
    """

    packages: dict[str, str]
    conda: dict[str, str]
    torch: str | None
    torch_git: str | None
    build: str
    local: tuple[str, ...]


def existing_environment(need: Need, notify: Notify, cache: Path | None = None) -> Place:
    """Return the environment that ``need.python`` names, unchanged; nothing is installed into it.

    Args:
        need: the interpreter, and what will run there.
        notify: takes each line for the person who waits.
        cache: keeps what was read; this user's cache if not given.

    Raises:
        UsageError: there is no such interpreter.
        NotMeasured: it does not start, is too old, or lacks what the run needs.
    """
    found = ask(find_interpreter(CURRENT if need.python is None else need.python))
    if found.numbers[:2] < OLDEST:
        short, least = (".".join(map(str, one)) for one in (found.numbers, OLDEST))
        raise NotMeasured(f"{found.path} is Python {short}", f"the supervisor needs {least} or newer", "name another")
    content = read_content(found, cache or default_cache().parent / "existing", notify)
    _check(need, found, content)
    environment = environment_of(found, content)
    env = passed_on()
    if (found.prefix / "pyvenv.cfg").is_file():
        env["VIRTUAL_ENV"] = str(found.prefix)
    if (found.prefix / "conda-meta").is_dir():
        env["CONDA_PREFIX"] = str(found.prefix)
    path = os.pathsep.join(dict.fromkeys((str(found.path.parent), *os.environ.get("PATH", os.defpath).split(":"))))
    return Place(
        python=str(found.path),
        agent=str(agent_folder()),
        diagnostics=str(diagnostics_folder()),
        handle=str(found.prefix),
        environment=environment,
        preloads=find_preloads(),
        env=env,
        path=path,
        has_own=True,
        own=content.local,
    )


def find_interpreter(word: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the interpreter that is meant by a path, a folder of an environment, or ``.`` for the active one.

    Raises:
        UsageError: there is none.
    """
    if not word:
        raise UsageError("--python is empty", fix="name an interpreter, an environment's folder, or .")
    if word == CURRENT:
        homes = (environ.get("VIRTUAL_ENV"), environ.get("CONDA_PREFIX"))
        active = [Path(home, "bin", "python") for home in homes if home]
        paths = [shutil.which(name, path=environ.get("PATH", os.defpath)) for name in ("python3", "python")]
        candidates = [*active, *(Path(path) for path in paths if path), Path(sys.executable)]
        return next((one for one in candidates if one.is_file()), Path(sys.executable))
    path = Path(word).expanduser().absolute()
    if "/" not in word and not path.exists() and (named := shutil.which(word, path=environ.get("PATH", os.defpath))):
        path = Path(named)  # as a shell would find it: python3.12
    if path.is_dir():
        inside = [path / "bin" / name for name in ("python", "python3")]
        path = next((one for one in inside if one.is_file()), path)
        if path.is_dir():
            what = f"--python {word} holds no bin/python"
            raise UsageError(what, fix="name an interpreter, or the folder of a venv or conda environment")
    if not path.is_file():
        raise UsageError(f"--python {word} is not there", fix="name an interpreter, an environment's folder, or .")
    return path


def ask(path: Path) -> Found:
    """Return what an interpreter reports of itself.

    Raises:
        NotMeasured: it does not start, or is no Python.
    """
    answer = _answer(path, _WHERE)
    try:
        numbers, version, prefix, folders = json.loads(answer)
        major, minor, patch = (int(one) for one in numbers)
        return Found(path, (major, minor, patch), str(version), Path(prefix), tuple(map(str, folders)))
    except (ValueError, TypeError) as error:
        said = f"it printed {answer!r:.80}" if answer else "it printed nothing"
        raise NotMeasured(f"{path} does not answer as a Python", said, "name an interpreter") from error


def read_content(found: Found, cache: Path, notify: Notify) -> Content:
    """Return what an environment holds: read once, and again only if a folder of it has changed.

    Args:
        found: its interpreter.
        cache: keeps what was read.
        notify: takes a line if it has to be read.
    """
    kept = cache / f"{_key(found)}.json"
    try:
        return msgspec.json.decode(read_plain(kept, _MAX_KEPT_BYTES), type=Content)
    except (OSError, ValueError, RecursionError):
        notify(f"reading what {found.prefix} holds (once; later runs know it)")
    content = parse_content(_answer(found.path, _WHAT), read_conda(found.prefix))
    try:
        cache.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(msgspec.json.encode(content))
        fresh.replace(kept)
    except OSError:
        pass  # it is read again the next time
    return content


def parse_content(text: str, conda: Mapping[str, str]) -> Content:
    """Return the content from an interpreter's answer and conda's list.

    Raises:
        NotMeasured: it is no answer.
    """
    try:
        data: dict[str, Any] = json.loads(text)
        torch, git = parse_torch(data["torch"]) if data["torch"] is not None else (None, None)
        packages, local = dict(sorted(data["packages"].items())), tuple(map(str, data["local"]))
        return Content(packages, dict(conda), torch, git, str(data["build"]), local)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotMeasured("the environment does not say what it holds", str(error)) from error


def read_conda(prefix: Path) -> dict[str, str]:
    """Return conda's packages with version and build, by name; none if it is no environment of conda's."""
    names = sorted(path.name for path in (prefix / "conda-meta").glob("*.json"))
    found = (_CONDA.fullmatch(name) for name in names)
    return {one["name"]: f"{one['version']} {one['build']}" for one in found if one}


def environment_of(found: Found, content: Content) -> Environment:
    """Return the environment as the record shows it: Python's packages, and those of conda that pip does not know."""
    known = {name.lower().replace("_", "-") for name in content.packages}
    native = {name: build for name, build in content.conda.items() if name.lower() not in known and name != "python"}
    packages = dict(sorted({**content.packages, **native}.items()))
    held = hashlib.sha256(json.dumps([packages, content.build], sort_keys=True).encode()).hexdigest()
    deciding = [libc(), found.version, content.torch, content.torch_git, held, diagnostics_sha256()]
    kind = "conda" if content.conda else "venv" if (found.prefix / "pyvenv.cfg").is_file() else "Python"
    note = f"an existing {kind} environment, as it is"
    if passed_on().get("LD_LIBRARY_PATH"):
        note += ", with a LD_LIBRARY_PATH of the user's"
    return Environment(
        python=found.version,
        torch=content.torch,
        lock_sha256=None,
        fingerprint=hashlib.sha256(json.dumps(deciding).encode()).hexdigest(),
        packages=packages,
        note=note,
    )


def _check(need: Need, found: Found, content: Content) -> None:
    """Refuse an environment that lacks what would run in it.

    Raises:
        NotMeasured: names what is missing, and how to get it.
    """
    if need.program is not None:
        return
    has = {name.lower() for name in content.packages}
    wanted = ["pytest", *(["torch"] if need.kind != "small" else [])]
    missing = [name for name in wanted if name not in has]
    if missing:
        pip = f"{found.path} -m pip install" if "pip" in has else f"uv pip install --python {found.path}"
        fix = f"install it there: {pip} {' '.join(missing)}"
        raise NotMeasured(f"{found.path} has no {' and no '.join(missing)}", fix=fix)


def _key(found: Found) -> str:
    """One hash of what is known of an environment without asking it: where it lies, and when its folders changed."""
    folders = [found.prefix / "conda-meta", *(Path(one) for one in found.folders if one)]
    dates = [(str(one), one.stat().st_mtime_ns) for one in folders if one.is_dir()]
    return hashlib.sha256(json.dumps([str(found.path), found.version, dates, _WHAT]).encode()).hexdigest()[:32]


def _answer(path: Path, question: str) -> str:
    try:
        done = subprocess.run(
            [str(path), "-c", question],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ASK_S,
            check=False,
            cwd="/",
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotMeasured(f"{path} does not start", str(error), "name an interpreter that works") from error
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise NotMeasured(f"{path} does not answer as a Python", said[:300], "name an interpreter that works")
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""
