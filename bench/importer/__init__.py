"""What others wrote, as records: pure parsers of older evidence and the record that it adds up to."""

from bench.importer.importer import Imported, import_folder

__all__ = ["Imported", "import_folder"]
