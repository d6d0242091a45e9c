"""A machine that an engine is on and this command is not: looked at from a container there."""
