"""Results of one diagnostic over time: which of them are one series, and where its level changed."""
