"""From a folder of anything to texts: bounded reading, what a file is by its content, which files are one result."""
