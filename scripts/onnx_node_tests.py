#!/usr/bin/env python3
"""Runs the onnx package's own tests through maso: node cases and PyTorch-converted ones.

    python3 scripts/onnx_node_tests.py [--maso target/release/maso] [--verbose]

Installs onnx 1.21.0, the last version that ships its cases, into a scratch environment (.venv-onnx). Takes
every case whose operators maso reads and whose first input and some output are float32, and compares every
such output (--output) at which maso can stop. In node cases weights are graph inputs: all but the first are
bound as constants. Operators of data that maso must refuse are failures where it takes them. Prints passed,
failed, and skipped with the reason; exits with 1 if a case fails, or fewer than LEAST pass.
"""
import argparse
import collections
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGES = ["numpy==2.4.6", "onnx==1.21.0"]
OPERATORS = set("""
    Gemm MatMul Add Sub Mul Div Neg Sum Mean Conv ConvTranspose BatchNormalization AveragePool
    GlobalAveragePool ReduceMean ReduceSum ReduceProd Resize Upsample
    Relu LeakyRelu PRelu Abs Clip Max Min HardSigmoid MaxPool GlobalMaxPool ReduceMax ReduceMin Shrink
    ThresholdedRelu
    Flatten Reshape Transpose Squeeze Unsqueeze Concat Split Slice Gather GatherND Pad Expand Tile
    DepthToSpace SpaceToDepth Identity Dropout Cast CastLike
    Constant ConstantOfShape Shape Size Where Greater GreaterOrEqual Less LessOrEqual Equal Not And Or Xor
    Range Mod Sign Round Floor Ceil Sqrt Reciprocal Exp Log Sin Cos Tanh Pow
    Softplus Gelu Mish HardSwish Swish ReduceLogSumExp
""".split())
# Sigmoid is not on the list: at the end of a file, where its cases have it, it is a head, and left off.
LEAST = {"node": 345, "pytorch-converted": 65}

# What a single node of data must be refused as.
MUST_BE_REFUSED = {
    **dict.fromkeys("Sign Round Floor Ceil ThresholdedRelu".split(), "discontinuous"),
    **dict.fromkeys("Sqrt Reciprocal Exp Log Sin Cos Pow".split(), "smooth"),
}


def load(path, kind):
    import onnx
    message = kind()
    message.ParseFromString(path.read_bytes())
    return message


def bound(model, case):
    """Binds all inputs but the first as constants; that input's value, and the outputs' by name."""
    import onnx
    from onnx import numpy_helper
    given = {i.name for i in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in given]
    folder = case / "test_data_set_0"
    values = [load(folder / f"input_{index}.pb", onnx.TensorProto) for index in range(len(inputs))]
    for port, value in list(zip(inputs, values))[1:]:
        value.name = port.name
        model.graph.initializer.append(value)
    outputs = {port.name: numpy_helper.to_array(load(folder / f"output_{index}.pb", onnx.TensorProto))
               for index, port in enumerate(model.graph.output) if is_float(port)}
    return numpy_helper.to_array(values[0]), outputs


def is_float(port):
    from onnx import TensorProto
    return port.type.tensor_type.elem_type == TensorProto.FLOAT


def reason_to_skip(model):
    operators = {node.op_type for node in model.graph.node}
    if operators - OPERATORS:
        return f"operator {sorted(operators - OPERATORS)[0]}"
    if any(node.domain not in ("", "ai.onnx") for node in model.graph.node):
        return "another domain"
    if not model.graph.input:
        return "no input"
    ports = list(model.graph.input[:1]) + list(model.graph.output)
    if any(port.type.WhichOneof("value") != "tensor_type" for port in ports):
        return "not a tensor"
    if not is_float(model.graph.input[0]) or not any(map(is_float, model.graph.output)):
        return "not float32"
    return None


def run(maso, folder, case):
    """'passed', or 'failed: …', or 'skipped: …'."""
    import onnx
    model = load(case / "model.onnx", onnx.ModelProto)
    reason = ELSEWHERE.get(case.name) or reason_to_skip(model)
    if reason:
        return f"skipped: {reason}"
    x, outputs = bound(model, case)
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    results = [compare(maso, folder, x, name, expected) for name, expected in outputs.items()]
    if len(model.graph.node) == 1:
        wanted = MUST_BE_REFUSED.get(model.graph.node[0].op_type)
        if wanted and results[0] not in (f"skipped: {wanted}", f"skipped: {UNREAD}"):
            return f"failed: it must be refused as {wanted}: {results}"
    # One output that differs is a failure; one that compares is enough to pass.
    order = ["failed", "passed", "skipped"]
    return min(results, key=lambda result: order.index(result.split(":")[0]))


