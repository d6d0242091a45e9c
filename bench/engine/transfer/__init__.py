"""Files to and from a run: what goes in has a fixed owner, what comes out is data from elsewhere, and bounded."""
