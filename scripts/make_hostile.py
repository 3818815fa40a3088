#!/usr/bin/env python3
"""Makes testdata/hostile (files that are broken, or lie) with its README, and docs/errors.md: what maso
says to each of them. They are committed; run this to change them, with a maso that was just built.

    python3 -m venv .venv-fixtures && .venv-fixtures/bin/pip install numpy==2.4.6 onnx==1.23.2
    cargo build --release && .venv-fixtures/bin/python scripts/make_hostile.py
"""
import gzip
import io
import json
import os
import pathlib
import struct
import subprocess
import zipfile
import zlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "testdata" / "hostile"
MODEL = (ROOT / "testdata" / "models" / "moons_relu.onnx").read_bytes()
MOONS = "testdata/models/moons_relu.onnx"
# File, what it proves, and the command that a user would have typed (None: with another file's).
CATALOGUE = []


def put(section, name, content, proves, command=None):
    path = f"testdata/hostile/{name}"
    (OUT / name).write_bytes(content)
    if command is None:
        command = f"info {path}" if section == "Models" else f"codes {MOONS} {path} -o codes.npy"
    CATALOGUE.append((section, name, proves, command.replace("@", path) if command else ""))


def keep(section, name, proves, command=None):
    """A file that a fuzzer found: it is kept as it is."""
    put(section, name, (OUT / name).read_bytes(), proves, command)

# ------------------------------------------------------------------------------------------------- models


def model(nodes, tensors=(), inputs=(("x", ["n", 2]),), outputs=("y",), domains=()):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        list(nodes), "g", [value(n, TensorProto.FLOAT, s) for n, s in inputs],
        [value(n, TensorProto.FLOAT, None) for n in outputs], list(tensors))
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def tensor(name, dims, **fields):
    made = TensorProto(name=name, dims=dims, data_type=fields.pop("data_type", TensorProto.FLOAT))
    for key, value in fields.items():
        setattr(made, key, value)
    return made


def external(name, dims, location, offset=0, length=None):
    made = tensor(name, dims, data_location=TensorProto.EXTERNAL)
    entries = {"location": location, "offset": str(offset), **({"length": str(length)} if length else {})}
    for key, value in entries.items():
        made.external_data.add(key=key, value=value)
    return made


def gemm(weight, **more):
    return model([helper.make_node("Gemm", ["x", "w"], ["y"], "layer")], [weight], **more).SerializeToString()


