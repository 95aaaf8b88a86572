"""YuNet (faces with five landmarks) with free batch, height and width; the weights are untouched.

The published file is fixed to one image of 640x640 pixels. Its twelve heads end in a reshape to ``[1, -1, channels]``;
written as ``[0, -1, channels]`` the batch is copied from the input instead.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper


def build(path: Path) -> onnx.ModelProto:
    """The network: ``input`` (n, 3, h, w), BGR, 0 to 255, h and w multiples of 32.

    Outputs for each stride s in 8, 16, 32: ``cls_s``, ``obj_s`` (n, anchors, 1), ``bbox_s`` (n, anchors, 4), ``kps_s``
    (n, anchors, 10).
    """
    model = onnx.load(str(path))
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Reshape":
            shape = numpy_helper.to_array(weights[node.input[1]]).copy()
            shape[0] = 0
            weights[node.input[1]].CopyFrom(numpy_helper.from_array(shape.astype(np.int64), node.input[1]))
    for value, free in [(model.graph.input[0], ("n", None, "h", "w"))] + [
        (output, ("n", f"anchors_{output.name.rsplit('_', 1)[1]}", None)) for output in model.graph.output
    ]:
        for dimension, name in zip(value.type.tensor_type.shape.dim, free, strict=True):
            if name is not None:
                dimension.dim_param = name
    del model.graph.value_info[:]  # the stored inner shapes belong to the fixed size
    onnx.checker.check_model(model, full_check=True)
    return model
