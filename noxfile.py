"""Everyday work as sessions: `nox -s grad_cpu` measures, `nox -s tests` checks. Arguments follow `--`."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "imports", "tests"]

MEASURED = ["grad_cpu", "grad_cuda", "bandwidth_cpu", "bandwidth_cuda", "dtype_cpu", "dtype_cuda", "selftest"]
SHARED = ["-n", str(len(os.sched_getaffinity(0)) + 1), "--dist", "worksteal"]
"""One worker more than CPUs, since some tests wait; one that has nothing left takes from one that has."""
UNIT = Path(__file__).parent / "tests" / "unit"
MEMORY = Path("/dev/shm")  # noqa: S108, a folder of our own is made there
ROOM = 2 * 1024**3
VERBS = ["doctor", "compare", "reproduce", "whatif", "ab", "bisect", "report"]


def install(session: nox.Session, lock: str) -> None:
    """Install one locked environment; bench itself runs from the checkout."""
    session.install("-q", "--require-hashes", "-r", f"requirements/{lock}.txt")


def bytecode(session: nox.Session) -> dict[str, str]:
    """Keep bytecode, outside the checkout: tests start hundreds of Pythons, and each would compile bench anew."""
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(Path(session.bin).parent / "bytecode")}


@contextlib.contextmanager
def surroundings(session: nox.Session) -> Iterator[dict[str, str]]:
    """Yield the environment of unit tests: bytecode is kept, and temporary files lie in memory if there is room.

    What they write is synced, file by file; on a disk that takes more of the system's time than all else together.
    """
    with contextlib.ExitStack() as stack:
        env = bytecode(session)
        if "TMPDIR" not in os.environ and takes_programs(MEMORY):
            folder = tempfile.TemporaryDirectory(prefix="bench-", dir=MEMORY, ignore_cleanup_errors=True)
            env["TMPDIR"] = stack.enter_context(folder)
        yield env


def takes_programs(folder: Path) -> bool:
    """Return whether a folder can be written to, has room, and lets programs in it be run."""
    try:
        state = os.statvfs(folder)
    except OSError:
        return False
    return os.access(folder, os.W_OK) and state.f_bavail * state.f_frsize > ROOM and not state.f_flag & os.ST_NOEXEC


def bench(session: nox.Session, *arguments: str) -> None:
    """Run the command line from the checkout; its exit code is nox's own, and Ctrl-C leaves it time."""
    install(session, "host")
    command = [str(Path(session.bin) / "python"), "-m", "bench", *arguments, *session.posargs]
    session.log(" ".join(["bench", *arguments, *session.posargs]))
    # What bench suggests next is called as this session calls it: nothing else may be on hand.
    called = shlex.join([os.path.relpath(command[0]), "-m", "bench"])
    with subprocess.Popen(command, env={"BENCH_CALLED": called, **os.environ}) as process:
        while process.poll() is None:
            with contextlib.suppress(KeyboardInterrupt):  # the command has it too
                process.wait()
    if process.returncode:
        sys.exit(process.returncode)


def measure(name: str) -> None:
    """Register the session that runs one diagnostic."""

    @nox.session(name=name, tags=["measure"])
    def session_(session: nox.Session) -> None:
        bench(session, "run", name)

    session_.__doc__ = f"Run the diagnostic {name} and keep its evidence in results/."


def verb(name: str) -> None:
    """Register the session that passes its arguments to one verb."""

    @nox.session(name=name)
    def session_(session: nox.Session) -> None:
        bench(session, name)

    session_.__doc__ = f"Run `bench {name}`."


for _name in MEASURED:
    measure(_name)
for _name in VERBS:
    verb(_name)


