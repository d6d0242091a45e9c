"""Where the time of a result went, and why two results differ (pure)."""
