"""What tests of several folders begin with. Nothing but tests imports it: ``from tests.support.records import record``."""
