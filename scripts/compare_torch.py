#!/usr/bin/env python3
"""Compares maso's affine maps with PyTorch's autograd: the Jacobian of every test model at 16 rows, in f64.

    python3 scripts/compare_torch.py [--maso target/release/maso] [--python PYTHON] [--time MODEL.onnx]

Installs its packages into a scratch environment (.venv-torch, several GB) on first use; --python names an
interpreter that has torch, onnx and numpy already. Prints the largest difference for each model and exits with
1 if one is beyond 1e-5 of the largest entry. --time MODEL measures PyTorch's Jacobians of 2,000 digits in f32 on one
thread instead, by vmap(jacrev) and row by row, to set beside `maso-bench run linearize`.
"""
import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction

from compare_onnxruntime import MODELS, ROOT
from scratch import in_scratch_environment

PACKAGES = ["numpy==2.4.6", "onnx==1.23.2", "torch"]
TOLERANCE = 1e-5
ROWS = 16


def attributes(node):
    from onnx import helper
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def window(a, rank):
    """Stride, padding and dilation of a node; both sides of an axis are padded alike in the test models."""
    pads = a.get("pads", [0] * 2 * rank)
    assert pads[:rank] == pads[rank:], "the same padding on both sides"
    return a.get("strides", [1] * rank), pads[:rank], a.get("dilations", [1] * rank)


def gemm(a, x, w, b=None):
    w = w.T if a.get("transB") else w
    y = (x.T if a.get("transA") else x) @ w * a.get("alpha", 1.0)
    return y if b is None else y + b * a.get("beta", 1.0)


def conv(a, x, w, b=None):
    import torch
    stride, padding, dilation = window(a, w.dim() - 2)
    return torch.nn.functional.conv2d(x, w, b, stride, padding, dilation, a.get("group", 1))


def conv_transpose(a, x, w, b=None):
    import torch
    stride, padding, dilation = window(a, w.dim() - 2)
    extra = a.get("output_padding", [0] * (w.dim() - 2))
    return torch.nn.functional.conv_transpose2d(
        x, w, b, stride, padding, extra, a.get("group", 1), dilation)


def pool(of):
    def apply(a, x):
        import torch
        stride, padding, _ = window(a, len(a["kernel_shape"]))
        options = {"count_include_pad": bool(a.get("count_include_pad"))} if of == "avg" else {}
        function = getattr(torch.nn.functional, f"{of}_pool2d")
        return function(x, a["kernel_shape"], stride, padding, **options)
    return apply


def clip(a, x, low=None, high=None):
    import torch
    return torch.clamp(x, low if low is not None else None, high if high is not None else None)


def batch_norm(a, x, scale, shift, mean, variance):
    sides = [1, -1] + [1] * (x.dim() - 2)
    factor = scale / (variance + a.get("epsilon", 1e-5)) ** 0.5
    return x * factor.reshape(sides) + (shift - mean * factor).reshape(sides)


def largest(a, *xs):
    import torch
    y = xs[0]
    for x in xs[1:]:
        y = torch.maximum(y, x)
    return y


def operators():
    import torch
    flat = torch.nn.functional
    return {
        "Gemm": gemm, "Conv": conv, "ConvTranspose": conv_transpose, "MaxPool": pool("max"),
        "AveragePool": pool("avg"), "Clip": clip, "BatchNormalization": batch_norm, "Max": largest,
        "Relu": lambda a, x: flat.relu(x),
        "LeakyRelu": lambda a, x: flat.leaky_relu(x, a.get("alpha", 0.01)),
        "PRelu": lambda a, x, slope: torch.where(x > 0, x, x * slope),
        "Flatten": lambda a, x: x.reshape(x.shape[0], -1),
        "Add": lambda a, x, y: x + y,
        "Mod": lambda a, x, y: x % y,
        "Concat": lambda a, *xs: torch.cat(xs, a["axis"]),
        "GlobalAveragePool": lambda a, x: x.mean(dim=(2, 3), keepdim=True),
        "ReduceMean": lambda a, x, axes=None: x.mean(
            dim=[int(i) for i in (axes if axes is not None else a["axes"])],
            keepdim=bool(a.get("keepdims", 1))),
        "Shape": lambda a, x: torch.tensor(x.shape),
        "Slice": lambda a, x, start, end, *_: x[int(start):min(int(end), len(x))],
        "Reshape": lambda a, x, shape: x.reshape([
            int(n) if int(n) != 0 else x.shape[i] for i, n in enumerate(shape)]),
        "Constant": lambda a: constant(a["value"]),
    }


