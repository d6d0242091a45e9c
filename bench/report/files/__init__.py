"""The texts that lie beside the record in a bundle, for people."""
