"""The verbs that decide whether results differ, and why."""
