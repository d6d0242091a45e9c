"""Bundles on disk and in archives: written once, found, verified, carried elsewhere."""
