"""What numbers say: intervals, decisions, noise and power (pure)."""
