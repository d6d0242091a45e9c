"""The verb ``report``: one page, Markdown, JSON, JUnit and the formats of other tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options
from bench.cli.app import app
from bench.cli.console import Console, notify, print_json
from bench.cli.inputs import bundles_named, entry_of
from bench.errors import ExitCode, UsageError
from bench.record.disk import write_atomically
from bench.report.document import report_document
from bench.report.entry import Entry, timeline_entries
from bench.report.export_gha import render_github_action_benchmark
from bench.report.export_junit import render_junit
from bench.report.export_pyperf import render_pyperf
from bench.report.html.page import render_page
from bench.report.markdown import render_markdown
from bench.report.terminal.results import results_table

Target = Annotated[Path | None, typer.Option(metavar="FILE")]
