#!/usr/bin/env python3
"""Compares maso with ONNX Runtime: outputs and region codes of the test models, softened and hardened files, and single
operators over many attributes.

    python3 scripts/compare_onnxruntime.py [--maso target/release/maso]

Installs its own packages into a scratch environment (.venv-compare) on first use. Prints the largest
difference of each model; exits with 1 if one is beyond 1e-4 of the largest output, or if a bit differs
where the pre-activation is farther than 1e-4 * (1 + max |z|) from its knot.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
from fractions import Fraction

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGES = ["numpy==2.4.6", "onnx==1.23.2", "onnxruntime==1.32.0"]
TOLERANCE = 1e-4
# Models with their data and scale; those that take codes (decoders) get random rows.
MODELS = [
    ("mnist_mlp", "mnist_test_x.npy", "1/255"),
    ("mnist_mlp_bn", "mnist_test_x.npy", "1/255"),
    ("mnist_mlp_leaky", "mnist_test_x.npy", "1/255"),
    ("mnist_mlp_relu6", "mnist_test_x.npy", "1/255"),
    ("mnist_mlp_hardtanh", "mnist_test_x.npy", "1/255"),
    ("mnist_mlp_prelu", "mnist_test_x.npy", "1/255"),
    ("mnist_maxout", "mnist_test_x.npy", "1/255"),
    ("mnist_lenet", "mnist_test_x.npy", "1/255"),
    ("mnist_lenet_dynamo", "mnist_test_x.npy", "1/255"),
    ("mnist_convbn_avg", "mnist_test_x.npy", "1/255"),
    ("mnist_resnet", "mnist_test_x.npy", "1/255"),
    ("mnist_resnet_dynamo", "mnist_test_x.npy", "1/255"),
    ("mnist_decoder", 2, None),
    ("mnist_dcgan_decoder", 8, None),
    ("moons_relu", "moons.npy", None),
    ("tiny_branches", 60, None),
    ("tiny_external", 2, None),
]


def run(maso, *arguments):
    return subprocess.check_output([maso, *map(str, arguments), "--quiet"], text=True)


def unpack(codes, layer):
    """Each unit's piece, from the bits of a layer."""
    import numpy as np
    bits = np.unpackbits(codes.view(np.uint8), axis=1, bitorder="little")
    bits = bits[:, layer["first_bit"]:layer["first_bit"] + layer["bits"]]
    width = layer["bits"] // layer["units"]
    bits = bits.reshape(len(codes), layer["units"], width)
    return (bits.astype(np.int64) << np.arange(width)).sum(axis=2)


def pre_activations(node, constants):
    """The data tensors that decide a node's pieces; none for pools, whose values alone are compared."""
    if node.op_type in ("Relu", "LeakyRelu", "PRelu", "Abs", "Clip"):
        return [node.input[0]]
    if node.op_type == "Max":
        return [name for name in node.input if name not in constants]
    return []


def pieces(node, constants, values, far):
    """Each unit's piece, and where it is clear of every knot."""
    import numpy as np
    if node.op_type == "Max":
        values = iter(values)
        both = [constants[name] if name in constants else next(values) for name in node.input]
        first, second = np.broadcast_arrays(*both)
        return second > first, np.abs(second - first) > far
    knots = [constants[n] for n in node.input[1:3]] if node.op_type == "Clip" else [0.0]
    above = sum((values[0] > knot).astype(np.int64) for knot in knots)
    return above, np.all([np.abs(values[0] - knot) > far for knot in knots], axis=0)


def session(model):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    text = model.SerializeToString() if hasattr(model, "SerializeToString") else str(model)
    return onnxruntime.InferenceSession(text, options, providers=["CPUExecutionProvider"])


