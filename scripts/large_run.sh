#!/usr/bin/env bash
# A data set of 4 GB through `maso codes` and `maso census`: peak anonymous memory, what a killed run
# leaves, and a full disk. Not part of the gate: it needs 5 GB of disk and a few minutes.
#
#     cargo build --release && scripts/large_run.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:?a folder with 5 GB of space}
mkdir -p "$folder"
maso=target/release/maso
model=testdata/models/mnist_mlp.onnx

echo "making $folder/digits_4gb.npy"
python3 - "$folder/digits_4gb.npy" <<'PYTHON'
"""The 2,000 digits over and over: 5,360,000 rows of 784 bytes."""
import pathlib
import sys

source = pathlib.Path("testdata/data/mnist_test_x.npy").read_bytes()
start = 10 + int.from_bytes(source[8:10], "little")
digits, times = source[start:], 2680
header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({2000 * times}, 784), }}"
header += " " * (-(10 + len(header) + 1) % 64) + "\n"
with open(sys.argv[1], "wb") as out:
    out.write(b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header.encode())
    for _ in range(times):
        out.write(digits)
PYTHON
ls -l "$folder/digits_4gb.npy"

# Runs a command and prints the most anonymous memory it had.
watch() {
  "$@" > "$folder/out.txt" 2> "$folder/err.txt" &
  local pid=$! most=0 now
  while kill -0 $pid 2>/dev/null; do
    now=$(awk '/^RssAnon/ {print $2}' /proc/$pid/status 2>/dev/null || true)
    [ "${now:-0}" -gt $most ] && most=$now
    sleep 0.02
  done
  wait $pid && echo "peak anonymous memory: $((most / 1024)) MB: ${*:1:2}"
}

for access in "" --buffered; do
  watch $maso codes $model "$folder/digits_4gb.npy" --scale 1/255 -o "$folder/codes.npy" $access
  cat "$folder/err.txt"
  watch $maso census $model "$folder/digits_4gb.npy" --scale 1/255 $access
  sed -n 3p "$folder/out.txt"
done

for signal in INT TERM KILL; do
  rm -f "$folder/codes.npy"
  $maso codes $model "$folder/digits_4gb.npy" --scale 1/255 -o "$folder/codes.npy" 2> "$folder/err.txt" &
  sleep 3
  kill -$signal $!
  wait $! || true
  echo "after SIG$signal: $(cat "$folder/err.txt") $(ls "$folder" | grep -c '^codes' || true) files under the output's name"
done
rm -f "$folder"/.maso-*.part

echo "a full disk:"
$maso codes $model "$folder/digits_4gb.npy" --scale 1/255 -o /dev/full || true
if [ "$(id -u)" = 0 ] && mkdir -p "$folder/small" && mount -t tmpfs -o size=8m tmpfs "$folder/small"; then
  $maso codes $model "$folder/digits_4gb.npy" --scale 1/255 -o "$folder/small/codes.npy" || true
  echo "left there: $(ls -A "$folder/small" | wc -l) files"
  umount "$folder/small"
fi
rm -f "$folder/digits_4gb.npy" "$folder/codes.npy" "$folder/out.txt" "$folder/err.txt"
