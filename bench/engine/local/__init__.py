"""The local engine: runs on this host itself, in a control group of its own if it may make one."""
