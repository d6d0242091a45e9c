"""An image that is not ours as a place: taken by its digest, read without running it, our own Python brought in."""
