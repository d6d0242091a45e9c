"""Places of this host that are there already and stay as they are: its own programs, a person's environment."""
