"""The supervisor: starts one command, follows it, ends it, and reads what it used from its control group.

Standard library only and importing nothing outside this folder, because the folder is put into images that are not
ours: ``PYTHON -I -S -B AGENTDIR/__main__.py SPEC``. No module here imports ``dataclasses`` or ``subprocess``: the
supervisor lives in the group that it measures, and its own memory (under 15 MB) is part of every reading.
"""
