"""Execute the notebooks: ``python -m notebooks.run``; with ``--write`` keep their outputs."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent


def main() -> None:
    for path in sorted(HERE.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        # the assertions are in the cells: an error in one ends the run
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(HERE)}}).execute()
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)  # times would differ at every run
        print(f"{path.name}: {sum(c.cell_type == 'code' for c in notebook.cells)} cells executed")
        if "--write" in sys.argv[1:]:
            nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
