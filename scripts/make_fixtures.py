#!/usr/bin/env python3
"""Makes the small models of testdata/models/tiny_*.onnx. They are committed; run this only to change them.

    python3 -m venv .venv-fixtures && .venv-fixtures/bin/pip install numpy==2.4.6 onnx==1.23.2
    .venv-fixtures/bin/python scripts/make_fixtures.py
"""
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OUT = pathlib.Path(__file__).resolve().parent.parent / "testdata" / "models"
RNG = np.random.default_rng(20)


def weights(name, *shape, typed=False):
    values = (RNG.integers(-64, 65, shape) / 64).astype(np.float32)
    if typed:  # float_data instead of raw bytes
        return helper.make_tensor(name, TensorProto.FLOAT, shape, values.ravel().tolist())
    return numpy_helper.from_array(values, name)


def save(name, nodes, initialisers, shape, out, external=False):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, name,
        [value("x", TensorProto.FLOAT, ["n", *shape])],
        [value(out, TensorProto.FLOAT, None)],
        initialisers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = OUT / f"{name}.onnx"
    options = {}
    if external:
        options = dict(save_as_external_data=True, location=f"{name}.onnx.data", size_threshold=0)
    onnx.save_model(model, path, **options)


def classifier(name, external):
    """2-5-3 with a Softmax at its end; the weights typed, or in a side file."""
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["z1"], "hidden", transB=1),
        helper.make_node("Relu", ["z1"], ["h1"], "relu"),
        helper.make_node("Gemm", ["h1", "w2", "b2"], ["z2"], "logits", transB=1),
        helper.make_node("Softmax", ["z2"], ["p"], "probabilities", axis=-1),
    ]
    global RNG
    RNG = np.random.default_rng(21)
    typed = not external
    tensors = [weights("w1", 5, 2, typed=typed), weights("b1", 5, typed=typed),
               weights("w2", 3, 5, typed=typed), weights("b2", 3, typed=typed)]
    save(name, nodes, tensors, [2], "p", external)


def branches():
    """A skip connection, a concatenation, a pool and a maximum over planes of 5 by 6."""
    nodes = [
        helper.make_node("Conv", ["x", "k1", "c1"], ["z1"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["z1"], ["h1"], "relu"),
        helper.make_node("Conv", ["h1", "k2", "c2"], ["z2"], "narrow"),
        helper.make_node("Add", ["z2", "x"], ["s"], "skip"),
        helper.make_node("LeakyRelu", ["s"], ["h2"], "leaky", alpha=0.25),
        helper.make_node("Concat", ["h1", "h2"], ["c"], "concat", axis=1),
        helper.make_node("MaxPool", ["c"], ["p"], "pool", kernel_shape=[3, 2], strides=[2, 2],
                         pads=[1, 0, 1, 0]),
        helper.make_node("Flatten", ["p"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "w", "b"], ["g"], "dense"),
        helper.make_node("Max", ["g", "m"], ["y"], "max"),
    ]
    tensors = [weights("k1", 3, 2, 3, 3), weights("c1", 3), weights("k2", 2, 3, 1, 1),
               weights("c2", 2), weights("w", 5 * 3 * 3, 4), weights("b", 4), weights("m", 4)]
    save("tiny_branches", nodes, tensors, [2, 5, 6], "y")


if __name__ == "__main__":
    classifier("tiny_softmax", external=False)
    classifier("tiny_external", external=True)
    branches()