def constant(tensor):
    import torch
    from onnx import numpy_helper
    value = torch.tensor(numpy_helper.to_array(tensor).copy())
    return value.double() if value.is_floating_point() else value


def network(model, end, dtype):
    """The model up to tensor `end` as a function of one row."""
    table = operators()
    weights = {}
    for tensor in model.graph.initializer:
        value = constant(tensor)
        weights[tensor.name] = value.to(dtype) if value.is_floating_point() else value
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim][1:]

    def function(x):
        values = {**weights, model.graph.input[0].name: x.reshape(1, *shape)}
        for node in model.graph.node:
            inputs = [values[name] if name else None for name in node.input]
            values[node.output[0]] = table[node.op_type](attributes(node), *inputs)
            if node.output[0] == end:
                break
        return values[end].reshape(-1)
    return function


def compare(maso, folder, name, data, scale):
    import json
    import numpy as np
    import onnx
    import torch
    path = ROOT / "testdata" / "models" / f"{name}.onnx"
    if isinstance(data, str):
        rows = ROOT / "testdata" / "data" / data
        x = np.load(rows).astype(np.float64) * float(Fraction(scale or 1))
        x = x.astype(np.float32)[:ROWS]
    else:
        x = np.random.default_rng(7).standard_normal((ROWS, data)).astype(np.float32)
        rows = folder / "x.npy"
        np.save(rows, x)
    options = ["--scale", scale] if scale else []
    subprocess.check_call([maso, "affine", path, rows, "--rows", f"0..{ROWS}", "--quiet",
                           "-o", folder / "maps.npz", *options])
    info = json.loads(subprocess.check_output([maso, "info", path, "--json"]))
    function = network(onnx.load(path), info["output"]["name"], torch.float64)
    maps = np.load(folder / "maps.npz")
    worst = 0.0
    for row, matrix in zip(x.reshape(len(x), -1), maps["A"]):
        jacobian = torch.autograd.functional.jacobian(function, torch.tensor(row).double()).numpy()
        worst = max(worst, float(np.abs(jacobian - matrix).max() / np.abs(jacobian).max()))
    print(f"{name:22} {len(x):3} rows of {maps['A'].shape[1:]}: largest difference {worst:.1e} of the "
          "largest entry", flush=True)
    return worst <= TOLERANCE


def timed(path):
    import numpy as np
    import onnx
    import torch
    torch.set_num_threads(1)
    model = onnx.load(path)
    function = network(model, model.graph.output[0].name, torch.float32)
    digits = np.load(ROOT / "testdata" / "data" / "mnist_test_x.npy")
    x = torch.tensor(digits.reshape(len(digits), -1).astype(np.float32) / 255)
    batched = torch.func.vmap(torch.func.jacrev(function))

    def seconds(run, repeats):
        run()
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        return statistics.median(times)
    both = seconds(lambda: batched(x), 7)
    print(f"vmap(jacrev): {both:.3f} s for {len(x):,} rows, {len(x) / both:,.0f} rows/s", flush=True)
    few = x[:100]
    single = seconds(
        lambda: [torch.autograd.functional.jacobian(function, row) for row in few], 3)
    print(f"row by row: {len(few) / single:,.0f} rows/s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maso", default=ROOT / "target" / "release" / "maso", type=pathlib.Path)
    parser.add_argument("--python", help="an interpreter that has the packages")
    parser.add_argument("--time", metavar="MODEL", type=pathlib.Path)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.inside:
        if options.python:
            again = [options.python, __file__, "--inside", *sys.argv[1:]]
            sys.exit(subprocess.call(again))
        in_scratch_environment(ROOT / ".venv-torch", PACKAGES, __file__)
    if options.time:
        return timed(options.time)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        results = [compare(options.maso, folder, *model) for model in MODELS]
    print("all agree" if all(results) else "some differ")
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
