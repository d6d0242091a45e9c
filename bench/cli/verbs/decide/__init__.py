"""The verbs that say whether results differ, and why."""
