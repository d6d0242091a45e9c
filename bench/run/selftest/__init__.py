"""The check weight: loads whose true cost is known, run in the real engine and read by the real supervisor.

A reading is held against the cost that the load itself reports (see ``bench/agent/loads``); ``docs/selftest.md`` lists
what each truth rests on and what the bounds are.
"""
