"""The parts of a record, a file each; :mod:`bench.record.schema` puts them together and gives all their names."""
