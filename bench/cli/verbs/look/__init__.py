"""The verbs that show what there is."""
