#!/usr/bin/env python3
"""Makes testdata/formats: the same few rows and the same small networks in every format that is read.
They are committed; run this only to change them.

    python3 -m venv .venv-formats && .venv-formats/bin/pip install numpy==2.4.6 safetensors==0.8.0 pyarrow onnx==1.23.2
    .venv-formats/bin/python scripts/make_formats.py
"""
import gzip
import json
import pathlib
import struct

import numpy as np
import onnx
import pyarrow
import pyarrow.parquet
from onnx import numpy_helper
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent / "testdata"
OUT = ROOT / "formats"
ROWS = 20


def idx(array):
    codes = {np.dtype("u1"): 8, np.dtype("i2"): 0x0B, np.dtype("f4"): 0x0D}
    head = struct.pack(">HBB", 0, codes[array.dtype], array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def data():
    x = np.load(ROOT / "data" / "mnist_test_x.npy")[:ROWS].reshape(ROWS, 28, 28)
    y = np.load(ROOT / "data" / "mnist_test_y.npy")[:ROWS]
    np.save(OUT / "digits.npy", x)
    np.savez(OUT / "digits.npz", x=x, y=y)
    np.savez_compressed(OUT / "digits_compressed.npz", x=x, y=y)
    save_file({"x": x, "y": y.astype(np.int64)}, OUT / "digits.safetensors")
    (OUT / "digits-idx3-ubyte").write_bytes(idx(x))
    (OUT / "digits-idx3-ubyte.gz").write_bytes(gzip.compress(idx(x), mtime=0))
    (OUT / "labels-idx1-ubyte").write_bytes(idx(y.astype(np.uint8)))
    flat, names = x.reshape(ROWS, -1), [f"p{i}" for i in range(784)]
    table = np.column_stack([y, flat])
    np.savetxt(OUT / "digits.csv", table, fmt="%d", delimiter=",", header=",".join(["label", *names]), comments="")
    np.savetxt(OUT / "digits.txt", flat, fmt="%d")  # single spaces, no names
    moons = np.load(ROOT / "data" / "moons.npy")[:200].astype(np.float64)
    small = pyarrow.table({"a": moons[:, 0], "b": moons[:, 1].astype(np.float32), "name": ["moon"] * 200})
    pyarrow.parquet.write_table(small, OUT / "moons.parquet", compression="zstd")
    pyarrow.parquet.write_table(small, OUT / "moons_groups.parquet", compression="snappy", row_group_size=64)
    np.savetxt(OUT / "moons.csv", moons, delimiter=";", header="a;b", comments="# made by numpy\n")
    # Images of three channels, pixel after pixel and plane after plane.
    image = np.random.default_rng(1).integers(0, 256, (3, 6, 5, 3), dtype=np.uint8)
    np.save(OUT / "pixels_nhwc.npy", image)
    np.save(OUT / "pixels_nchw.npy", np.ascontiguousarray(image.transpose(0, 3, 1, 2)))


def models():
    """The weights of models/moons_relu and models/mnist_lenet without their graphs."""
    def tensors(name):
        graph = onnx.load(ROOT / "models" / f"{name}.onnx").graph
        return {i.name: numpy_helper.to_array(i) for i in graph.initializer if i.name.split(".")[0].isdigit()}
    moons = tensors("moons_relu")
    save_file(moons, OUT / "moons.safetensors")
    layers = sorted({int(name.split(".")[0]) for name in moons})
    pairs = [(moons[f"{i}.weight"], moons[f"{i}.bias"]) for i in layers]
    np.savez(OUT / "moons_weights.npz", **{f"W{i}": w for i, (w, _) in enumerate(pairs)},
             **{f"b{i}": b for i, (_, b) in enumerate(pairs)})
    transposed = {f"coefs_{i}": w.T for i, (w, _) in enumerate(pairs)}
    double = {f"intercepts_{i}": b.astype(np.float64) * (1 + 2.0**-40) for i, (_, b) in enumerate(pairs)}
    np.savez(OUT / "moons_double.npz", **{k: np.ascontiguousarray(v) for k, v in transposed.items()}, **double)
    save_file(tensors("mnist_lenet"), OUT / "lenet.safetensors")
    pool, relu = {"op": "MaxPool", "size": 2}, {"op": "Relu"}
    linear = lambda params: {"op": "Linear", "params": params}
    (OUT / "lenet.json").write_text(json.dumps({"input": [1, 28, 28], "layers": [
        {"op": "Conv", "params": "0", "padding": 2}, relu, pool,
        {"op": "Conv", "params": "3"}, relu, pool, {"op": "Flatten"},
        linear("7"), relu, linear("9"), relu, linear("11")]}, indent=1) + "\n")


OUT.mkdir(exist_ok=True)
data()
models()
