"""From evidence to a result: its name, how it ended, its bundle, and the row that shows what came of its folder."""
