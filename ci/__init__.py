"""The steps of a continuous-integration matrix, as programs that any system can run (see docs/ci.md)."""
