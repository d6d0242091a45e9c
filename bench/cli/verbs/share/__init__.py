"""The verbs for evidence that goes from one machine to another."""
