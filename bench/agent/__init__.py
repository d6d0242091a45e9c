"""The supervisor: starts one command, follows it, ends it, and reads what it used from its control group.

Standard library only and importing nothing outside this folder, because the folder is put into images that are not
ours: ``PYTHON -I -S -B AGENTDIR/__main__.py SPEC``. No module here imports ``dataclasses`` or ``subprocess``: the
supervisor lives in the group that it measures, and its own memory (under 15 MB) is part of every reading.

What the figures mean:

- Counters (CPU, faults, throttling, bytes) are the group's growth from just before the child's start until everything
  that it left behind has been ended and reaped. ``supervisor.cpu_s`` of the result is our own share where
  ``supervisor.inside_group`` is true; it is not subtracted.
- ``memory.peak_bytes`` is the kernel's own peak and counts page cache. It is reset before the child's start where the
  kernel lets us (v1 as root; v2 from Linux 6.12 on with a writable group). Elsewhere, as in a container of ours, it is
  of the group's whole life, the supervisor and the runtime's start included: about 10 to 15 MB more than the child
  alone. A peak that was not exceeded after the child's start is ``None``.
- ``memory.anon_peak_bytes`` is the largest of the samples: a peak shorter than their distance may be missed.
- ``pids_peak`` counts threads as the kernel does; without a group of its own it counts processes.
- Context switches, ``max_rss_bytes`` and (on v1) bytes come from ``wait4`` over the whole tree, orphans included: only
  processes whose parent ignores SIGCHLD are missed, and a warning says so when it shows.
- When the main child ends, whatever still runs is given a quarter of a second, named in a warning, and killed. The wall
  time ends with the main child.
- A peak of swap exists on v2 from Linux 6.5 on. Every value that cannot be had is ``None`` with a reason.
"""
