"""What runs while an image is built, in the base's own Python: standard library only, as `python3 -m inside.<step>`."""
