"""The house: directions of imports, public faces, READMEs, sizes, and tests that mirror the tree."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import autograd_core as ag
import nn
from tests.lines import count

ROOT = Path(__file__).parents[1]
PACKAGES = ("autograd_core", "nn")
SOURCES = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))
FOLDERS = sorted({p.parent for p in SOURCES})

#: What the files of a folder may import from its own package, beside the folder itself.  A file at
#: the top stands under its own name; ``__init__`` and ``__main__`` may import everything.
MAY_IMPORT = {
    "autograd_core": {
        "errors": "",
        "elsewhere": "",
        "command_line": "",
        "engine": "errors",
        "tensors": "elsewhere errors engine",
        "batching": "errors engine tensors",
        "transforms": "errors engine batching",
        "rules": "errors engine tensors batching",
        "rules.cases": "autograd_core",
        "special": "engine rules",
        "scipy": "errors engine program rules special transforms",
        "array_api": "errors engine tensors special",
        "profiling": "engine tensors transforms",
        "program": "errors engine transforms",
        "checking": "errors command_line engine transforms rules rules.cases autograd_core",
        "drawing": "errors command_line engine tensors profiling",
    },
    "nn": {
        "_public": "",
        "_pytorch": "",
        "columns": "",
        "errors": "",
        "init": "",
        "placement": "",
        "module": "errors _pytorch placement",
        "calls": "errors module",
        "distributed": "module init optim training nn",
        "model_summary": "calls module",
        "checking": "module",
        "functional": "errors placement",
        "layers": "errors module init functional _pytorch placement",
        "optim": "errors module functional _pytorch placement",
        "files": "errors module",
        "data": "errors module init files placement _pytorch",
        "training": "errors columns module functional optim data files plot placement",
        "models": "errors module init functional layers data",
        "plot": "calls columns module errors nn",
        "onnx": "errors module functional layers files placement nn",
        "sklearn": "errors functional layers training nn",
        "cli": "errors module layers models data files training plot nn",
    },
}

#: Packages that may be imported inside a function, where they are used.
OPTIONAL = (
    *(
        "IPython",
        "cairosvg",
        "cupy",
        "dask",
        "distributed",
        "graphviz",
        "hypothesis",
        "jax",
        "matplotlib",
        "networkx",
    ),
    *("onnx", "onnxruntime", "pytest", "scipy", "sklearn", "tensorboardX", "threadpoolctl"),
    *("torch", "tqdm"),
)
#: Modules of our own that are loaded when an array or an error asks for them, and one of Python's that
#: takes as long to import as all of nn and is needed for a download alone.
LAZY = ("autograd_core.array_api", "autograd_core.scipy", "urllib.request")


#: Modules at the top of a package.
TOP = (
    "calls",
    "distributed",
    "elsewhere",
    "errors",
    "special",
    "init",
    "module",
    "placement",
    "checking",
    "model_summary",
    "columns",
    "_pytorch",
)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def parents(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


def imports(path: Path):
    """Yield every import of a file: the module, its names, and where it is made.

    Imports for type checkers alone are left out.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    above = parents(tree)
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        chain, up = [], node
        while up in above:
            up = above[up]
            chain.append(up)
        tests = [ast.unparse(c.test) for c in chain if isinstance(c, ast.If)]
        if any("TYPE_CHECKING" in t for t in tests):
            continue
        inside = any(isinstance(c, (ast.FunctionDef, ast.AsyncFunctionDef)) for c in chain)
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, [], inside
        else:
            assert node.level == 0, f"{path}: relative import"
            yield node.module or "", [a.name for a in node.names], inside


def room_of(module: str, names: list[str]) -> str:
    """Return the folder, or file at the top, to which an imported module belongs."""
    package, _, rest = module.partition(".")
    if not rest:
        is_room = any(names) and ((ROOT / package / names[0]).exists() or names[0] in TOP)
        return names[0] if is_room else package
    if rest.startswith("rules.cases") or (rest == "rules" and names == ["cases"]):
        return "rules.cases"
    return rest.split(".")[0]


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_downwards(package):
    wrong = []
    for path in SOURCES:
        module = module_of(path)
        own = room_of(module, [])
        if (
            path.parts[len(ROOT.parts)] != package
            or path.name == "__main__.py"
            or module == package
        ):
            continue
        allowed = {own, "_public", *MAY_IMPORT[package][own].split()}
        for imported, names, _ in imports(path):
            if imported.split(".")[0] != package or imported in LAZY:
                continue
            rooms = {room_of(imported, [n]) for n in names or [""]}
            wrong += [f"{module} imports {imported} ({room})" for room in rooms - allowed]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", PACKAGES)
