#!/usr/bin/env bash
# Fuzzes the readers: `fuzz/run.sh SECONDS [TARGET…]`, two targets at a time (or JOBS of them). Needs cargo-fuzz
# (`cargo install cargo-fuzz`); runs on stable Rust, without a sanitizer. A crash is left in
# fuzz/artifacts/TARGET, and becomes a file of testdata/hostile with a line in its README.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?how many seconds for each target}
shift
all=(onnx npy npz safetensors idx csv gzip parquet weights architecture)
targets=("$@")
[ $# -gt 0 ] || targets=("${all[@]}")

# Seeds: small files of each kind.
seed() { mkdir -p "fuzz/corpus/$1" && cp "${@:2}" "fuzz/corpus/$1/"; }
formats=testdata/formats
seed onnx testdata/models/{tiny_*,moons_relu}.onnx testdata/exported/{mlp_*,maxout*,adaptive*,sklearn_*}.onnx testdata/hostile/{no_shape,external_*}.onnx
seed npy $formats/pixels_*.npy testdata/data/moons_labels.npy
seed npz $formats/{digits_compressed,moons_weights}.npz
seed safetensors $formats/moons.safetensors
seed idx $formats/labels-idx1-ubyte
seed csv $formats/moons.csv testdata/hostile/*.csv
seed gzip $formats/digits-idx3-ubyte.gz
seed parquet $formats/moons*.parquet
seed weights $formats/moons.safetensors $formats/moons_{weights,double}.npz testdata/hostile/{encoder_decoder,two_families}.safetensors
seed architecture $formats/lenet.json

cargo fuzz build -s none
printf '%s\n' "${targets[@]}" | xargs -P "${JOBS:-2}" -I TARGET sh -c \
  "cargo fuzz run -s none TARGET -- -max_total_time=$seconds -rss_limit_mb=2048 -timeout=20 \
     -max_len=65536 -print_final_stats=1 > fuzz/TARGET.log 2>&1 \
   && echo 'TARGET: no finding' || echo 'TARGET: FINDING, see fuzz/TARGET.log'"
