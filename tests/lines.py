"""Count lines of code by folder: ``python -m tests.lines``.

Docstrings, comments and blank lines do not count, so that nothing is gained by leaving them out.
JavaScript and CSS are counted by the same rule.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
NO_CODE = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT),
    *(tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER),
}


def python_lines(text: str) -> int:
    """Return the number of lines on which there is code."""
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                docstrings.update(range(first.lineno, (first.end_lineno or 0) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docstrings)


def page_lines(text: str) -> int:
    """Return the number of lines of JavaScript or CSS that are neither blank nor comment."""
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL)
    return sum(bool(re.sub(r"(^|\s)//.*", "", line).strip()) for line in text.splitlines())


def count(root: Path = ROOT) -> dict[str, tuple[int, int]]:
    """Return the lines and the files of every folder of the two packages."""
    lines: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for package in ("autograd_core", "nn"):
        for path in sorted((root / package).rglob("*")):
            if path.suffix in (".py", ".js", ".css"):
                folder = str(path.parent.relative_to(root))
                text = path.read_text(encoding="utf-8")
                lines[folder] += (python_lines if path.suffix == ".py" else page_lines)(text)
                files[folder] += 1
    return {folder: (lines[folder], files[folder]) for folder in sorted(lines)}


def main() -> None:
    """Print the table of a checkout, by default of this one."""
    table = count(Path(sys.argv[1]) if sys.argv[1:] else ROOT)
    for folder, (lines, files) in table.items():
        print(f"{folder:40}{lines:7,}{files:5}")
    print(f"{'all':40}{sum(n for n, _ in table.values()):7,}{sum(n for _, n in table.values()):5}")


if __name__ == "__main__":
    main()
