#!/usr/bin/env python3
"""Exports models from the current versions of PyTorch (both exporters), Keras and scikit-learn, with
random weights, and compares maso with ONNX Runtime on each. Not part of the gate: PyTorch is large.

    python3 -m venv .venv-export
    .venv-export/bin/pip install torch torchvision onnx onnxruntime onnxscript keras scikit-learn skl2onnx
    .venv-export/bin/python scripts/export_models.py FOLDER [--maso target/release/maso] [--only NAME…]

In an environment with tensorflow, tf2onnx and onnxruntime instead, TensorFlow's models are made.

FOLDER gets NAME.onnx, rows (NAME.x.npy) and one line for each model on standard output: the largest
difference relative to the largest output, or why maso refuses the model. Exits with 1 if a difference is
beyond 1e-4, or a model is refused that should not be (or the reverse). `--fixtures` also puts the small
ones, with their rows and ONNX Runtime's outputs, into testdata/exported.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402

try:
    import torch
    from export_torch import TORCH
    os.environ.setdefault("KERAS_BACKEND", "torch")
except ImportError:  # TensorFlow's environment
    TORCH = {}

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOLERANCE = 1e-4
ROWS = 8

# ---------------------------------------------------------------------------------------------- PyTorch


# Small models that the tests have, too.
FIXTURES = [
    "adaptive_dynamo", "dcgan_small", "maxout_dynamo", "mlp_double", "mlp_half", "mlp_softshrink",
    "mlp_softshrink_dynamo", "mlp_hardsigmoid_dynamo", "patches", "reducing_dynamo", "series",
    "unet_bilinear_dynamo", "unet_nearest", "unet_nearest_dynamo", "unet_transposed", "unet_transposed_dynamo",
    "volumes_dynamo", "keras_cnn", "keras_functional", "keras_mlp", "sklearn_binary", "sklearn_classifier_zipmap",
    "sklearn_maxabsscaler", "sklearn_regressor", "sklearn_words", "tensorflow_9", "tensorflow_17",
]


def randomise(model, generator):
    """Batch-norms with statistics that do something."""
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            for tensor, low in [(module.running_mean, -0.3), (module.running_var, 0.5),
                                (module.weight.data, 0.6), (module.bias.data, -0.2)]:
                tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.7 + low)


def export_torch(folder, name, dynamo):
    build, shape, _ = TORCH[name]
    generator = torch.Generator().manual_seed(5)
    torch.manual_seed(5)
    model = build().eval()
    randomise(model, generator)
    kind = next(model.parameters()).dtype
    x = torch.randn((2, *shape), generator=generator).to(kind)
    path = folder / f"{name}{'_dynamo' if dynamo else ''}.onnx"
    if dynamo:
        batch = torch.export.Dim("batch")
        torch.onnx.export(model, (x,), path, dynamo=True, dynamic_shapes=({0: batch},), verbose=False,
                          external_data=False)
    else:
        torch.onnx.export(model, (x,), path, dynamo=False, input_names=["x"], output_names=["y"],
                          dynamic_axes={"x": {0: "n"}, "y": {0: "n"}})
    return path, shape

# --------------------------------------------------------------------------------- Keras and scikit-learn


def keras_models():
    import keras
    from keras import layers
    keras.utils.set_random_seed(5)
    yield "keras_mlp", keras.Sequential([
        layers.Input((12,)), layers.Dense(16, activation="relu"), layers.Dropout(0.3),
        layers.Dense(8, activation="leaky_relu"), layers.Dense(3, activation="softmax")])
    yield "keras_cnn", keras.Sequential([
        layers.Input((12, 12, 2)), layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization(),
        layers.ReLU(), layers.MaxPooling2D(), layers.DepthwiseConv2D(3), layers.ReLU(6.0),
        layers.ZeroPadding2D(1), layers.AveragePooling2D(2), layers.Flatten(), layers.Dense(5)])
    inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")(inputs)
    y = layers.SeparableConv2D(6, 3, padding="same")(x)
    y = layers.PReLU(shared_axes=[1, 2])(layers.BatchNormalization()(y))
    x = layers.Add()([x, y])
    z = layers.Conv2DTranspose(4, 3, strides=2, padding="same")(x)
    z = layers.Concatenate()([z, layers.UpSampling2D(2)(x)])
    z = layers.Maximum()([layers.Conv2D(3, 1)(z), layers.Conv2D(3, 1)(z)])
    yield "keras_functional", keras.Model(inputs, layers.GlobalAveragePooling2D()(z))


def export_keras(folder, name, model):
    model(np.zeros((1, *model.input_shape[1:]), np.float32))
    for variable in model.variables:
        value = np.random.default_rng(len(variable.path)).random(variable.shape) * 0.6
        if "moving" in variable.path or "gamma" in variable.path:
            variable.assign(value + 0.4)
    path = folder / f"{name}.onnx"
    model.export(path, format="onnx", verbose=False)
    return path, model.input_shape[1:]


def sklearn_models():
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler
    rng = np.random.default_rng(5)
    x = rng.standard_normal((200, 7)).astype(np.float32)
    y = (x @ rng.standard_normal(7) > 0).astype(int) + (x[:, 0] > 1)
    small = dict(hidden_layer_sizes=(9, 6), max_iter=40, random_state=1)
    yield "sklearn_classifier", MLPClassifier(**small).fit(x, y), {"zipmap": False}
    yield "sklearn_classifier_zipmap", MLPClassifier(**small).fit(x, y), {}
    yield "sklearn_binary", MLPClassifier(**small).fit(x, y > 0), {"zipmap": False}
    words = np.array(["cat", "dog", "fish"])[y]
    yield "sklearn_words", MLPClassifier(**small).fit(x, words), {"zipmap": False}
    yield "sklearn_regressor", MLPRegressor(**small).fit(x, x[:, 0]), {}
    double = MLPRegressor(**small).fit(x.astype(np.float64), x[:, 0].astype(np.float64))
    yield "sklearn_regressor_double", double, {}
    for scaler in (StandardScaler, MinMaxScaler, MaxAbsScaler):
        model = make_pipeline(scaler(), MLPClassifier(**small)).fit(x, y)
        yield f"sklearn_{scaler.__name__.lower()}", model, {"zipmap": False}


def export_sklearn(folder, name, model, options):
    from skl2onnx import to_onnx
    kind = np.float64 if name.endswith("double") else np.float32
    path = folder / f"{name}.onnx"
    options = {id(model): options} if options else None
    path.write_bytes(to_onnx(model, np.zeros((1, 7), kind), options=options).SerializeToString())
    return path, (7,)

# ------------------------------------------------------------------------------------------- TensorFlow


def export_tensorflow(folder, name, opset):
    import keras
    import tensorflow
    import tf2onnx
    from keras import layers
    keras.utils.set_random_seed(5)
    model = keras.Sequential([
        layers.Input((12, 12, 2)), layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization(),
        layers.ReLU(), layers.MaxPooling2D(), layers.DepthwiseConv2D(3), layers.ReLU(6.0),
        layers.Conv2D(6, 3, strides=2, padding="same"), layers.LeakyReLU(), layers.UpSampling2D(2),
        layers.Conv2DTranspose(3, 3, strides=2, padding="same"), layers.PReLU(shared_axes=[1, 2]),
        layers.Flatten(), layers.Dense(5, activation="softmax")])
    path = folder / f"{name}.onnx"
    shape = tensorflow.TensorSpec((None, 12, 12, 2), tensorflow.float32, name="x")
    function = tensorflow.function(model, input_signature=[shape])
    tf2onnx.convert.from_function(function, input_signature=[shape], opset=opset, output_path=path)
    return path, (12, 12, 2)

# ------------------------------------------------------------------------------------------- comparison


@contextlib.contextmanager
def silence():
    """No word on standard output, not from C++ either: the older exporter prints whole graphs."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def strip(model):
    """Without the notes of exporters: stack traces with paths, and source positions."""
    for holder in [model, model.graph, *model.graph.node]:
        if hasattr(holder, "metadata_props"):
            del holder.metadata_props[:]
        holder.doc_string = ""
    for value in [*model.graph.input, *model.graph.output, *model.graph.value_info]:
        if hasattr(value, "metadata_props"):
            del value.metadata_props[:]
    return model


