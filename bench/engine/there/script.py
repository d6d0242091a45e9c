"""What a helper container runs: it reads its machine when it is asked, and once a second, and holds no opinion.

It prints JSON lines: that it listens; a moment a second, and one at once for USR1; what the machine reports of itself
for USR2, in pieces; what a calibration printed for HUP. It ends with TERM, and when nobody has asked for long.
"""

from __future__ import annotations

import json

from bench.host.calibration import LONGEST_S
from bench.host.calibration import SCRIPT as LOADS
from bench.host.kernel_files import CLASS_FILES, STATE_FILES
from bench.host.monitor.monitor import INTERVAL_S, MOST_COST
from bench.host.monitor.readings import CPUINFO, FREQUENCIES, PRESSURES, THROTTLE_FILES
from bench.host.sensors import CPU_DRIVERS, CPU_ZONES
from bench.host.state import WINDOW_S

MOMENT, LOOK, CALIBRATE = "SIGUSR1", "SIGUSR2", "SIGHUP"
"""The signals that ask for something."""
READY, LOOKED, CALIBRATED = "ready", "looked", "calibrated"
"""The key of the line that ends each answer."""
BOOT = "/proc/sys/kernel/random/boot_id"
STAT, LOAD, VMSTAT = "/proc/stat", "/proc/loadavg", "/proc/vmstat"
SCRIPT = r"""
import glob, json, os, re, signal, subprocess, sys, tempfile, time
said, loads = json.loads(sys.argv[1]), sys.argv[2]
moment, look, calibrate, end = signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGTERM
asked = {moment, look, calibrate, end}
signal.pthread_sigmask(signal.SIG_BLOCK, asked)
def text_of(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 20).replace("\0", " ").strip()
    except OSError:
        return ""
def read(patterns):
    texts = {}
    for pattern, wanted in patterns:
        for path in sorted(glob.glob(pattern)):
            text = text_of(path)
            if text:
                texts[path] = "\n".join(re.findall(wanted, text, re.MULTILINE)) if wanted else text
    return texts
def near(pattern, fits, name):
    folders = [path.rsplit("/", 1)[0] for path in glob.glob(pattern) if fits(text_of(path))]
    return [path for folder in folders for path in glob.glob(folder + name)]
def say(**line):
    print(json.dumps(line), flush=True)
def tell(asked):
    texts = read(often + said["seldom"] if asked else often)
    say(at=time.time(), t_s=time.monotonic(), own_s=time.process_time(), asked=asked, texts=texts)
def tell_all():
    earlier = text_of("/proc/stat")
    time.sleep(said["window_s"])
    for path, text in read([(pattern, "") for pattern in said["all"]]).items():
        for at in range(0, len(text), said["piece"]):
            say(path=path, text=text[at : at + said["piece"]])
    say(looked=earlier.split("\n")[0])
def measure():
    try:
        with tempfile.TemporaryDirectory() as folder:
            with open(folder + "/loads.py", "w", encoding="utf-8") as file:
                file.write(loads)
            command = [sys.executable, "-I", "-S", "-B", folder + "/loads.py"]
            got = subprocess.run(command, capture_output=True, text=True, timeout=said["longest_s"],
                                 preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, asked))
        why = "# ended with %s: %s" % (got.returncode, got.stderr.strip()[-300:])
        text = got.stdout if got.returncode == 0 else why
    except (OSError, subprocess.SubprocessError) as error:
        text = "# %s" % error
    say(calibrated=text)
sensors = near("/sys/class/hwmon/hwmon*/name", lambda text: text in said["drivers"], "/temp*_input")
zones = re.compile(said["zones"], re.IGNORECASE)
sensors = sensors or near("/sys/class/thermal/thermal_zone*/type", zones.match, "/temp")
clocks = said["clocks"] if glob.glob(said["clocks"][0][0]) else said["cpuinfo"]
often = said["often"] + clocks + [(path, "") for path in sensors]
latest, taken, cost_s = time.monotonic(), 1, time.process_time()
say(ready=True)
while time.monotonic() - latest < said["lasts_s"]:
    spent_s = time.process_time() - cost_s
    got = signal.sigtimedwait(asked, max(said["interval_s"], spent_s / taken / said["most_cost"]))
    latest = time.monotonic() if got is not None else latest
    if got is None or got.si_signo == moment:
        tell(got is not None)
        taken += 1
    elif got.si_signo == end:
        break
    else:
        tell_all() if got.si_signo == look else measure()
        cost_s, taken = time.process_time(), 1
"""
_PIECE = 1 << 17
"""Characters of a line's text: lines are bounded."""


def arguments(lasts_s: float) -> tuple[str, str]:
    """Return the script's arguments: what it is told, as JSON, and the loads of a calibration.

    Args:
        lasts_s: seconds after the last question after which it ends.
    """
    told = {
        "often": [(STAT, "^cpu .*$"), (LOAD, ""), (PRESSURES, "^some .*$"), (VMSTAT, r"^pswp(?:in|out) \d+$")],
        "clocks": [(FREQUENCIES, "")],
        "cpuinfo": [(CPUINFO, r"^cpu MHz\s*: .*$")],
        "seldom": [(path, "") for path in THROTTLE_FILES],
        "all": [*dict.fromkeys((*CLASS_FILES, *STATE_FILES)), BOOT],
        "drivers": CPU_DRIVERS,
        "zones": CPU_ZONES.pattern,
        "interval_s": INTERVAL_S,
        "most_cost": MOST_COST,
        "window_s": WINDOW_S,
        "longest_s": LONGEST_S,
        "lasts_s": lasts_s,
        "piece": _PIECE,
    }
    return json.dumps(told), LOADS.read_text()
