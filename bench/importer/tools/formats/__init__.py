"""One file a tool: how its output is recognised by content, and what it holds (pure)."""
