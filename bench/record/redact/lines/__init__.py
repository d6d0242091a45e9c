"""Lines of a text: what is known of one is known of all that are like it."""
