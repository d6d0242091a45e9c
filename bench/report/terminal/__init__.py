"""What a person sees in the terminal, as rich renderables; nothing here prints."""