def compare(maso, folder, x, name, expected):
    """The result of one output."""
    import json
    import numpy as np
    if x.size == 0 or expected.size == 0:
        return "skipped: no elements"
    stop = ["--output", name]
    info = subprocess.run([maso, "info", folder / "m.onnx", "--json", *stop], capture_output=True, text=True)
    if info.returncode:
        return refusal(info.stderr)
    # The whole tensor may be one row.
    whole = json.loads(info.stdout)["rows"] == "none"
    np.save(folder / "x.npy", np.ascontiguousarray(x.reshape(1, *x.shape) if whole else x))
    ran = subprocess.run([maso, "forward", folder / "m.onnx", folder / "x.npy", "-o",
                          folder / "y.npy", "--quiet", *stop], capture_output=True, text=True)
    if ran.returncode:
        return f"failed: {ran.stderr.strip()}"
    y = np.load(folder / "y.npy")
    y = y[0] if whole else y
    if y.shape != expected.shape:
        return f"failed: {name} has shape {y.shape}, expected {expected.shape}"
    if not np.allclose(y, expected, rtol=1e-3, atol=1e-5):
        return f"failed: {name} differs by {np.abs(y - expected).max()}"
    return "passed"


UNREAD = "a constant of a type that is not read"
# Refusals that say why a case is not what maso is for; any other one is a failure.
REFUSALS = {
    "depend on the input is not piecewise affine": "a product of data",
    "further inputs that the output depends on": "two data inputs",
    "discontinuous": "discontinuous",
    "smooth, not piecewise affine": "smooth",
    "element type .* is not supported": UNREAD,
    "in training mode": "training mode",
    "is not a constant": "a parameter that is data",
    "not constant": "a parameter that is data",
    "mode \"cubic\" is not supported": "cubic interpolation",
    "antialias and exclude_outside are not supported": "antialiasing",
    "tf_crop_and_resize": "cropping to a region of interest",
}


# Cases that maso disagrees with on purpose.
ELSEWHERE = {
    "test_resize_downsample_scales_linear_align_corners":
        "computed with a fractional output length, unlike ONNX Runtime, PyTorch and the formula",
}


def refusal(message):
    import re
    for pattern, reason in REFUSALS.items():
        if re.search(pattern, message):
            return f"skipped: {reason}"
    return "failed: " + " ".join(message.split())


def inside(arguments):
    import onnx
    data = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data"
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for kind, least in LEAST.items():
            results = {case.name: run(arguments.maso, pathlib.Path(folder), case)
                       for case in sorted((data / kind).iterdir())
                       if (case / "model.onnx").exists()}
            count = collections.Counter(result.split(":")[0] for result in results.values())
            print(f"{kind}: {count['passed']} passed, {count['failed']} failed, "
                  f"{count['skipped']} skipped of {len(results)}")
            for name, result in results.items():
                if result.startswith("failed") or arguments.verbose:
                    print(f"  {name}: {result}")
            reasons = collections.Counter(
                result.split(": ", 1)[1] for result in results.values() if result.startswith("skipped"))
            known = {r: n for r, n in reasons.items() if not r.startswith("operator ")}
            known["an operator that is not on the list"] = count["skipped"] - sum(known.values())
            for reason, number in sorted(known.items(), key=lambda item: -item[1]):
                print(f"  skipped {number:4}: {reason}")
            others = collections.Counter(r.removeprefix("operator ") for r in reasons.elements()
                                         if r.startswith("operator "))
            commonest = ", ".join(f"{op} {number}" for op, number in others.most_common(10))
            print(f"  commonest of those operators: {commonest}")
            good &= count["failed"] == 0 and count["passed"] >= least
    sys.exit(0 if good else 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--maso", default=ROOT / "target" / "release" / "maso")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        inside(arguments)
    from scratch import in_scratch_environment
    in_scratch_environment(ROOT / ".venv-onnx", PACKAGES, __file__)


if __name__ == "__main__":
    main()
