"""Many machines, on engines that are there: one ``bench run`` for each, at the same time."""
