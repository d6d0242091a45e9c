"""The same diagnostic, image, limits and environment on this machine: what it takes, and what this host lacks."""
