"""Where a test's code comes from: which files a run copies, and what tells this code from other code."""
