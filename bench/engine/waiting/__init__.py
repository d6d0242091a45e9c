"""Waiting: for another measurement to end, and for a tool that works without a word."""