@nox.session
def base_image(session: nox.Session) -> None:
    """Make a base image with Python 3.13 from Debian's packages, for machines with no container registry."""
    install(session, "host")
    session.run("python", "-m", "bench.engine", "base", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Resolve requirements/*.in anew into hash-locked files."""
    install(session, "host")
    session.install("-q", "uv")
    session.run("python", "-m", "bench.engine", "lock", *session.posargs)


def timed_files() -> list[str]:
    """Return the files that hold a test which promises a time: to collect all others takes longer than these tests."""
    found = [path for path in UNIT.rglob("test_*.py") if "mark.timed" in path.read_text(encoding="utf-8")]
    return sorted(str(path.relative_to(UNIT.parents[1])) for path in found)


def unit_tests(session: nox.Session) -> None:
    """Run the unit tests that need no torch, or those named; what promises a time has the machine to itself.

    CPU time is the same beside others, but if lines are counted; so here what promises it is none of those.
    """
    pytest = ["python", "-m", "pytest"]
    if session.posargs:
        session.run(*pytest, *session.posargs)
        return
    without = "--ignore=tests/unit/diagnostics"
    with surroundings(session) as env:
        session.run(*pytest, *SHARED, "-m", "not timed or cpu_time", without, "tests/unit", env=env)
    # One of these counts what reaches a disk.
    session.run(*pytest, "-m", "timed and not cpu_time", without, *timed_files(), env=bytecode(session))


@nox.session
def unit(session: nox.Session) -> None:
    """Pass the unit tests that need no torch, which are all but those of the diagnostics: two minutes on two CPUs."""
    install(session, "unit")
    unit_tests(session)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """Pass the same tests with the lowest versions, and the lowest Python, that pyproject.toml promises."""
    install(session, "unit")
    session.install("-q", "uv")
    pins = str(Path(session.bin).parent / "lowest.txt")
    resolve = ["uv", "pip", "compile", "-q", "--resolution", "lowest-direct", "--python-version", "3.11"]
    session.run(*resolve, "pyproject.toml", "-o", pins)
    session.install("-q", "-r", pins)
    unit_tests(session)


@nox.session
def frames(session: nox.Session) -> None:
    """Pass the tests of the tables in Python with the libraries that bench does not bring: pyarrow, pandas, polars."""
    install(session, "unit")
    session.install("-q", ".[arrow,pandas,polars]")
    session.run("python", "-m", "pytest", "-q", "tests/unit/api/test_frames.py", *session.posargs)


@nox.session
def dist(session: nox.Session) -> None:
    """Build the wheel and the source distribution into dist/, and check them; `-- --tag vX.Y.Z` for a release."""
    install(session, "unit")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "hatchling", "build", "-d", "dist")
    session.run("python", "-m", "ci.dist", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Pass all tests, with a coverage floor of 90 %."""
    install(session, "tests")
    pytest = ["python", "-m", "pytest"]
    if session.posargs:
        session.run(*pytest, *session.posargs)
        return
    part = ["--cov", "--cov-report=", "--cov-fail-under=0"]
    with surroundings(session) as env:
        session.run(*pytest, *part, *SHARED, "-m", "not timed", "tests/unit", env=env)
    # What promises a time, and what uses an engine, has the machine to itself; counting lines would slow it by 3 in 4.
    session.run(*pytest, "-m", "timed", *timed_files(), env=bytecode(session))
    session.run(*pytest, "--cov", "--cov-append", "--cov-report=term:skip-covered", "tests/integration")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format, spelling and the workflows of CI."""
    install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")
    session.run("zizmor", "--offline", "--pedantic", "--no-progress", ".")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation as a site in .nox/docs/site; a link that leads nowhere ends it."""
    install(session, "docs")
    site = str(Path(session.bin).parent / "site")
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", site)
    session.log(f"written to {site}/index.html")


@nox.session
def types(session: nox.Session) -> None:
    """Check types strictly."""
    install(session, "unit")
    install(session, "lint")
    session.run("mypy")


@nox.session
def imports(session: nox.Session) -> None:
    """Check that imports point one way."""
    install(session, "host")
    install(session, "lint")
    session.run("lint-imports", "--no-cache")
