"""Export models as ONNX files, which onnxruntime and other runtimes run.

With this package a reader can

* write a model to a file:               ``nn.onnx.export(model, x, "model.onnx")``
* translate a class or function:         ``@nn.onnx.translation(MyLayer)``

The package onnx is optional and imported by the first call.
"""

from nn.onnx import layers as layers
from nn.onnx import shapes as shapes
from nn.onnx.exporting import export as export
from nn.onnx.graph import ExportError as ExportError
from nn.onnx.graph import Graph as Graph
from nn.onnx.graph import translation as translation
