"""A repository of many commits, made in one call of git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def git(root: Path, *words: str) -> str:
    """What git prints in a repository, with no settings of the machine's."""
    env = {"PATH": os.environ["PATH"], "HOME": str(root)}
    done = subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True, text=True, env=env)
    return done.stdout.strip()


def make_history(root: Path, commits: Sequence[Mapping[str, str]]) -> list[str]:
    """Make a repository whose commits each write some files, check out the newest, and return their hashes in order."""
    root.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main", ".")
    stream = ""
    for number, files in enumerate(commits):
        subject = f"change {number}"
        stream += "commit refs/heads/main\n"
        stream += f"committer a <a@example.org> {1_700_000_000 + number} +0000\ndata {len(subject)}\n{subject}\n"
        for name, text in files.items():
            stream += f"M 100644 inline {name}\ndata {len(text.encode())}\n{text}\n"
    env = {"PATH": os.environ["PATH"], "HOME": str(root)}
    command = ["git", "-C", str(root), "fast-import", "--quiet"]
    subprocess.run(command, input=stream, text=True, check=True, capture_output=True, env=env)
    git(root, "reset", "-q", "--hard", "main")
    return git(root, "rev-list", "--reverse", "main").split()
