"""The installed completion in real shells, from the first TAB on."""

import contextlib
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import bench

ROOT = Path(bench.__file__).parents[1]


@pytest.fixture
def home(tmp_path):
    """A home of its own with the program on its path: the environment for a shell there."""
    program = tmp_path / "bin" / "bench"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nimport sys\nfrom bench.cli import main\nsys.exit(main())\n")
    program.chmod(0o755)
    known = {name: value for name, value in os.environ.items() if not name.startswith(("BENCH_", "XDG_", "ZDOTDIR"))}
    path = f"{program.parent}:{os.environ['PATH']}"
    return {**known, "HOME": str(tmp_path), "PATH": path, "PYTHONPATH": str(ROOT), "TERM": "dumb", "PS1": "$ "}


def install(shell, home):
    command = [shell, "-c", "bench --install-completion; true"]
    done = subprocess.run(command, env=home, capture_output=True, text=True, check=False)
    assert "completion installed" in done.stdout, done.stderr


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
def test_fish(home):
    install("fish", home)
    command = ["fish", "-c", "complete -C 'bench run grad_'"]
    done = subprocess.run(command, env=home, capture_output=True, text=True, check=False)
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["grad_cpu", "grad_cuda"], done.stderr


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
def test_the_first_tab_of_a_zsh(home):
    install("zsh", home)
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(home["HOME"])
        os.execvpe("zsh", ["zsh", "-i"], home)
    try:
        os.write(terminal, b"echo rea''dy\n")
        read_until(terminal, b"ready")
        os.write(terminal, b"bench run grad_cp\t")
        read_until(terminal, b"grad_cpu")
    finally:
        os.kill(process, 9)
        os.waitpid(process, 0)
        os.close(terminal)


def read_until(terminal, wanted, patience_s=90.0):
    said, until = b"", time.monotonic() + patience_s
    while wanted not in said and time.monotonic() < until:
        if select.select([terminal], [], [], 1.0)[0]:
            with contextlib.suppress(OSError):
                said += os.read(terminal, 65536)
    assert wanted in said, said.decode(errors="replace")


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
def test_the_script_may_be_read_by_a_start_up_file(home):
    script = "autoload -Uz compinit; compinit -u; source <(bench --show-completion); echo $_comps[bench]"
    done = subprocess.run(["zsh", "-f", "-c", script], env=home, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("_bench_completion\n", "")
