"""``python -m tests.benchmarks [--quick]``: every figure of the README's tables, in one run.

``--layers [WORD]`` prints the table of the layers alone, the rows with WORD in their names.

``OPENBLAS_NUM_THREADS`` is the number of threads, of PyTorch too; 1 unless set.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

from tests.benchmarks import batches, compiled, engine, layers, networks, training
from tests.benchmarks.measure import HEADER


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="see that it runs; figures are rough")
    parser.add_argument("--only", default="", help="the rows of functions with this in their name")
    parser.add_argument(
        "--layers",
        nargs="?",
        const="",
        metavar="WORD",
        help="the table of layers, WORD in its rows",
    )
    options = parser.parse_args()
    seconds = 0.05 if options.quick else 4.0
    print(HEADER)
    if options.layers is not None:
        print_layers(seconds / 8, options.layers)
        return
    for rows in (
        engine.small_operation, engine.chain, engine.large_elementwise,
        training.sgd_step, training.adam_step, *networks.ALL, *compiled.ALL, *batches.ALL,
    ):  # fmt: skip
        if options.only in rows.__name__:
            for row in rows(seconds):
                print(row, flush=True)
    if options.only:
        return
    print(f"import autograd_core beyond numpy: {engine.import_time():.1f} ms (target 40)")
    for kind, work in training.MEMORY.items():
        memory = training.peak_memory(kind)
        if memory:
            ours, theirs = memory
            print(
                f"peak memory of a step of {work}: {ours:.1f} MiB, PyTorch {theirs:.1f} MiB, "
                f"ratio {ours / theirs:.2f} (target {1.1 if kind == 'MLP' else 1.0:.2f})"
            )
    ours, eager = compiled.peak_memory()
    print(
        f"peak memory of a compiled step of an MLP, batch 4,096: {ours:.1f} MiB, eager "
        f"{eager:.1f} MiB, ratio {ours / eager:.2f} (target 0.80)"
    )
    print_layers(seconds / 8)


def print_layers(seconds: float, word: str = "") -> None:
    """Print the table of layers and its summary."""
    measured = []
    for row in layers.rows(seconds, word):
        measured.append(row)
        print(row, flush=True)
    if measured:
        print(layers.summary(measured))


if __name__ == "__main__":
    main()
