"""What the terminal shows of what was checked: the host, the readings, the files of a bundle."""
