import os
import signal
import threading

import pytest

from bench.engine.interrupt import Interrupts


def test_signals_are_counted_and_the_handlers_given_back():
    before = signal.getsignal(signal.SIGINT)
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupts.count == 2
    assert signal.getsignal(signal.SIGINT) is before


def test_the_third_one_raises():
    with Interrupts():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            os.kill(os.getpid(), signal.SIGHUP)
            assert interrupts.count == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_outside_of_the_main_thread_only_what_is_added_counts():
    counts = []

    def work():
        with Interrupts() as interrupts:
            interrupts.add()
            counts.append(interrupts.count)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert counts == [1]


def test_a_hold_within_another_shares_its_count():
    with Interrupts() as outer:
        os.kill(os.getpid(), signal.SIGINT)
        with Interrupts() as inner:
            assert inner.count == 1
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)  # the second of its own: it raises nothing
            assert inner.count == 3
        assert outer.count == 3


def test_work_that_may_be_given_up_breaks_at_the_first_and_once():
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt), interrupts.breaking():
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.count == 2
