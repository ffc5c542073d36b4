"""``nn.onnx.export``: a model as an ONNX file, which onnxruntime and others run.

With this package a reader can

* write a model to a file:                    ``nn.onnx.export(model, x, "model.onnx")``
* say how a class or function is written:     ``@nn.onnx.translation(MyLayer)``

===================  ===============================================================
graph                nodes, constants, the tables of translations
calls, symbol        an array that writes down what is computed with it
functions, shapes    NumPy in ONNX
written              NumPy in NumPy, where ONNX lacks a function
layers, recurrent    the layers of nn in ONNX
tracing, batch       running a model on symbols; what depends on the size of the batch
model, checks        the file, and what is checked of it
===================  ===============================================================

The package onnx is optional and imported by the first call.
"""

from nn.onnx import decompositions as decompositions
from nn.onnx import layers as layers
from nn.onnx import recurrent as recurrent
from nn.onnx import shapes as shapes
from nn.onnx.exporting import export as export
from nn.onnx.graph import ExportError as ExportError
from nn.onnx.graph import Graph as Graph
from nn.onnx.graph import translation as translation
