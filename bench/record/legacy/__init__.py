"""Import of older evidence folders: pure parsers of their files, and the record that they add up to."""

from bench.record.legacy.importer import Imported, import_folder

__all__ = ["Imported", "import_folder"]
