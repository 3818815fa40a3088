"""The other side of `maso-bench peers`: one timed call at a time, as asked on standard input.

A line of JSON sets a job up ({"peer", "job", "model", "rows", "threads", "batch"}); each line "go" then
runs it once over all rows, in batches, and prints the seconds. Codes are one bit for each unit of every
Relu (pre-activation > 0), packed row by row, in graph order, which is what a user would write.
"""
import json
import sys
import time

import numpy as np
import onnx
from onnx import numpy_helper


def say(value):
    print(json.dumps(value), flush=True)


def pack(pre_activations, rows):
    bits = np.concatenate([z.reshape(rows, -1) > 0 for z in pre_activations], axis=1)
    return np.packbits(bits, axis=1, bitorder="little")


def onnxruntime_call(model, job, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    wanted = None
    if job != "forward":
        wanted = [node.input[0] for node in model.graph.node if node.op_type == "Relu"]
        for name in wanted:
            model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    if job == "forward":
        return lambda x: session.run(None, {name: x})
    return lambda x: pack(session.run(wanted, {name: x}), len(x))


def torch_call(model, job, threads):
    """Chains of Gemm and Relu."""
    import torch
    torch.set_num_threads(threads)
    weights = {i.name: torch.tensor(numpy_helper.to_array(i)) for i in model.graph.initializer}
    layers = []
    for node in model.graph.node:
        if node.op_type == "Gemm":
            layers.append((weights[node.input[1]], weights[node.input[2]]))
        elif node.op_type == "Relu":
            layers.append(None)
        elif node.op_type != "Flatten":
            return None

    def call(x):
        with torch.inference_mode():
            h, bits = torch.from_numpy(x.reshape(len(x), -1)), []
            for layer in layers:
                if layer is not None:
                    h = torch.nn.functional.linear(h, *layer)
                    continue
                if job != "forward":
                    bits.append(h > 0)
                h = torch.relu(h)
            if job == "forward":
                return h.numpy()
            return np.packbits(torch.cat(bits, 1).numpy(), axis=1, bitorder="little")
    return call


def set_up(request):
    model = onnx.load(request["model"])
    given = {i.name for i in model.graph.initializer}
    port = [i for i in model.graph.input if i.name not in given][0]
    shape = [max(axis.dim_value, 1) for axis in port.type.tensor_type.shape.dim][1:]
    rows = np.load(request["rows"])
    rows = np.ascontiguousarray(rows.reshape(len(rows), *shape))
    make = {"onnxruntime": onnxruntime_call, "torch": torch_call}[request["peer"]]
    call = make(model, request["job"], request["threads"])
    if call is None:
        return None
    if request["job"] == "latency":
        one = rows[:1]
        return lambda: [call(one) for _ in range(200)], 200
    batch = request["batch"]
    parts = [rows[i:i + batch] for i in range(0, len(rows), batch)]
    return lambda: [call(part) for part in parts], 1


def main():
    work = None
    for line in sys.stdin:
        if line.strip() != "go":
            try:
                work = set_up(json.loads(line))
                say({"ready": work is not None})
            except Exception as error:  # what a peer cannot do is said, and the others go on
                say({"ready": False, "error": f"{type(error).__name__}: {error}"[:300]})
            continue
        run, calls = work
        start = time.perf_counter()
        run()
        say({"seconds": (time.perf_counter() - start) / calls})


main()
