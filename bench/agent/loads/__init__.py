"""Check weights: loads whose true cost is known, to hold a reading against.

``PYTHON AGENTDIR/loads NAME [key=value …]`` (or ``python -m bench.agent.loads``) does the work and prints one line of
JSON: what it cost, by its own clock (``CLOCK_PROCESS_CPUTIME_ID``), by the kernel's accounting of the process
(getrusage(2)), or by construction. Keys are those of a reading where there is one. Standard library only, as all of
the agent.
"""
