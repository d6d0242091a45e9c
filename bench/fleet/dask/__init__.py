"""Legs over the workers of a Dask cluster: who is there, what runs, and what is lost."""
