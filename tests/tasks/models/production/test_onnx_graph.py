"""What is changed in an ONNX network at loading, against the network as it was."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.errors import ModelError
from tasks.models.onnx_graph import first_nodes, free_batch, read_network, split_slopes, take_pixels
from tests.tasks.models.production.networks import make_arcface

for module in ("onnx", "onnxruntime"):
    pytest.importorskip(module)

SLOPES = np.array([-0.5, 0.0, 0.25, 1.0, 1.5], np.float32).reshape(5, 1, 1)
VALUES = np.random.default_rng(0).normal(0, 3, (2, 5, 4, 6)).astype(np.float32)


def make_network(*, opset: int = 11, through_identity: bool = False, as_input: bool = False) -> Any:
    """A PReLU with five slopes."""
    from onnx import TensorProto, helper, numpy_helper

    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 5, 4, 6])]
    nodes, name = [], "slopes"
    if through_identity:
        nodes, name = [helper.make_node("Identity", ["slopes"], ["same"])], "same"
    if as_input:
        inputs.append(helper.make_tensor_value_info("slopes", TensorProto.FLOAT, [5, 1, 1]))
    nodes.append(helper.make_node("PRelu", ["x", name], ["y"], name="PRelu_0"))
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 5, 4, 6])
    weights = [] if as_input else [numpy_helper.from_array(SLOPES, "slopes")]
    graph = helper.make_graph(nodes, "g", inputs, [output], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def run(network: Any, name: str, values: Any) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {name: values})[0]


@pytest.mark.parametrize("through_identity", [False, True])
def test_slopes_written_out_are_slopes(through_identity: bool) -> None:
    network = make_network(through_identity=through_identity)
    free_batch(network)
    assert split_slopes(network) == 1
    assert "PRelu" not in {node.op_type for node in network.graph.node}
    expected = np.where(VALUES > 0, VALUES, SLOPES * VALUES)
    np.testing.assert_allclose(run(network, "x", VALUES), expected, rtol=1e-6, atol=1e-6)


def test_slopes_that_are_not_known_or_broadcast_otherwise_stay() -> None:
    for network in (make_network(as_input=True), make_network(opset=6)):
        before = network.SerializeToString()
        assert split_slopes(network) == 0
        assert network.SerializeToString() == before


def test_pixels_in_place_of_floats(tmp_path: Path) -> None:
    path = make_arcface(tmp_path / "a.onnx", batch=1)
    images = np.random.default_rng(1).integers(0, 256, (3, 112, 112, 3), dtype=np.uint8)
    floats = (images.transpose(0, 3, 1, 2).astype(np.float32) - 127.5) / 127.5
    plain, changed = read_network(path), read_network(path)
    free_batch(plain)
    take_pixels(changed, 127.5, 127.5)
    free_batch(changed)
    np.testing.assert_allclose(run(changed, "pixels_", images), run(plain, "input.1", floats), rtol=1e-5, atol=1e-4)


def test_weights_of_old_files_are_no_inputs(tmp_path: Path) -> None:
    """Before version 4 of the format they had to be: then nothing could be folded into them."""
    from onnx import helper

    network = read_network(make_arcface(tmp_path / "a.onnx", batch=1, slopes=True))
    network.ir_version = 3
    for weight in network.graph.initializer:
        network.graph.input.append(helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims))
    take_pixels(network, 127.5, 127.5)
    assert split_slopes(network) == 1
    assert [value.name for value in network.graph.input] == ["pixels_"]
    assert run(network, "pixels_", np.zeros((1, 112, 112, 3), np.uint8)).shape == (1, 512)


def test_names_of_the_first_nodes() -> None:
    assert first_nodes(make_network()) == ("PRelu_0",)


@pytest.mark.parametrize("fault", ["garbage", "two inputs", "flat"])
def test_what_is_no_network_on_images(fault: str, tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    path = tmp_path / "x.onnx"
    if fault == "garbage":
        path.write_bytes(b"no network")
    elif fault == "two inputs":
        onnx.save(make_network(as_input=True), str(path))
    else:
        flat = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 5])
        made = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [flat], [flat])
        onnx.save(helper.make_model(made), str(path))
    with pytest.raises(ModelError, match=r"model file .*x\.onnx is not a network that can be run") as caught:
        read_network(path)
    assert "\n" not in str(caught.value)