def test_rooms_are_on_floors(package):
    """The table itself has no circle."""
    table = {room: set(below.split()) - {package} for room, below in MAY_IMPORT[package].items()}
    floor: dict[str, int] = {}
    while len(floor) < len(table):
        ready = [r for r, below in table.items() if r not in floor and below <= floor.keys()]
        assert ready, set(table) - set(floor)
        floor |= {r: 1 + max((floor[b] for b in table[r]), default=0) for r in ready}
    assert max(floor.values()) <= 8


def test_no_module_imports_itself_in_a_circle():
    graph = {
        module_of(path): {
            name
            for imported, names, inside in imports(path)
            if imported.split(".")[0] in PACKAGES and not inside
            for name in (imported, *(f"{imported}.{n}" for n in names))
        }
        for path in SOURCES
    }
    graph = {m: {t for t in targets if t in graph and t != m} for m, targets in graph.items()}
    # a package's own __init__ is loaded before its modules, whoever imports them
    graph = {m: {t for t in ts if not m.startswith(f"{t}.")} for m, ts in graph.items()}
    done: set[str] = set()
    while len(done) < len(graph):
        ready = {m for m, targets in graph.items() if m not in done and targets <= done}
        assert ready, {m: graph[m] - done for m in graph if m not in done}
        done |= ready


def test_nn_uses_the_public_face_of_autograd_core():
    for path in SOURCES:
        if path.relative_to(ROOT).parts[0] == "nn":
            for imported, names, _ in imports(path):
                if imported.split(".")[0] == "autograd_core":
                    faces = [f"autograd_core{rest}" for rest in ("", ".checking", ".program")]
                    assert imported in faces, path
                    if imported == "autograd_core":
                        assert set(names) <= {*ag.__all__, "__version__"}, (path, names)


def test_imports_stand_at_the_top():
    """A function imports only optional packages and the public names that are loaded lazily."""
    for path in SOURCES:
        for imported, _, inside in imports(path):
            if inside:
                assert imported.split(".")[0] in OPTIONAL or imported in LAZY, (path, imported)


@pytest.mark.parametrize("folder", FOLDERS, ids=[str(f.relative_to(ROOT)) for f in FOLDERS])
def test_every_folder_has_a_readme_of_a_page(folder):
    if folder.name == "page":
        folder = folder.parent
    lines = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    assert 3 <= len(lines) <= 140


def test_files_are_at_most_600_lines():
    long = {
        p.name: n for p in SOURCES if (n := len(p.read_text(encoding="utf-8").splitlines())) > 600
    }
    assert not long


@pytest.mark.parametrize("package", PACKAGES)
def test_no_public_name_is_a_module_of_its_package(package):
    top = importlib.import_module(package)
    inside = pkgutil.walk_packages(top.__path__, f"{package}.")
    optional = ("nn.sklearn",)
    for name in (package, *(m.name for m in inside if m.ispkg and m.name not in optional)):
        module = importlib.import_module(name)
        modules = {m.name for m in pkgutil.iter_modules(module.__path__)}
        names = getattr(module, "__all__", [n for n in vars(module) if not n.startswith("_")])
        for both in modules & set(names):
            assert hasattr(getattr(module, both), "__file__"), (module, both)


def test_tests_mirror_the_tree():
    """A test file has the name of a source file, or says in its first line what it holds."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        relative = path.relative_to(ROOT / "tests")
        source = ROOT / relative.parent / path.name.removeprefix("test_")
        if not source.exists():
            doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
            assert doc, f"{relative} mirrors no source and does not say what it holds"


def test_public_names():
    """Every public name of version 0.1, and those that came since, is where users import it from."""
    names = (Path(__file__).with_name("public_names.txt")).read_text(encoding="utf-8").split()
    for name in names:
        value: object = {"autograd_core": ag, "nn": nn}[name.split(".")[0]]
        for part in name.split(".")[1:]:
            value = getattr(value, part)
    listed = {n for n in names if n.count(".") == 1}
    public = {f"{m.__name__}.{n}" for m in (ag, nn) for n in dir(m) if not n.startswith("__")}
    assert public == listed


def test_the_readmes_tell_the_size_of_the_engine():
    lines, _ = count()["autograd_core/engine"]
    for document in ("README.md", "autograd_core/engine/README.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        (told,) = re.findall(r"about ([\d,]+) lines of code", text)
        assert abs(int(told.replace(",", "")) - lines) < 75, (document, lines)
