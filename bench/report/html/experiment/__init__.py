"""Both sides of an experiment, drawn by the figure that decided."""
