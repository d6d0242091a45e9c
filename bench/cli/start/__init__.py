"""The start of a command: what is looked after, and what is read, before a verb is."""
