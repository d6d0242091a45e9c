"""What other tools write, read as results: each benchmark a diagnostic, each process a run, each sample kept."""
