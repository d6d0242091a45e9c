"""Whether two results asked for the same work: counts, not times, and no statistics."""
