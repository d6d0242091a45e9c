"""What samples of numbers show: intervals, decisions, noise and power (pure)."""
