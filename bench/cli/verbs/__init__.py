"""The verbs, a file each, sorted by what people do with them."""
