#!/bin/sh
# BusyBox 1.35.0 (Debian 12): `busybox time -v` prints a maximum resident set size that is four times too high.
# Why: it takes ru_maxrss for a number of pages and multiplies by the page size in kB; on Linux ru_maxrss is in kB already.
# The line looks like GNU time's, same words and "kbytes", and GNU time is right. Needs Debian 12 (apt-get download).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq 'busybox=1:1.35.0*' 2> apt.txt || { cat apt.txt; exit 2; }
dpkg -x busybox_*.deb unpacked
busybox=$(find unpacked -name busybox -type f -perm -u+x | head -1)
"$busybox" 2>&1 | head -1

cat > program.py <<'PY'
import resource

held = bytearray(64 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
PY
own=$("$busybox" time -v -o time.txt python3 program.py)
said=$(sed -n 's/.*Maximum resident set size (kbytes): //p' time.txt)
echo "expected: what getrusage gives the program itself, about $own kB"
echo "seen: $said kB"
page=$(($(getconf PAGESIZE) / 1024))
if ! { test "$said" -ge $((own * page)) &&
  test "$said" -le $((own * page * 5 / 4)); }; then
  echo "behaviour changed"
  exit 1
fi
