"""A benchmark reproducer: runs a diagnostic in a pinned image, keeps the evidence, says why numbers differ."""

__version__ = "0.1.0"
