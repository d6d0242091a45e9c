"""From what came back of a run to its record and the files beside it."""
