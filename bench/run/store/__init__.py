"""What a command keeps of its runs until their bundle is written, and what cannot be written."""
