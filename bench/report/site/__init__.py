"""A folder of static pages: an index, a page a diagnostic, and a feed of what changed."""