def compare_model(maso, folder, name, data, scale):
    """Outputs and bits of one model on all rows of its data."""
    import numpy as np
    import onnx
    from onnx import helper, numpy_helper
    path = ROOT / "testdata" / "models" / f"{name}.onnx"
    model = onnx.load(path)
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim][1:]
    if isinstance(data, str):
        rows = ROOT / "testdata" / "data" / data
        x = np.load(rows).astype(np.float64) * float(Fraction(scale or 1))
        x = x.astype(np.float32)
    else:
        x = np.random.default_rng(7).standard_normal((2000, data)).astype(np.float32)
        rows = folder / "x.npy"
        np.save(rows, x)
    options = ["--scale", scale] if scale else []
    run(maso, "forward", path, rows, "-o", folder / "y.npy", *options)
    run(maso, "codes", path, rows, "-o", folder / "c.npy", *options)
    info = json.loads(subprocess.check_output([maso, "info", path, "--json"]))

    constants = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    end = info["output"]["name"]
    layers = {layer["name"]: layer for layer in info["layers"]}
    watched = [n for n in model.graph.node if n.name in layers and pre_activations(n, constants)]
    names = list(dict.fromkeys([z for n in watched for z in pre_activations(n, constants)] + [end]))
    del model.graph.output[:]
    model.graph.output.extend(helper.make_empty_tensor_value_info(n) for n in names)
    feed = {model.graph.input[0].name: x.reshape(len(x), *shape)}
    found = dict(zip(names, session(model).run(names, feed)))

    y = np.load(folder / "y.npy")
    difference = float(np.abs(y - found[end]).max())
    relative = difference / float(np.abs(found[end]).max())
    codes = np.load(folder / "c.npy")
    compared = skipped = wrong = 0
    for node in watched:
        values = [found[z].reshape(len(x), -1) for z in pre_activations(node, constants)]
        far = TOLERANCE * (1 + max(float(np.abs(z).max()) for z in values))
        expected, clear = pieces(node, constants, values, far)
        wrong += int(((unpack(codes, layers[node.name]) != expected) & clear).sum())
        compared += int(clear.sum())
        skipped += int((~clear).sum())
    print(f"{name:22} {len(x):5} rows  max difference {difference:.2e} ({relative:.1e} relative)  "
          f"{compared:11,} pieces compared, {wrong} differ, {skipped:,} too near a knot")
    return relative <= TOLERANCE and wrong == 0


