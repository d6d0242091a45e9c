"""What is compared beside the figure that decides: the tests' own numbers, CPU time, memory, faults (pure)."""