def reference(path, x, tensor):
    """ONNX Runtime's value of `tensor`."""
    model = onnx.load(path)
    if tensor == model.graph.input[0].name:
        return x
    del model.graph.output[:]
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(tensor))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    kind = {"tensor(float16)": np.float16, "tensor(double)": np.float64}.get(session.get_inputs()[0].type, np.float32)
    return session.run([tensor], {session.get_inputs()[0].name: x.astype(kind)})[0]


def compare(maso, folder, path, shape, taken):
    """One line of the report, and whether it is good."""
    x = np.random.default_rng(9).standard_normal((ROWS, *shape)).astype(np.float32)
    if path.stem.startswith("mlp_half"):
        x = x.astype(np.float16).astype(np.float32)
    rows, out = folder / f"{path.stem}.x.npy", folder / f"{path.stem}.y.npy"
    np.save(rows, x)
    info = subprocess.run([maso, "info", path, "--json"], capture_output=True, text=True)
    if info.returncode:
        reason = info.stderr.strip().replace("\n", "\n" + " " * 31)
        return f"{path.stem:28} refused  {reason}", not taken
    info = json.loads(info.stdout)
    run = subprocess.run([maso, "forward", path, rows, "-o", out, "--quiet"], capture_output=True, text=True)
    if run.returncode:
        return f"{path.stem:28} FAILED   {run.stderr.strip()}", False
    expected = reference(path, x, info["output"]["name"]).astype(np.float64)
    np.savez(folder / f"{path.stem}.npz", x=x, y=expected.astype(np.float32))
    found = np.load(out)
    relative = float(np.abs(found.reshape(expected.shape) - expected).max() / np.abs(expected).max())
    # Half-precision sums are rounded at every step in ONNX Runtime.
    tolerance = 5e-3 if path.stem.startswith("mlp_half") else TOLERANCE
    bits, layers = info["bits"], len(info["layers"])
    line = f"{path.stem:28} {relative:.1e}  {layers} layers, {bits:,} bits, to {info['output']['name']}"
    return line, relative <= tolerance and taken


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--maso", default=ROOT / "target" / "release" / "maso")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--fixtures", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    good = True

    def attempt(name, export, taken):
        nonlocal good
        if arguments.only and not any(name.startswith(only) for only in arguments.only):
            return
        if (folder / f"{name}.shape").exists():
            path, shape = folder / f"{name}.onnx", json.loads((folder / f"{name}.shape").read_text())
        else:
            try:
                with silence():
                    path, shape = export()
            except Exception as error:  # noqa: BLE001 (an exporter's own failure is reported, not ours)
                print(f"{name:28} not exported: {type(error).__name__}: {str(error).strip().splitlines()[0][:90]}")
                return
            onnx.save(strip(onnx.load(path)), path)
            (folder / f"{name}.shape").write_text(json.dumps(list(shape)))
        line, fine = compare(arguments.maso, folder, path, shape, taken)
        good &= fine
        print(line if fine else f"{line}   <-- unexpected", flush=True)
        if arguments.fixtures and fine and path.stem in FIXTURES:
            for file in (path, folder / f"{path.stem}.npz"):
                shutil.copy(file, ROOT / "testdata" / "exported")

    for name, (_, _, taken) in TORCH.items():
        for dynamo in (True, False):
            attempt(f"{name}_dynamo" if dynamo else name, lambda: export_torch(folder, name, dynamo), taken)
    if TORCH:
        for name, model in keras_models():
            attempt(name, lambda: export_keras(folder, name, model), True)
        for name, model, options in sklearn_models():
            attempt(name, lambda: export_sklearn(folder, name, model, options), True)
    else:
        for opset in (9, 13, 17):
            attempt(f"tensorflow_{opset}", lambda: export_tensorflow(folder, f"tensorflow_{opset}", opset), True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
