"""The check weight: loads whose true cost is known, run in the real engine and read by the real supervisor.

A reading is held against what the load itself says it cost (see ``bench/agent/loads``); ``docs/selftest.md`` says what
each truth rests on and what the bounds are.
"""
