"""The images that diagnostics run in: locks, building, what they are made of, and a base without a registry."""
