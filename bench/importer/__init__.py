"""Import of what others wrote: pure parsers of older evidence, and the records that it adds up to."""

from bench.importer.convert import Given
from bench.importer.importer import Asked, import_tree

__all__ = ["Asked", "Given", "import_tree"]
