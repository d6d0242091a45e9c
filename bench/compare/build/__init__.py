"""What two results were built of, side by side."""