def ints(name, *values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def floats(name, *shape, value=1.0):
    return numpy_helper.from_array(np.full(shape, value, np.float32), name)


def group(depth):
    """Protobuf groups, one in another."""
    return b"\x08\x08" + b"\x3b" * depth + b"\x3c" * depth


def models():
    def m(name, content, proves, command=None):
        content = content if isinstance(content, bytes) else content.SerializeToString()
        put("Models", name, content, proves, command)

    node = helper.make_node
    m("cut_off.onnx", MODEL[:len(MODEL) // 2], "a copy that was interrupted")
    flipped = bytearray(MODEL)
    flipped[MODEL.index(b"Gemm")] ^= 0x20
    m("bit_flip.onnx", bytes(flipped), "one bit of an operator's name")
    m("no_model.onnx", b"\x89HDF\r\n\x1a\n" + bytes(64), "an HDF5 file under another name")
    m("lfs_pointer.onnx", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a large file that was never fetched")
    m("empty.onnx", b"", "nothing at all")
    m("nested_groups.onnx", group(5000), "protobuf groups 5,000 deep: no recursion without a limit")
    m("claims_2_60_elements.onnx", gemm(tensor("w", [2**30, 2**30])), "a tensor that claims 2⁶⁰ elements: nothing is allocated for it")
    m("claims_2_31_elements.onnx", gemm(tensor("w", [2**15, 2**15], raw_data=b"\0" * 4)), "a tensor with 4 bytes that claims 4 GiB")
    m("overflowing_shape.onnx", gemm(tensor("w", [2**33, 2**33, 0])), "extents whose product overflows, hidden behind a 0")
    m("negative_extent.onnx", gemm(tensor("w", [-2, 3], raw_data=b"\0" * 24)), "a negative extent")
    m("rank_40.onnx", gemm(tensor("w", [1] * 40, raw_data=b"\0" * 4)), "a tensor of 40 axes")
    m("odd_bytes.onnx", gemm(tensor("w", [2, 1], raw_data=b"\0" * 7)), "raw data that are no whole numbers")
    m("float8.onnx", gemm(tensor("w", [2, 1], data_type=TensorProto.FLOAT8E4M3FN, raw_data=b"\0\0")), "weights of a type that is not read")
    m("nan_weight.onnx", gemm(floats("w", 2, 1, value=np.nan)), "a weight that is NaN")
    m("external_absolute.onnx", gemm(external("w", [2, 1], "/etc/passwd")), "external data by an absolute path")
    m("external_parent.onnx", gemm(external("w", [2, 1], "../README.md")), "external data outside of the model's folder")
    m("external_missing.onnx", gemm(external("w", [2, 1], "nowhere.data")), "external data that are not there")
    m("external_beyond.onnx", gemm(external("w", [2, 1], "eight_bytes.data", 4)), "external data beyond their file's end")
    m("external_wraps.onnx", gemm(external("w", [2, 1], "eight_bytes.data", 2**64 - 4)), "an offset that would wrap around")
    m("external_length.onnx", gemm(external("w", [2, 1], "eight_bytes.data", 0, 2**62)), "external data whose length is not the tensor's")
    overlap = [external("w", [2, 1], "eight_bytes.data"), external("b", [1], "eight_bytes.data", 4)]
    m("external_overlap.onnx", model([node("Gemm", ["x", "w", "b"], ["y"], "layer")], overlap),
      "two tensors over the same bytes of a side file: allowed, and both are read", "")
    over = [external(f"w{i}", [2], "eight_bytes.data") for i in range(5)]
    sums = [node("Add", ["x" if i == 0 else f"t{i}", f"w{i}"], ["y" if i == 4 else f"t{i + 1}"], f"sum{i}") for i in range(5)]
    m("external_repeated.onnx", model(sums, over), "five tensors that each are the whole of a side file: a small file that asks for a large memory")
    m("external_unused.onnx", model([node("Relu", ["x"], ["y"], "relu")], [external("spare", [2**20], "nowhere.data")]),
      "external data that are not there, of a tensor that nothing reads: allowed, and not looked for", "")
    m("external_folder.onnx", gemm(external("w", [2, 1], ".")), "external data that are no file (a pipe would be waited for)")
    put("Models", "eight_bytes.data", struct.pack("<2f", 1.0, -1.0), "the side file of the external_* models", "")
    m("cycle.onnx", model([node("Add", ["x", "b"], ["a"], "first"), node("Relu", ["a"], ["b"], "second"),
                           node("Relu", ["b"], ["y"], "last")]), "nodes that wait for one another")
    m("duplicate_name.onnx", model([node("Relu", ["x"], ["y"], "one"), node("Abs", ["x"], ["y"], "two")]), "two nodes that make one tensor")
    m("missing_initialiser.onnx", model([node("Gemm", ["x", "w"], ["y"], "layer")]), "a weight that is not in the file")
    m("unknown_domain.onnx", model([node("Fancy", ["x"], ["y"], "fancy", domain="com.example")], domains=["com.example"]), "an operator of somebody's own")
    m("no_output.onnx", model([node("Relu", ["x"], ["y"], "relu")], outputs=()), "a graph without outputs")
    m("no_opset.onnx", MODEL.replace(b"\x42\x04\x0a\x00\x10\x11", b"") if b"\x42\x04\x0a\x00\x10\x11" in MODEL
      else onnx.ModelProto(ir_version=8, graph=onnx.load_from_string(MODEL).graph).SerializeToString(), "a file that ends before its operator sets")
    m("two_inputs.onnx", model([node("Add", ["x", "z"], ["y"], "sum")], inputs=(("x", ["n", 2]), ("z", ["n", 2]))), "a model of two inputs")
    m("sign.onnx", model([node("Sign", ["x"], ["y"], "sign")]), "a discontinuous operator")
    m("product.onnx", model([node("Mul", ["x", "x"], ["y"], "square")]), "a product of two data tensors")
    m("softmax_inside.onnx", model([node("Softmax", ["x"], ["p"], "attention"), node("Relu", ["p"], ["y"], "relu")]), "a smooth operator in the middle")
    m("mixes_rows.onnx", model([node("Transpose", ["x"], ["t"], "turn"), node("Relu", ["t"], ["y"], "relu")]), "a model whose rows are not independent")
    m("symbolic_width.onnx", model([node("Relu", ["x"], ["y"], "relu")], inputs=(("x", ["n", "width"]),)), "an input without a fixed width")
    shapeless = model([node("Relu", ["x"], ["y"], "relu")])
    shapeless.graph.input[0].type.tensor_type.ClearField("shape")
    m("no_shape.onnx", shapeless, "an input whose shape the file does not give")
    for name, op, constant in [("expand_bomb", "Expand", ints("c", 1, 2**40)), ("tile_bomb", "Tile", ints("c", 1, 2**40)),
                               ("reshape_bomb", "Reshape", ints("c", 0, 2**62))]:
        m(f"{name}.onnx", model([node(op, ["x", "c"], ["y"], op.lower())], [constant], inputs=(("x", ["n", 1]),)), f"a few bytes that ask {op} for a giant tensor")
    m("constant_bomb.onnx", model([node("ConstantOfShape", ["c"], ["k"], "fill"), node("Add", ["x", "k"], ["y"], "sum")], [ints("c", 2**33)]), "a constant that would fill the memory")
    m("window_bomb.onnx", model([node("MaxPool", ["x"], ["y"], "pool", kernel_shape=[2**30, 2**30], pads=[2**29] * 4)], inputs=(("x", ["n", 1, 8, 8]),)), "a pool of a giant window")
    m("resize_bomb.onnx", model([node("Resize", ["x", "", "s"], ["y"], "resize")], [numpy_helper.from_array(np.array([1, 1e18], np.float32), "s")]), "a giant Resize")

# ---------------------------------------------------------------------------------- weights, architectures


def safetensors(header, body=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def weights():
    def w(name, content, proves, command):
        put("Weights and architectures", name, content, proves, command)

    f = lambda shape, a, b: {"dtype": "F32", "shape": shape, "data_offsets": [a, b]}
    w("header_lies.safetensors", struct.pack("<Q", 2**32 - 1) + b'{"a":1}', "a header that is longer than the file", "info @ --arch mlp:relu")
    w("overlap.safetensors", safetensors({"0.weight": f([2, 1], 0, 8), "0.bias": f([2], 4, 12)}, bytes(12)), "tensors that overlap", "info @ --arch mlp:relu")
    w("hole.safetensors", safetensors({"0.weight": f([2], 4, 12)}, bytes(12)), "bytes that belong to nothing", "info @ --arch mlp:relu")
    w("short.safetensors", safetensors({"0.weight": f([2, 1], 0, 8)}, bytes(4)), "a tensor that is cut off", "info @ --arch mlp:relu")
    w("shape_lies.safetensors", safetensors({"0.weight": f([2**31, 2**31], 0, 8)}, bytes(8)), "a shape beyond the tensor's bytes", "info @ --arch mlp:relu")
    w("deep_json.safetensors", safetensors(b"{\"a\":" + b"[" * 20000), "JSON 20,000 deep", "info @ --arch mlp:relu")
    w("float8.safetensors", safetensors({"0.weight": {"dtype": "F8_E4M3", "shape": [2, 1], "data_offsets": [0, 2]}}, bytes(2)), "weights of a type that is not read", "info @ --arch mlp:relu")
    good = "testdata/formats/moons.safetensors"
    w("unknown_layer.json", b'{"layers": [{"op": "Attention", "params": "0"}]}', "a layer that is not known", f"info {good} --arch @")
    w("misspelt.json", b'{"layers": [{"op": "Linear", "param": "0"}]}', "a field that is not known", f"info {good} --arch @")
    w("wrong_order.json", b'{"layers": [{"op": "Linear", "params": "2"}, {"op": "Linear", "params": "0"}]}', "layers that do not fit together", f"info {good} --arch @")
    w("no_such_tensor.json", b'{"layers": [{"op": "Linear", "params": "fc1"}]}', "a tensor that is not in the file", f"info {good} --arch @")
    square = io.BytesIO()
    np.savez(square, W0=np.eye(3, dtype=np.float32), b0=np.zeros(3, np.float32))
    def mlp(name, proves, stems, command="info @ --arch mlp:relu"):
        tensors, at = {}, 0
        for stem in stems:
            tensors[f"{stem}.weight"] = f([2, 2], at, at + 16)
            at += 16
        w(name, safetensors(tensors, struct.pack(f"<{at // 4}f", *range(at // 4))), proves, command)

    mlp("encoder_decoder.safetensors", "names that tell no order: alphabetical order would be the wrong one", ["encoder", "decoder"])
    mlp("two_families.safetensors", "one number for two layers of a kind", ["fc1", "linear1"])
    w("square.npz", square.getvalue(), "matrices that fit both ways round", "info @ --arch mlp:relu")

# --------------------------------------------------------------------------------------------------- data


def npy(descr="'<f4'", shape="(2, 2)", order="False", body=bytes(16), header=None, length=None, version=1):
    text = header or f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"
    length = len(text) if length is None else length
    size = struct.pack("<H" if version == 1 else "<I", length)
    return b"\x93NUMPY" + bytes([version, 0]) + size + text.encode() + body


def archive(members, method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, content in members.items():
            made.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, method)
    return out.getvalue()


def data():
    def d(name, content, proves, command=None):
        put("Data", name, content, proves, command)

    d("cut_off.npy", npy(body=bytes(9)), "an array that is cut off, or still being written")
    d("header_lies.npy", npy(length=60000), "a header that is longer than the file")
    d("long_header.npy", npy(length=2**32 - 1, version=2), "a header that claims 4 GiB")
    d("shape_overflows.npy", npy(shape="(4611686018427387904, 8)"), "a shape that overflows")
    d("shape_overflows_behind_0.npy", npy(shape="(0, 18446744073709551615, 9)"), "the same, hidden behind a 0")
    d("columns.npy", npy(), "--columns for an array", f"codes {MOONS} @ --columns 0 -o codes.npy")
    d("fortran.npy", npy(order="True"), "columns first")
    d("objects.npy", npy(descr="'|O'"), "pickled Python objects: nothing is unpickled")
    d("complex.npy", npy(descr="'<c8'"), "complex numbers")
    d("record.npy", npy(descr="[('a', '<f4'), ('b', '<f4')]"), "a record array")
    d("no_header.npy", npy(header="not a dictionary\n"), "a header that is none")
    d("no_rows.npy", npy(shape="(0, 2)", body=b""), "an array without rows")
    d("wrong_width.npy", npy(shape="(1, 3)"), "rows that do not fit the model")
    d("infinite.npy", npy(body=struct.pack("<4f", 0, 1, 2, np.inf)), "a number that is infinite")
    keep("Data", "npy_shorter_than_its_preamble.npy", "8 bytes with a version that needs 10 (found by fuzzing)")
    zeros = npy("'|u1'", f"({100 << 20},)", body=bytes(100 << 20))
    d("bomb.npz", archive({"x.npy": zeros}, zipfile.ZIP_DEFLATED), "100 KB that inflate to 100 MiB: refused before they do")
    lying = bytearray(archive({"x.npy": zeros}, zipfile.ZIP_DEFLATED))
    for at in (22, lying.rindex(b"PK\x01\x02") + 24):  # both places of the uncompressed size
        lying[at:at + 4] = struct.pack("<I", 100)
    d("bomb_that_lies.npz", bytes(lying), "the same, which claims to become 100 bytes")
    d("two_arrays.npz", archive({"x.npy": npy(), "y.npy": npy()}), "two arrays, and no word of which")
    d("no_arrays.npz", archive({"archive/data.pkl": b"\x80\x02}", "archive/data/0": bytes(16)}), "a PyTorch file: an archive without arrays")
    d("method.npz", archive({"x.npy": npy()}, zipfile.ZIP_BZIP2), "a compression that numpy does not write")
    d("cut_off.npz", archive({"x.npy": npy()})[:-30], "an archive without its directory")
    checksum = bytearray(archive({"x.npy": npy(body=bytes(range(16)))}, zipfile.ZIP_DEFLATED))
    checksum[checksum.index(b"x.npy") + 30] ^= 1
    d("damaged.npz", bytes(checksum), "one bit of a compressed array")
    keep("Data", "npz_member_shorter_than_its_preamble.npz", "an archive around such an array (found by fuzzing)", "info @ --arch mlp:relu")
    d("lies-idx3-ubyte", struct.pack(">HBB3I", 0, 8, 3, 60000, 28, 28) + bytes(784), "60,000 images of which one is there")
    d("overflows-idx255-ubyte", struct.pack(">HBB255I", 0, 0x0E, 255, *[2**32 - 1] * 255), "255 axes of 2³² − 1")
    d("cut_off-idx3-ubyte", struct.pack(">HBB", 0, 8, 3) + b"\0\0", "extents that are cut off")
    d("cut_off.gz", gzip.compress(struct.pack(">HBB2I", 0, 8, 2, 1, 2) + b"\1\2", mtime=0)[:-12], "a gzip file that is cut off")
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    d("bomb.gz", compressor.compress(bytes(100 << 20)) + compressor.flush(), "the same bomb as gzip")
    d("row_and_word.csv", b"5.1,3.5,setosa\n4.9,3.0,setosa\n", "a first line that is neither names nor a row")
    d("names_or_row.csv", b"label,0,1\n7,1,2\n8,3,4\n", "a first line that may be names or a row: names that are numbers", f"codes {MOONS} @ --columns 1.. -o codes.npy")
    d("same_name.csv", b"a,b,a\n1,2,3\n", "two columns of one name", f"codes {MOONS} @ --columns a,b -o codes.npy")
    d("array.csv", b"a,b\n1,2\n", "--array for a table", f"codes {MOONS} @ --array a -o codes.npy")
    d("missing_column.csv", b"a,b\n1,2\n", "a column by a number beyond the last", f"codes {MOONS} @ --columns 0,2 -o codes.npy")
    d("ragged.csv", b"1,2\n3,4\n5,6,7\n8,9\n", "a row of another length")
    d("words.csv", b"a,b\n1,2\n3,four\n5,6\n", "a cell that is no number")
    d("gap.csv", b"a,b\n1,2\n3,\n5,6\n", "a cell without a value")
    d("names_only.csv", b"a,b\n", "a table without rows")
    d("columns.csv", b"id,a,b\n7,1,2\n8,3,4\n", "a column by a wrong name", f"codes {MOONS} @ --columns a,c -o codes.npy")
    d("wide.csv", b"id,a,b\n7,1,2\n8,3,4\n", "a column too many")
    keep("Data", "parquet_negative_length.parquet", "a column of negative length (found by fuzzing)")
    keep("Data", "parquet_endless_list.parquet", "a page whose header has a list of 2³⁰ truths (found by fuzzing)")
    keep("Data", "parquet_page_bomb.parquet", "a page that claims 2³¹ values (found by fuzzing)")
    d("table.html", b"<html><table></table></html>\n", "an error page under a table's name")
    put("Labels", "fractions.csv", b"0.5\n1.0\n", "labels with fractions",
        f"census {MOONS} testdata/data/moons.npy --labels @")
    put("Labels", "few.npy", npy("'<i8'", "(2,)"), "labels for other rows", f"census {MOONS} testdata/data/moons.npy --labels @")

# ----------------------------------------------------------------------------------------------- documents


def write_readme():
    lines = ["# Hostile files", "",
             "Broken, cut off, or lying. Each must give an error that says what to do, or a right answer; none may",
             "make maso panic or take memory beyond its limits. Made by `scripts/make_hostile.py` (but for those that",
             "fuzzing found); `maso-io/tests/catalogue.rs` reads them all, and `docs/errors.md` has what is printed.", ""]
    for section in dict.fromkeys(entry[0] for entry in CATALOGUE):
        lines += [f"## {section}", "", "| file | what it is |", "| --- | --- |"]
        lines += [f"| `{name}` | {proves} |" for s, name, proves, _ in CATALOGUE if s == section]
        lines.append("")
    (OUT / "README.md").write_text("\n".join(lines))


def write_errors(maso):
    lines = ["# Errors", "",
             "What `maso` prints for each file of `testdata/hostile`: what is wrong, where, and what to do. A test runs",
             "these commands and compares; `scripts/make_hostile.py` writes this file.", ""]
    for section in dict.fromkeys(entry[0] for entry in CATALOGUE):
        lines += [f"## {section}", ""]
        for s, name, proves, command in CATALOGUE:
            if s != section or not command:
                continue
            run = subprocess.run([maso, *command.split()], cwd=ROOT, capture_output=True, text=True)
            said = run.stderr.strip() if run.returncode else f"NO ERROR: {run.stdout} {run.stderr}"
            lines += [f"**{name}**: {proves}", "", "```text", f"$ maso {command}", said, "```", ""]
    (ROOT / "docs" / "errors.md").write_text("\n".join(lines))


OUT.mkdir(exist_ok=True)
models()
weights()
data()
write_readme()
write_errors(pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "maso")
