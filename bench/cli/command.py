"""The one place where a command ends: errors become one line and an exit code."""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import re
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from bench.cli import output
from bench.cli.app import USAGE_FAILURE, command
from bench.cli.output import Console, complain, print_json
from bench.cli.start.startup import COMPLETING
from bench.errors import BenchError, DamagedData, ExitCode, Interrupted, NotMeasured, UsageError
from bench.report.text import without_passwords


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; SIGTERM and SIGHUP are the command's own while it runs.

    While a process that is this command and nothing else (no ``arguments``) takes itself down, they and Ctrl-C mean
    nothing any more: all that is left is to end with that code.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _terminate)
    try:
        return _run(arguments)
    except KeyboardInterrupt:  # between the lines below
        return int(ExitCode.INTERRUPTED)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if arguments is None:
            atexit.register(_ignore_signals)


def _run(arguments: Sequence[str] | None) -> int:
    Console.quiet = Console.answered = False
    failure = Failure("--json" in (sys.argv[1:] if arguments is None else arguments))
    output.replace_missing()
    streams = sys.stdout, sys.stderr
    for one in streams:
        if isinstance(one, io.TextIOWrapper):
            one.reconfigure(errors="replace")  # a terminal without our signs shows "?" for them
    try:
        words = list(arguments) if arguments is not None else None
        code = command()(args=words, standalone_mode=False, prog_name="bench")
        output.out().flush()
    except BenchError as error:
        return failure(error.exit_code, error)
    except RecursionError:  # text of a record or of a test's facts; honest ones are a few levels deep
        deep = DamagedData("data is nested more deeply than in any result", fix="fetch it again from its source")
        return failure(ExitCode.DAMAGED, deep)
    except (BrokenPipeError, SystemExit) as error:  # typer makes the one of the other, and wraps the streams
        sys.stdout, sys.stderr = streams
        if isinstance(error, SystemExit) and (COMPLETING in os.environ or not isinstance(error.__context__, OSError)):
            return int(error.code or 0)  # what a shell is given about its TAB, or is shown of completion
        if output.has_reader(sys.stdout):
            what = "a connection broke that was none of standard output, nothing was decided"
            return failure(ExitCode.NOT_MEASURED, NotMeasured(what, fix="try again"))
        output.silence(sys.stdout)  # a reader that has seen enough of the help
        return int(ExitCode.OK)
    except USAGE_FAILURE as error:
        return failure(ExitCode.USAGE, _in_our_words(error))
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        refused = NotMeasured(
            f"the system refused{where}", error.strerror or str(error), "free what it names, or mend its rights"
        )
        return failure(ExitCode.NOT_MEASURED, refused)
    except Exception as error:
        # Python's own status for this is 1, which here would mean that something regressed.
        import traceback

        with contextlib.suppress(OSError):
            traceback.print_exc()
        what = f"a fault of bench itself ({type(error).__name__})"
        fix = "report the lines above; what a run had measured by then is kept, and the next command finishes it"
        return failure(ExitCode.NOT_MEASURED, NotMeasured(what, fix=fix))
    if code == ExitCode.INTERRUPTED:  # typer makes this code of a KeyboardInterrupt
        return failure(ExitCode.INTERRUPTED, Interrupted("interrupted"))
    return int(code or 0)


def _in_our_words(error: Exception) -> UsageError | None:
    """What typer says of a command line, and what to do; ``None`` if it has nothing to say."""
    text = getattr(error, "format_message", error.__str__)().rstrip(".")
    context = getattr(error, "ctx", None)  # of the verb, if it got that far
    fix = f"see '{getattr(context, 'command_path', 'bench')} --help'"
    more = re.fullmatch(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", text, re.DOTALL)
    if more is not None:
        return UsageError(f"too many arguments: {more[1]}", fix=f"leave out what is too many; {fix}")
    example = re.search(
        r"^ *Example: (.+)$", getattr(getattr(context, "command", None), "help", None) or "", re.MULTILINE
    )
    if example is not None and text.startswith("Missing "):
        return UsageError(f"{text}, as in: {example[1]}", fix=fix)
    return UsageError(text, fix=fix) if text else None


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _terminate(_number: int, _frame: object) -> None:
    """A polite end from outside is handled as Ctrl-C: evidence kept, nothing left running."""
    raise KeyboardInterrupt


@dataclass(frozen=True, slots=True)
class Failure:
    """Reports what failed. ``json``: whether standard output was promised one JSON document."""

    json: bool

    def __call__(self, code: ExitCode, error: BenchError | None) -> int:
        """Report it, unless there is nothing to report; returns ``code`` as a command ends with it."""
        if error is not None:
            complain(str(error))
            if self.json and not Console.answered:
                self._answer(code, error)
        return int(code)

    def _answer(self, code: ExitCode, error: BenchError) -> None:
        parts = {"what": error.what, "cause": error.cause, "fix": error.fix}
        said = {name: without_passwords(part) or None for name, part in parts.items()}
        try:
            print_json({"error": said, "exit_code": int(code)})
            output.out().flush()
        except OSError:  # the line above was printed, and the code is the failure's
            output.silence(sys.stdout)
