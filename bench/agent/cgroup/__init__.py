"""Control groups, version 1 and 2, read from inside."""
