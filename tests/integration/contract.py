"""The files of a bundle and the fixed keys of a record, to hold real results against."""

from __future__ import annotations


def _names(text: str) -> list[str]:
    return text.split()


FILES = _names(
    "record.json summary.md MANIFEST.sha256 env/env.txt env/torch_env.txt env/disk_usage.txt env/system_load.txt "
    "logs/pytest.log artifacts/commands.txt artifacts/time.txt artifacts/pytest.junit.xml artifacts/exit_code.txt "
    "artifacts/samples.csv analysis/grad_cpu_time.txt analysis/timeout_decision.md"
)
KEYS = _names(
    "schema id stamp outcome unavailable diagnostic.name diagnostic.node diagnostic.device diagnostic.profile "
    "diagnostic.ceiling_s diagnostic.timeout_s diagnostic.source.kind diagnostic.source.commit "
    "diagnostic.source.dirty diagnostic.source.sha256 diagnostic.params image.name image.digest image.base "
    "image.lock_sha256 image.fingerprint image.python image.torch engine.name engine.version "
    "engine.cgroup_version engine.security engine.limits.cpus engine.limits.cpuset engine.limits.memory_bytes "
    "engine.limits.pids engine.limits.threads host.id host.class.cpu_model host.class.cpu_stepping "
    "host.class.microcode host.class.cores host.class.threads host.class.numa_nodes host.class.memory_bytes "
    "host.class.kernel host.class.virtualization host.class.gpu host.class.driver host.before.load "
    "host.before.governor host.before.boost host.before.frequency_hz host.before.temperature_c host.before.thp "
    "host.before.swap_used_bytes host.after.load calibration.before calibration.after verdict.status "
    "verdict.reasons verdict.ceiling_margin_s verdict.baseline"
)
RUN_KEYS = _names(
    "index outcome exit_code signal started_at wall_s effective_timeout_s cpu.user_s cpu.system_s cpu.total_s "
    "cpu.periods cpu.throttled_periods cpu.throttled_s cpu.pressure_some_s cpu.pressure_full_s memory.peak_bytes "
    "memory.anon_peak_bytes memory.max_rss_bytes memory.swap_peak_bytes memory.limit_bytes memory.oom_kills "
    "memory.pressure_some_s faults.minor faults.major context_switches.voluntary context_switches.involuntary "
    "io.read_bytes io.write_bytes pids_peak tests metrics gpu warnings"
)