def operator_cases():
    """(name, input shape, nodes, constants, operator set): single operators over many attributes, and
    groups as exporters write them."""
    import numpy as np
    from onnx import helper
    rng = np.random.default_rng(3)
    cases = []

    def weight(*shape):
        return rng.standard_normal(shape).astype(np.float32)

    def case(name, shape, op, constants=(), opset=18, **attributes):
        names = [f"w{i}" for i in range(len(constants))]
        node = helper.make_node(op, ["x", *names], ["y"], **attributes)
        cases.append((name, shape, [node], dict(zip(names, constants)), opset))

    def group(name, shape, constants, *nodes, opset=18):
        """Nodes as (operator, inputs, output, attributes)."""
        nodes = [helper.make_node(op, inputs.split(), [output], **attributes)
                 for op, inputs, output, attributes in nodes]
        cases.append((name, shape, nodes, constants, opset))

    for kernel in ([3, 3], [2, 4], [1, 1]):
        for strides in ([1, 1], [2, 1], [3, 2]):
            for dilations in ([1, 1], [2, 1]):
                case(f"Conv {kernel} {strides} {dilations}", [3, 9, 11], "Conv",
                     [weight(5, 3, *kernel), weight(5)], pads=[1, 0, 2, 1], strides=strides,
                     dilations=dilations)
    case("Conv grouped", [6, 7, 7], "Conv", [weight(9, 2, 3, 3), weight(9)], group=3)
    case("Conv depthwise", [6, 7, 7], "Conv", [weight(6, 1, 3, 3)], group=6, pads=[1] * 4)
    case("Conv 1-D", [4, 21], "Conv", [weight(6, 4, 5), weight(6)], strides=[2], pads=[2, 1])
    case("Conv 3-D", [2, 4, 5, 6], "Conv", [weight(3, 2, 2, 3, 2), weight(3)])
    for auto in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        case(f"Conv {auto}", [2, 8, 9], "Conv", [weight(4, 2, 3, 4)], auto_pad=auto, strides=[2, 3])
        case(f"MaxPool {auto}", [2, 8, 9], "MaxPool", kernel_shape=[3, 2], auto_pad=auto,
             strides=[2, 2])
    for strides in ([1, 1], [2, 2], [3, 2]):
        for extra in ([0, 0], [0, 1]):
            if extra[1] < strides[1]:
                case(f"ConvTranspose {strides} {extra}", [4, 5, 6], "ConvTranspose",
                     [weight(4, 3, 3, 4), weight(3)], strides=strides, pads=[1, 0, 1, 2],
                     output_padding=extra)
    case("ConvTranspose grouped", [6, 4, 4], "ConvTranspose", [weight(6, 2, 3, 3)], group=3)
    case("ConvTranspose dilated", [2, 4, 4], "ConvTranspose", [weight(2, 3, 2, 2)],
         dilations=[2, 3])
    for ceil in (0, 1):
        for include in (0, 1):
            case(f"AveragePool ceil {ceil} include {include}", [3, 8, 9], "AveragePool",
                 kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1], ceil_mode=ceil,
                 count_include_pad=include)
        case(f"MaxPool ceil {ceil}", [3, 8, 9], "MaxPool", kernel_shape=[3, 3], strides=[2, 2],
             pads=[1, 1, 0, 0], ceil_mode=ceil)
    case("MaxPool dilated", [2, 9, 9], "MaxPool", kernel_shape=[2, 3], dilations=[3, 2])
    case("GlobalMaxPool", [3, 5, 7], "GlobalMaxPool")
    case("GlobalAveragePool", [3, 5, 7], "GlobalAveragePool")
    for axes, keep in (([1], 1), ([2, 3], 0), ([-1], 1), ([1, 3], 0)):
        case(f"ReduceMean {axes} {keep}", [3, 4, 5], "ReduceMean", [np.array(axes)], keepdims=keep)
    case("Gemm alpha beta", [6], "Gemm", [weight(6, 4), weight(4)], alpha=0.5, beta=-2.0)
    case("Gemm transB", [6], "Gemm", [weight(4, 6), weight(1)], transB=1)
    case("MatMul batched", [3, 6], "MatMul", [weight(6, 4)])
    for op in ("Add", "Sub", "Mul", "Div"):
        case(f"{op} channel", [3, 4, 5], op, [weight(3, 1, 1)])
        case(f"{op} row", [3, 4, 5], op, [weight(5)])
        case(f"{op} middle", [3, 4, 5], op, [weight(1, 3, 1, 5)])
    case("Max constant", [3, 4], "Max", [weight(3, 1), weight(4)])
    case("Min constant", [3, 4], "Min", [weight(3, 1)])
    case("PRelu channel", [3, 4, 5], "PRelu", [weight(3, 1, 1)])
    case("PRelu full", [3, 4], "PRelu", [weight(3, 4)])
    case("HardSigmoid", [7], "HardSigmoid", alpha=0.7, beta=0.1)
    case("BatchNormalization", [3, 4, 5], "BatchNormalization",
         [weight(3), weight(3), weight(3), np.abs(weight(3)) + 0.1])
    case("Transpose", [3, 4, 5], "Transpose", perm=[0, 3, 1, 2])
    case("Slice", [6, 7], "Slice", [np.array([5, 1]), np.array([-7, 6]), np.array([1, 2]),
                                    np.array([-2, 3])])
    case("Gather", [6, 7], "Gather", [np.array([[0, -1], [2, 2]])], axis=1)
    case("Unsqueeze", [3, 4], "Unsqueeze", [np.array([1, -1])])
    for op in ("ReduceSum", "ReduceMax", "ReduceMin"):
        for axes, keep in (([1], 1), ([2, 3], 0), ([-1, 1], 0)):
            case(f"{op} {axes} {keep}", [3, 4, 5], op, [np.array(axes)], keepdims=keep)
    case("Mean", [3, 4], "Mean", [weight(3, 1), weight(4)])
    case("Gemm full bias", [6], "Gemm", [weight(6, 4), weight(1, 4)], beta=0.5)
    case("MatMul vector", [3, 6], "MatMul", [weight(6)])
    for mode in ("constant", "edge", "reflect", "wrap"):
        case(f"Pad {mode}", [3, 4, 5], "Pad", [np.array([0, 1, 2, 0, 0, 0, 1, 3])], mode=mode)
    case("Pad value", [3, 4], "Pad", [np.array([0, 1, -1, 0, 0, 2]), np.array(0.5, np.float32)])
    case("Expand", [3, 1], "Expand", [np.array([1, 3, 4])])
    case("Tile", [3, 2], "Tile", [np.array([1, 2, 3])])
    for mode in ("DCR", "CRD"):
        case(f"DepthToSpace {mode}", [8, 2, 3], "DepthToSpace", blocksize=2, mode=mode)
    case("SpaceToDepth", [2, 4, 6], "SpaceToDepth", blocksize=2)
    for transform in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"):
        for nearest in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
            for scales in ([1, 1, 2, 2], [1, 1, 0.6, 1.5]):
                case(f"Resize {transform} {nearest} {scales}", [2, 5, 7], "Resize",
                     [np.zeros(0, np.float32), np.array(scales, np.float32)], mode="nearest",
                     coordinate_transformation_mode=transform, nearest_mode=nearest)
        for scales in ([1, 1, 2, 2], [1, 1, 0.6, 1.5], [1, 1, 1, 3]):
            case(f"Resize linear {transform} {scales}", [2, 5, 7], "Resize",
                 [np.zeros(0, np.float32), np.array(scales, np.float32)], mode="linear",
                 coordinate_transformation_mode=transform)
    for auto in ("SAME_UPPER", "SAME_LOWER"):
        case(f"ConvTranspose {auto}", [2, 4, 5], "ConvTranspose", [weight(2, 3, 3, 4)],
             auto_pad=auto, strides=[2, 3])
    case("ConvTranspose output_shape", [2, 4, 5], "ConvTranspose", [weight(2, 3, 3, 4)],
         output_shape=[9, 14], strides=[2, 3])
    split = helper.make_node("Split", ["x", "sizes"], ["a", "b"], axis=1)
    joined = helper.make_node("Concat", ["b", "a"], ["y"], axis=1)
    cases.append(("Split", [5, 3], [split, joined], {"sizes": np.array([2, 3])}, 18))
    for shape in ([4, 6], [6], [1, 2, 4, 6]):
        rows = [2, 6, 3] if len(shape) == 4 else [6, 3]
        group(f"MatMul left {shape}", rows, {"w": weight(*shape)}, ("MatMul", "w x", "y", {}))
    group("Gemm with a branch", [4], {"w": weight(4, 4)}, ("Relu", "x", "r", {}),
          ("Gemm", "x w r", "y", {"alpha": 0.5, "beta": -2.0}))
    for scales in ([1, 1, 0.6, 0.6], [1, 1, 0.6, 1.7], [1, 1, 2, 2.5]):
        for mode in ("nearest", "linear"):
            case(f"Resize 10 {mode} {scales}", [2, 5, 7], "Resize", [np.array(scales, np.float32)],
                 opset=10, mode=mode)
    numbers = {"zero": np.array([0]), "two": np.array([2]), "four": np.array([4]),
               "plane": np.array([8, 9]), "k": np.array(2, np.float32), "none": np.zeros(0, np.float32)}
    batch = [("Shape", "x", "s", {}), ("Slice", "s zero two zero", "b", {})]
    end = [("Concat", "b plane", "sizes", {"axis": 0}),
           ("Resize", "x none none sizes", "y", {"mode": "linear"})]
    scaled = [("Slice", "s two four zero", "p", {}), ("Cast", "p", "f", {"to": 1}), ("Mul", "f k", "g", {}),
              ("Floor", "g", "h", {}), ("Cast", "h", "plane", {"to": 7})]
    for opset in (11, 13, 18):
        group(f"Resize to sizes with the batch, {opset}", [2, 5, 7], numbers, *batch, *end, opset=opset)
        rest = {name: number for name, number in numbers.items() if name != "plane"}
        group(f"Resize by a factor, {opset}", [2, 5, 7], rest, *batch, *scaled, *end, opset=opset)
    for op in ("Sqrt", "Reciprocal", "Exp", "Log", "Tanh", "Sigmoid", "Sign", "Round", "Floor", "Ceil"):
        group(f"{op} of a constant", [5], {"w": np.abs(weight(5)) + 0.1}, (op, "w", "c", {}),
              ("Add", "x c", "y", {}))
    for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd"):
        group(f"{op} of a constant", [5], {"w": weight(5, 3), "a": np.array([1])},
              (op, "w a" if op == "ReduceSum" else "w", "c",
               {"keepdims": 0, **({} if op == "ReduceSum" else {"axes": [1]})}),
              ("Add", "x c", "y", {}), opset=13)
    group("Conv of a constant", [1, 4], {"w": weight(1, 2, 6), "k": weight(1, 2, 3)},
          ("Conv", "w k", "c", {}), ("Add", "x c", "y", {}))
    group("Min of an infinity", [5], {"w": np.array(np.inf, np.float32)}, ("Min", "x w", "y", {}))
    case("Flatten", [3, 4], "Flatten")
    case("Reshape", [3, 4], "Reshape", [np.array([0, 2, -1])])
    return cases


