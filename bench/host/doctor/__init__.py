"""The doctor: whether a host is fit to measure on, each line with its fix."""
