"""The commit that made a test slower, found by experiments against a good end."""
