"""The machine: what it is, its state, who else uses it, how fast it is, and whether it is fit to measure on."""
