"""Two small stand-ins for CI systems: they read the very files that GitHub and GitLab would and run each job's commands.

What is a command (``run:``, ``script:``) is executed as it stands, by bash in a fresh copy of the checkout. What is somebody
else's program (``uses:``: checkout, caches, artifacts) is played by a few lines here.
"""

from __future__ import annotations

import fnmatch
import itertools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
CHECKOUT = ("bench", "ci", "requirements", "Dockerfile", "Dockerfile.cuda", "pyproject.toml")


def load_yaml(path: Path) -> Any:
    """YAML 1.2, in which ``on`` is a word."""
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


def check_out(target: Path) -> Path:
    """A fresh copy of what the jobs need of the checkout."""
    target.mkdir(parents=True)
    for name in CHECKOUT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        elif source.exists():
            shutil.copy2(source, target / name)
    return target


def run_script(script: str, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A step as both systems run it: bash that ends at the first failure."""
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=cwd,
        env=dict(env),
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
        check=False,
    )


class Expressions:
    """Evaluates ``${{ … }}``: paths into contexts, strings, ``&& || ! == !=`` and the functions that our file uses."""

    _TOKEN = re.compile(r"'(?:[^']|'')*'|&&|\|\||!=|==|!|\(|\)|,|[A-Za-z_][\w.*-]*|\d+")

    def __init__(self, contexts: Mapping[str, Any], workspace: Path, *, cancelled: bool = False, failed: bool = False):
        self.contexts, self.workspace, self.cancelled, self.failed = contexts, workspace, cancelled, failed

    def text(self, value: Any) -> str:
        """A value of the file with its expressions filled in."""
        if isinstance(value, bool):
            return str(value).lower()
        return re.sub(
            r"\$\{\{(.*?)\}\}", lambda match: self._shown(self.evaluate(match[1])), str(value), flags=re.DOTALL
        )

    def value(self, value: Any) -> Any:
        """The same, but a lone expression keeps its type."""
        match = re.fullmatch(r"\s*\$\{\{(.*)\}\}\s*", value, re.DOTALL) if isinstance(value, str) else None
        return self.evaluate(match[1]) if match and "}}" not in match[1] else value

    def holds(self, condition: str | None) -> bool:
        """Whether a step or job with this ``if:`` runs; without a status function it runs only where all went well."""
        text = re.sub(r"^\s*\$\{\{(.*)\}\}\s*$", r"\1", str(condition or "success()"), flags=re.DOTALL)
        if not re.search(r"\b(always|cancelled|success|failure)\(", text) and self.failed:
            return False
        return bool(self.evaluate(text))

    def evaluate(self, text: str) -> Any:
        words = {"&&": " and ", "||": " or ", "!": " not ", "true": "True", "false": "False"}
        parts = []
        for token in self._TOKEN.findall(text):
            if token.startswith("'"):
                parts.append(repr(token[1:-1].replace("''", "'")))
            elif re.match(r"[A-Za-z_]", token) and token not in words:
                parts.append(f"fn_{token}" if re.search(rf"{re.escape(token)}\(", text) else f"get({token!r})")
            else:
                parts.append(words.get(token, token))
        functions = {
            "get": self._get,
            "fn_always": lambda: True,
            "fn_success": lambda: not self.failed,
            "fn_cancelled": lambda: self.cancelled,
            "fn_fromJSON": json.loads,
            "fn_format": lambda form, *values: form.format(*values),
            "fn_contains": lambda where, what: what in (where or ()),
            "fn_hashFiles": lambda *_: "0123abcd",
        }
        return eval("".join(parts), {"__builtins__": {}}, functions)

    def _get(self, path: str) -> Any:
        value: Any = self.contexts
        for number, part in enumerate(names := path.split(".")):
            if part == "*":
                return [item.get(names[number + 1]) for item in value or ()]
            value = value.get(part) if isinstance(value, Mapping) else None
        return "" if value is None else value

    @staticmethod
    def _shown(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass
class Job:
    """A job that ran: how it ended, and what each step said."""

    result: str
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class GitHub:
    """Plays GitHub for one workflow. ``caches`` outlive a run, as there; artifacts do not."""

    workflow: Path
    home: Path
    env: Mapping[str, str]
    host_env: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()
    caches: dict[str, Path] = field(default_factory=dict)
    summary: str = ""
    _number: Any = field(default_factory=lambda: itertools.count(1))

    def run(
        self, event_name: str, *, ref: str, event: Mapping[str, Any], inputs: Mapping[str, Any] | None = None
    ) -> dict[str, Job]:
        """One run of the workflow: job name (with its leg) to how it ended."""
        number = next(self._number)
        self._run = self.home / f"run-{number}"
        self._artifacts = self._run / "artifacts"
        self.summary = ""
        document = load_yaml(self.workflow)
        repository = {"default_branch": "main", "full_name": "owner/project"}
        github = {
            "event_name": event_name,
            "ref": ref,
            "run_id": str(1000 + number),
            "run_attempt": "1",
            "repository": "owner/project",
            "token": "job-token",
            "event": {"repository": repository, **event},
        }
        self._contexts: dict[str, Any] = {"github": github, "inputs": dict(inputs or {}), "runner": {"arch": "X64"}}
        jobs: dict[str, Job] = {}
        needs: dict[str, dict[str, Any]] = {}
        for name, job in document["jobs"].items():
            wanted = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
            of_needs = {need: needs[need] for need in wanted}
            contexts = self._contexts | {"needs": of_needs}
            blocked = any(need["result"] != "success" for need in of_needs.values())
            here = Expressions(contexts, self._run, failed=blocked)
            if not here.holds(job.get("if")):
                jobs[name] = Job("skipped")
            elif "strategy" in job:
                rows = here.value(job["strategy"]["matrix"])["include"]
                for row in rows:
                    jobs[f"{name} {row['leg']}"] = self._job(
                        document, job, contexts | {"matrix": row}, f"{name}-{row['leg']}"
                    )
                ended = [jobs[f"{name} {row['leg']}"].result for row in rows]
                jobs[name] = Job("success" if job.get("continue-on-error") or set(ended) == {"success"} else "failure")
            else:
                jobs[name] = self._job(document, job, contexts, name)
            needs[name] = {"result": jobs[name].result, "outputs": jobs[name].outputs}
        return jobs

    def would_run(self, name: str, event_name: str, event: Mapping[str, Any]) -> bool:
        """Whether a job's own condition lets it run at an event, all that it needs having succeeded."""
        condition = load_yaml(self.workflow)["jobs"][name].get("if")
        github = {"event_name": event_name, "repository": "owner/project", "event": event}
        needs = {need: {"result": "success"} for need in ("plan", "leg", "gather")}
        return Expressions({"github": github, "needs": needs}, self.home).holds(condition)

    def _job(self, document: Any, job: Any, contexts: Mapping[str, Any], name: str) -> Job:
        workspace = check_out(self._run / name)
        outputs_file, summary_file = self._run / f"{name}.outputs", self._run / f"{name}.summary"
        expressions = Expressions(contexts, workspace)
        env = dict(self.env) | {
            "GITHUB_OUTPUT": str(outputs_file),
            "GITHUB_STEP_SUMMARY": str(summary_file),
            "GITHUB_REPOSITORY": "owner/project",
            "GITHUB_SHA": "0" * 40,
        }
        for level in (document.get("env", {}), job.get("env", {})):
            env |= {key: expressions.text(value) for key, value in level.items()}
        runner = contexts.get("matrix", {}).get("runner", "")
        env |= self.host_env.get(runner, {})
        contexts = {**contexts, "env": env, "steps": {}}
        log, failed, after = [], False, []
        for step in job["steps"]:
            expressions = Expressions(contexts, workspace, failed=failed)
            if not expressions.holds(step.get("if")):
                continue
            step_env = env | {key: expressions.text(value) for key, value in step.get("env", {}).items()}
            if "uses" in step:
                inputs = {key: expressions.text(value) for key, value in step.get("with", {}).items()}
                later = self._use(step["uses"], inputs, workspace, contexts.get("matrix", {}).get("leg", ""))
                after += [later] if later else []
                continue
            done = run_script(step["run"], workspace, step_env)
            log.append(f"$ {step['run']}\n{done.stdout}{done.stderr}[{done.returncode}]\n")
            if done.returncode:
                failed = True
            elif "id" in step and outputs_file.exists():
                pairs = dict(line.split("=", 1) for line in outputs_file.read_text().splitlines())
                contexts["steps"] = {**contexts["steps"], step["id"]: {"outputs": pairs}}
        for later in after:
            later()
        self.summary += summary_file.read_text() if summary_file.exists() else ""
        expressions = Expressions(contexts, workspace)
        outputs = {key: expressions.text(value) for key, value in job.get("outputs", {}).items()}
        return Job("failure" if failed else "success", "".join(log), outputs)

    def _use(self, action: str, given: Mapping[str, str], workspace: Path, leg: str) -> Any:
        """Play one action; returns what is to be done at the job's end."""
        name, _, revision = action.partition("@")
        assert re.fullmatch(r"[0-9a-f]{40}", revision), f"{action} is not pinned by its commit"
        path = workspace / given.get("path", "")
        if name in ("actions/cache", "actions/cache/restore"):
            prefixes = [given["key"], *given.get("restore-keys", "").split()]
            hits = [key for prefix in prefixes for key in reversed(self.caches) if key.startswith(prefix)]
            if hits:
                shutil.copytree(self.caches[hits[0]], path, dirs_exist_ok=True)
        if name in ("actions/cache", "actions/cache/save"):
            return lambda: self._keep(given["key"], path)
        if name == "actions/upload-artifact" and leg not in self.lost and path.exists():
            shutil.copytree(path, self._artifacts / given["name"])
        if name == "actions/download-artifact":
            for artifact in sorted(self._artifacts.glob("*")):
                if "name" in given and artifact.name == given["name"]:
                    shutil.copytree(artifact, path, dirs_exist_ok=True)
                elif "pattern" in given and fnmatch.fnmatch(artifact.name, given["pattern"]):
                    shutil.copytree(artifact, path / artifact.name, dirs_exist_ok=True)
        return None

    def _keep(self, key: str, path: Path) -> None:
        if path.exists() and key not in self.caches:
            kept = self.home / "caches" / key
            shutil.copytree(path, kept)
            self.caches[key] = kept


@dataclass
class GitLab:
    """Plays GitLab: the jobs of a file in the order of their stages, as their rules, needs and variables say.

    A job has the artifacts of the jobs that it needs, else those of all earlier stages. Of a rule ``if`` and ``when:
    always`` are played, and variables are filled into the rows of a matrix by the caller.
    """

    file: Path
    home: Path
    env: Mapping[str, str]
    _number: Any = field(default_factory=lambda: itertools.count(1))

    def run(self, variables: Mapping[str, str], legs: list[Mapping[str, str]]) -> dict[str, Job]:
        """One pipeline. ``legs`` are the rows of the parallel matrix that are run."""
        home = self.home / f"pipeline-{next(self._number)}"
        document = load_yaml(self.file)
        artifacts: dict[str, list[tuple[Path, list[str]]]] = {}
        failed: set[str] = set()
        jobs: dict[str, Job] = {}
        for stage in document["stages"]:
            before = dict(artifacts)
            for name, own in document.items():
                if not isinstance(own, dict) or own.get("stage") != stage:
                    continue
                job = document.get(own.get("extends"), {}) | own
                when = self._when(job["rules"], variables)
                needs = job.get("needs", list(before))
                assert set(needs) <= set(document), f"{name} needs what is not there: {needs}"
                if when is None or (when != "always" and failed & set(needs)):
                    continue
                # What a pipeline is started with goes before the file's own, and a job's before those of all.
                base = self._variables(document) | self._variables(job)
                artifacts[name] = []
                for number, row in enumerate(legs if "parallel" in job else [{}]):
                    workspace = check_out(home / f"{name}-{number}")
                    for source, paths in (one for need in needs for one in before.get(need, [])):
                        copy_paths(source, workspace, paths)
                    env = dict(self.env) | base | dict(row) | dict(variables)
                    done = run_script("\n".join([*job["before_script"], *job["script"]]), workspace, env)
                    title = " ".join([name, *row.values()])
                    jobs[title] = Job("failed" if done.returncode else "success", done.stdout + done.stderr)
                    jobs[title].outputs["workspace"] = str(workspace)
                    artifacts[name].append((workspace, [path.rstrip("/") for path in job["artifacts"]["paths"]]))
                    if done.returncode and not job.get("allow_failure"):
                        failed.add(name)
        return jobs

    @staticmethod
    def _variables(job: Mapping[str, Any]) -> dict[str, str]:
        return {key: str(value) for key, value in job.get("variables", {}).items()}

    @staticmethod
    def _when(rules: list[Mapping[str, str]], variables: Mapping[str, str]) -> str | None:
        """When the first rule that holds lets the job run; ``None`` where none holds."""
        for rule in rules:
            left, right = re.fullmatch(r"\$(\w+) == (.+)", rule["if"]).groups()  # type: ignore[union-attr]
            wanted = right.strip('"') if right.startswith('"') else variables.get(right.removeprefix("$"))
            if variables.get(left) == wanted:
                return rule.get("when", "on_success")
        return None


def copy_paths(source: Path, target: Path, paths: list[str]) -> None:
    """Artifacts of one job laid over another's workspace."""
    for path in paths:
        if (source / path).is_dir():
            shutil.copytree(source / path, target / path, dirs_exist_ok=True)


def clean_environment(**more: str) -> dict[str, str]:
    """The environment of a job: this process's path and home, and nothing of the test's own."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "XDG_CACHE_HOME") if key in os.environ}
    return kept | more
