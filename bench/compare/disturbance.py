"""Whether a disturbed host lets a change be called, and what a call is then worth (pure)."""

from __future__ import annotations

from bench.compare import sample
from bench.record.schema import Record, Status


def undisturbed(status: Status, a: Record, b: Record, *, turns: bool) -> Status:
    """No change is called where the slower side alone ran on a disturbed host.

    Runs that took turns met the same host: there the quicker side is merely too short for a disturbance to be seen.
    """
    if turns or status not in ("code_regressed", "code_improved"):
        return status
    slower, faster = (b, a) if status == "code_regressed" else (a, b)
    disturbed = sample.disturbed_share(slower)
    return "host_noisy" if disturbed >= 0.5 and disturbed > sample.disturbed_share(faster) else status


def doubts(status: Status, a: Record, b: Record, *, turns: bool) -> list[str]:
    """What a reader should know before trusting a status: disturbed runs, and a source that did not change."""
    found = []
    shares = sample.disturbed_share(a), sample.disturbed_share(b)
    if max(shares) > 0:
        found.append(
            f"the host was disturbed in {shares[0]:.0%} of the reference's runs and in {shares[1]:.0%} of the result's"
        )
    called = status in ("code_regressed", "code_improved")
    if called and not turns and min(shares) >= 0.5:
        # A shared host is never quiet, and would never hear of a regression: it is told what the call is worth.
        found.append("a disturbance need not be the same on both sides, so a false alarm may be likelier than 1 %")
    one, two = a.diagnostic.source, b.diagnostic.source
    unchanged = one.sha256 is not None and one.sha256 == two.sha256
    if called and unchanged:
        found.append(
            "the recorded source is the same on both sides: look at what changed around it with 'bench explain'"
        )
    return found
