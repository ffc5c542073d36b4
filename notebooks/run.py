"""Execute the notebooks: ``python -m notebooks.run [--write] [02 ...]``.

Names choose those that begin so; ``--write`` keeps the outputs.  One that is slow fails.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
LIMIT = 60.0  # seconds of the processor, of one notebook: other programs may run beside it


def _used() -> float:
    """Return the seconds of the processor that ended kernels took; 0 on Windows."""
    times = os.times()
    return times.children_user + times.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="how file names begin; by default all")
    parser.add_argument("--write", action="store_true", help="keep the outputs")
    options = parser.parse_args()
    chosen = tuple(options.names) or ("",)
    paths = [p for p in sorted(HERE.glob("*.ipynb")) if p.name.startswith(chosen)]
    if not paths:
        parser.error(f"no notebook's name begins with {' or '.join(chosen)}")
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        began, used = time.perf_counter(), _used()
        # the assertions are in the cells: an error in one ends the run
        place = {"metadata": {"path": str(HERE)}}
        NotebookClient(notebook, timeout=600, resources=place, coalesce_streams=True).execute()
        seconds, used = time.perf_counter() - began, _used() - used
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)  # times would differ at every run
        cells = sum(c.cell_type == "code" for c in notebook.cells)
        print(f"{path.name}: {cells} cells executed in {seconds:.1f} s", flush=True)
        if used > LIMIT:
            raise SystemExit(f"{path.name} took {used:.0f} s; a notebook has {LIMIT:.0f} s")
        if options.write:
            nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
