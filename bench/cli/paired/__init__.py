"""What the verbs that run two sides in pairs have in common."""
