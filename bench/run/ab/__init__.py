"""Two sides of a question in pairs of random order, until the pairs decide."""
