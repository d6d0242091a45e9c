"""The verbs, a file each: what is asked is read, what was found is shown, and the exit code says how it ended."""
