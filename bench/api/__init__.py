"""What people use from Python: results are loaded, compared and measured. Each function is also one of ``bench``."""

from bench.api.comparing import Comparisons, compare
from bench.api.loading import load
from bench.api.results import Result, Results
from bench.api.running import run

__all__ = ["Comparisons", "Result", "Results", "compare", "load", "run"]
