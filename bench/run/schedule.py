"""Which run comes when, and the one loop that makes them.

==================  =============================  ==============================  ======================
order               a run that cannot be started   a run that brings no figures    Ctrl-C
==================  =============================  ==============================  ======================
a plan repeated     is kept, and is the last       is kept, and is the last        ends the result
variants in turns   ends its variant; it is kept   is kept, and its variant goes   ends every variant's
                    if its variant has runs        on
checks one by one    is left out with its reason    is kept                         ends the result
==================  =============================  ==============================  ======================
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench.engine.interrupt import Interrupts
from bench.errors import BenchError, NotMeasured, UsageError
from bench.run.measurement import INTERRUPTED, Measurement
from bench.run.plan import Plan, check_capacity
from bench.run.result.reading import OneRun, never_ran
from bench.run.session import own_fault


@dataclass(frozen=True, slots=True)
class Turn:
    """A run that is due: of which result, and by which plan."""

    of: Measurement
    plan: Plan


class Order(ABC):
    """An order of runs, and what becomes of a result one of whose runs could not be had."""

    refusals: tuple[type[BenchError], ...] = (NotMeasured,)
    """What may keep one run from being started without ending the command."""
    outlives_faults = True
    """Whether a result that has runs is kept, not whole, if a run fails in a way that nobody foresaw."""

    def __init__(self, results: Iterable[Measurement]) -> None:
        self.results = tuple(results)

    @abstractmethod
    def turns(self) -> Iterator[Turn]:
        """Return the runs in their order."""

    def start(self, turn: Turn) -> OneRun:
        """Make a run and return it."""
        return turn.of.run(turn.plan)

    @abstractmethod
    def refused(self, turn: Turn, error: BenchError) -> None:
        """Note that a run could not be started."""

    def ended(self, turn: Turn, run: OneRun) -> None:
        """Keep a run that was started."""
        turn.of.runs.append(run)


class Repeated(Order):
    """A plan as often as it asks for, up to the first run that brings nothing."""

    def turns(self) -> Iterator[Turn]:
        """Return the plan's runs."""
        return (Turn(of, of.plan) for of in self.results for _ in range(of.plan.runs))

    def refused(self, turn: Turn, error: BenchError) -> None:
        """Keep it as a run that never ran, the last."""
        end_lost(turn.of, error)

    def ended(self, turn: Turn, run: OneRun) -> None:
        """Keep the run; it is the last if the engine was lost on the way."""
        super().ended(turn, run)
        if run.reading.run.outcome == "not_measured":
            turn.of.cut = f"run {run.reading.run.index} was not measured"


class Interleaved(Order):
    """Variants in turns, so that a drift of the host falls on all alike; one that is lost costs itself alone.

    Args:
        results: one a variant; ``None`` for a variant that cannot be measured, whose turns are passed over.
    """

    def __init__(self, results: Sequence[Measurement | None]) -> None:
        super().__init__(one for one in results if one is not None)
        self._places = tuple(results)

    def turns(self) -> Iterator[Turn]:
        """Return the runs of all variants, a cyclic Latin square."""
        for turn in latin_square(len(self._places), max(one.plan.runs for one in self.results)):
            for of in (self._places[position] for position in turn):
                if of is not None:
                    yield Turn(of, of.plan)

    def refused(self, turn: Turn, error: BenchError) -> None:
        """End the variant; what it has is kept, as a result that is not whole."""
        if turn.of.runs:
            end_lost(turn.of, error)
        turn.of.failure = error


class OneByOne(Order):
    """Several plans of one result, each once; one that cannot be started is left out, with its reason."""

    refusals = (NotMeasured, UsageError)
    outlives_faults = False  # a check that bench itself kept from being made must not pass for one that was left out

    def __init__(self, result: Measurement, plans: Sequence[Plan]) -> None:
        super().__init__((result,))
        self.left_out: list[tuple[Plan, BenchError]] = []
        self._plans = plans

    def turns(self) -> Iterator[Turn]:
        """Return one run a plan."""
        return (Turn(of, plan) for of in self.results for plan in self._plans)

    def start(self, turn: Turn) -> OneRun:
        """Make a run, if its limits can be given here."""
        check_capacity(turn.plan.task.limits, turn.of.session.engine.capacity())
        return super().start(turn)

    def refused(self, turn: Turn, error: BenchError) -> None:
        """Leave it out."""
        self.left_out.append((turn.plan, error))


def make_runs(order: Order) -> None:
    """Make the runs of an order, until somebody asks for the end; each result keeps its own, and why some are missing.

    Raises:
        Exception: what no order bears, such as a project that cannot be copied for the first run.
    """
    for turn in order.turns():
        if turn.of.over:
            continue
        try:
            stop_here(turn.of.interrupts)
            run = order.start(turn)
        except order.refusals as error:
            order.refused(turn, error)
            continue
        except KeyboardInterrupt:
            break
        except Exception as fault:
            if not (turn.of.runs and order.outlives_faults):
                raise
            order.refused(turn, fault if isinstance(fault, BenchError) else NotMeasured(own_fault(fault)))
            continue
        order.ended(turn, run)
        if run.reading.run.outcome == "interrupted":
            break
    else:
        return
    for one in order.results:
        one.cut = one.cut or was_interrupted(one.interrupts)


def end_lost(result: Measurement, error: BenchError) -> None:
    """End a result with a run that could not be started."""
    index = len(result.runs)
    result.failure, result.cut = error, f"run {index} was not measured"
    result.runs.append(never_ran(index, str(error)))


def latin_square(count: int, rounds: int) -> tuple[tuple[int, ...], ...]:
    """Return the positions of ``count`` variants for each round: A B C, C A B, B C A, … (a cyclic Latin square).

    In each block of ``count`` rounds every variant stands once in every place.
    """
    return tuple(tuple((place - shift) % count for place in range(count)) for shift in range(rounds))


def stop_here(interrupts: Interrupts) -> None:
    """Begin nothing more if somebody asked for the end.

    Raises:
        KeyboardInterrupt: somebody did.
    """
    if interrupts.count:
        raise KeyboardInterrupt


def was_interrupted(interrupts: Interrupts) -> str:
    """Return why there are no more runs. An interrupt that came in another way than as a signal is counted too."""
    if not interrupts.count:
        interrupts.add()
    return INTERRUPTED
