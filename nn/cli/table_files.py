"""Read CSV files: columns by name, as text; what is missing; what is a number.

Nothing is guessed in silence: a row with too few values, a quote that is not closed or a column
that occurs twice is an error.  pandas is not used, and reads the same.
"""

import csv
import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np

from nn.errors import DataError, listed
from nn.files.reading import cut, open_file, shown
from nn.module import Array

#: What stands for a missing value: nothing, what pandas takes for it, and the mark of UCI's tables.
MISSING = frozenset(
    ("", "?", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
     "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null")
)  # fmt: skip
#: Python's ``float`` takes 1_000 and digits of other scripts, too.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SEPARATORS = ",;\t"


@dataclass(frozen=True)
class Table:
    """A CSV file: the text of every column by its name, and the line in which each row ends.

    Columns without a name, of which ``unnamed`` were found, are left out: such is the index of a
    pandas.DataFrame.
    """

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]
    unnamed: int = 0

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str) -> list[str]:
        """Return a column; DataError with the most similar names if there is none."""
        if name in self.columns:
            return self.columns[name]
        raise DataError(
            f"{self.path} has no column {shown(name)}{did_you_mean(name, self.columns)}; it has "
            f"{listed(self.columns)}"
        )

    def where(self, name: str, row: Any) -> str:
        """Describe a value by its line and column, with its text."""
        return f"line {self.lines[row]} of {self.path}: {shown(name)} is " + shown(
            self.columns[name][row]
        )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question with the most similar of the known names, or nothing.

    Examples
    --------
    >>> from nn.cli.table_files import did_you_mean
    >>> did_you_mean("Prize", ["size", "price"])
    " (did you mean 'price'?)"
    """
    by_lower = {k.lower(): k for k in known}
    close = difflib.get_close_matches(name.lower(), by_lower, 1)
    return f" (did you mean {shown(by_lower[close[0]])}?)" if close else ""


def read_table(path: Path) -> Table:
    """Read a CSV file in UTF-8, separated by commas, semicolons or tabs, with names in line 1.

    Raises
    ------
    DataError
        If the file is not one, is empty, or has rows of different lengths or a name twice.
    """
    try:
        with open_file(path, DataError) as raw:
            text = TextIOWrapper(raw, encoding="utf-8-sig", newline="")
            first = text.readline()
            text.seek(0)
            separator = max(_SEPARATORS, key=re.sub(r'"[^"]*"', "", first).count)
            reader = csv.reader(text, delimiter=separator, strict=True)
            rows = [(reader.line_num, row) for row in reader if row]
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8; save the table as CSV UTF-8") from error
    except csv.Error as error:
        raise DataError(f"line {reader.line_num} of {path} is no CSV: {cut(str(error))}") from error
    except MemoryError:
        raise DataError(f"{path} is larger than the memory") from None
    if not rows:
        raise DataError(f"{path} is empty; line 1 of a table names its columns")
    names = [name.strip() for name in rows.pop(0)[1]]
    if all(_NUMBER.fullmatch(name) for name in names):
        raise DataError(f"line 1 of {path} is to name the columns, but holds {listed(names, 4)}")
    twice = list(dict.fromkeys(n for n in names if n and names.count(n) > 1))
    if twice:
        raise DataError(f"{path} has two columns called {listed(map(shown, twice))}; rename one")
    for line, row in rows:
        if len(row) != len(names):
            raise DataError(
                f"line {line} of {path} has {len(row)} values, but line 1 names {len(names)} "
                "columns; a value with a comma in it stands in quotes"
            )
    if not rows:
        raise DataError(f"{path} has no rows, only the names of columns: {listed(names)}")
    values = zip(*([v.strip() for v in row] for _, row in rows), strict=True)
    columns = {name: list(v) for name, v in zip(names, values, strict=True) if name}
    return Table(path, columns, [line for line, _ in rows], names.count(""))


def missing(texts: Sequence[str]) -> Array:
    """Return whether each value is missing."""
    return np.array([t in MISSING for t in texts], bool)


def is_number(text: str) -> bool:
    """Return whether a text is a decimal number, as Python and NumPy write it.

    Examples
    --------
    >>> from nn.cli.table_files import is_number
    >>> [is_number(text) for text in ("-1.5e3", "12,5", "1_000", "inf")]
    [True, False, False, False]
    """
    return _NUMBER.fullmatch(text) is not None and abs(float(text)) < float("inf")


def as_numbers(texts: Sequence[str]) -> tuple[Array, Array]:
    """Return numbers, nan where there is none, and the rows of texts that are neither missing."""
    found = np.full(len(texts), np.nan)
    wrong = []
    for i, text in enumerate(texts):
        if is_number(text):
            found[i] = float(text)
        elif text not in MISSING:
            wrong.append(i)
    return found, np.array(wrong, np.int64)