def compare_operators(maso, folder):
    """Every operator case, on 5 random rows."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper
    worst, failed, cases = 0.0, 0, operator_cases()
    for name, shape, nodes, constants, opset in cases:
        value = helper.make_tensor_value_info
        tensors = [numpy_helper.from_array(c, n) for n, c in constants.items()]
        graph = helper.make_graph(nodes, "case", [value("x", TensorProto.FLOAT, ["n", *shape])],
                                  [value("y", TensorProto.FLOAT, None)], tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
        (folder / "m.onnx").write_bytes(model.SerializeToString())
        x = np.random.default_rng(5).standard_normal((5, *shape)).astype(np.float32)
        np.save(folder / "x.npy", x)
        [expected] = session(model).run(["y"], {"x": x})
        try:
            run(maso, "forward", folder / "m.onnx", folder / "x.npy", "-o", folder / "y.npy")
            found = np.load(folder / "y.npy")
            same = found.shape == expected.shape
            error = float(np.abs(found - expected).max() / np.abs(expected).max()) if same else 9.0
        except subprocess.CalledProcessError:
            error = 9.0
        worst = max(worst, error)
        if error > TOLERANCE:
            failed += 1
            print(f"  {name}: differs")
    print(f"{len(cases)} operator cases: max relative difference {worst:.1e}, {failed} failed")
    return failed == 0


# Weights, their architecture, rows and scale; options of convert.
WEIGHTS = [
    ("moons.safetensors", "mlp:relu", "data/moons.npy", None, []),
    ("moons_weights.npz", "mlp:relu", "data/moons.npy", None, []),
    ("moons_double.npz", "mlp:relu", "data/moons.npy", None, []),
    ("moons_double.npz", "mlp:abs", "data/moons.npy", None, ["--float32"]),
    ("lenet.safetensors", ROOT / "testdata" / "formats" / "lenet.json", "data/mnist_test_x.npy", "1/255", []),
]


def compare_converted(maso, folder, weights, architecture, data, scale, options):
    """Weights written as ONNX: ONNX Runtime's outputs against maso's from the weights themselves."""
    import numpy as np
    path, rows = ROOT / "testdata" / "formats" / weights, ROOT / "testdata" / data
    run(maso, "convert", path, "--arch", architecture, "-o", folder / "converted.onnx", *options)
    scaling = ["--scale", scale] if scale else []
    run(maso, "forward", path, rows, "--arch", architecture, "-o", folder / "y.npy", *scaling)
    x = (np.load(rows).astype(np.float64) * float(Fraction(scale or 1))).astype(np.float32)
    opened = session(folder / "converted.onnx")
    shape = opened.get_inputs()[0].shape[1:]
    expected = opened.run(None, {"x": x.reshape(len(x), *shape)})[0]
    relative = float(np.abs(np.load(folder / "y.npy") - expected).max() / np.abs(expected).max())
    print(f"{weights:22} {len(x):5} rows  converted {' '.join(options):10} {relative:.1e} relative")
    return relative <= TOLERANCE


# Softened models, with the rules that all their layers take.
SOFTENED = [
    ("mnist_mlp", ["beta-vq", "log-partition", "probit", "probit-tanh"]),
    ("mnist_mlp_leaky", ["beta-vq", "log-partition", "probit", "probit-tanh"]),
    ("mnist_mlp_prelu", ["beta-vq", "log-partition"]),
    ("mnist_mlp_hardtanh", ["beta-vq", "log-partition"]),
    ("mnist_maxout", ["beta-vq", "log-partition"]),
    ("mnist_lenet", ["beta-vq", "log-partition"]),
    ("mnist_lenet_dynamo", ["beta-vq"]),
    ("mnist_resnet", ["beta-vq"]),
    ("mnist_convbn_avg", ["beta-vq"]),
]


def compare_softened(maso, folder, name, rules):
    """Softened files, and the same hardened again: ONNX Runtime's outputs against maso's."""
    import numpy as np
    model = ROOT / "testdata" / "models" / f"{name}.onnx"
    rows = ROOT / "testdata" / "data" / "mnist_test_x.npy"
    x = (np.load(rows)[:500].astype(np.float64) / 255).astype(np.float32)

    def outputs(path):
        opened = session(path)
        return opened.run(None, {opened.get_inputs()[0].name: x.reshape(len(x), *opened.get_inputs()[0].shape[1:])})[0]

    hard, good = outputs(model), True
    for rule in rules:
        run(maso, "soften", model, "--beta", "0.7", "--rule", rule, "-o", folder / "soft.onnx")
        run(maso, "harden", folder / "soft.onnx", "-o", folder / "hard.onnx")
        run(maso, "forward", folder / "soft.onnx", rows, "--rows", "0..500", "--scale", "1/255", "-o", folder / "y.npy")
        soft = outputs(folder / "soft.onnx")
        pairs = [(np.load(folder / "y.npy").reshape(soft.shape), soft), (outputs(folder / "hard.onnx"), hard)]
        errors = [float(np.abs(found - expected).max() / np.abs(expected).max()) for found, expected in pairs]
        print(f"{name:22} {len(x):5} rows  {rule:14} softened {errors[0]:.1e}, hardened {errors[1]:.1e} relative")
        good &= max(errors) <= 1e-5
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--maso", default=ROOT / "target" / "release" / "maso")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.inside:
        from scratch import in_scratch_environment
        in_scratch_environment(ROOT / ".venv-compare", PACKAGES, __file__)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        good = [compare_model(arguments.maso, folder, *model) for model in MODELS]
        good += [compare_converted(arguments.maso, folder, *weights) for weights in WEIGHTS]
        good += [compare_softened(arguments.maso, folder, *model) for model in SOFTENED]
        good.append(compare_operators(arguments.maso, folder))
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
