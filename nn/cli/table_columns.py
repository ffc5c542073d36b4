"""What the columns of a table mean: the target, the split, the features, and their numbers.

The numbers are those of scikit-learn's transformers, fitted to the training part alone.
"""

import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nn.cli.parser import UsageError
from nn.cli.table_files import MISSING, Table, as_numbers, did_you_mean, is_number, missing
from nn.errors import DataError, listed
from nn.files.reading import shown
from nn.models.tables import UNKNOWN, Standardize
from nn.module import Array

#: The least rows to train on; those a class needs; and what is no category but free text.
_LEAST_ROWS, _LEAST_OF_CLASS, _MOST_CATEGORIES, _MOST_CLASSES = 10, 3, 200, 200
#: Whole numbers are classes if there are at most so many, each for some rows.
_FEW, _ROWS_OF_EACH = 20, 5
_HELD_OUT = 0.2  # of the rows, for validation, and as many for the test


@dataclass(frozen=True)
class Schema:
    """The columns of a table that a network reads, and the one that it predicts.

    Attributes
    ----------
    target
        The name of the column to predict.
    classes
        Its values in the order of the outputs, or None if they are numbers.
    columns
        Each column by name, with its categories in the order of their numbers, or None.
    """

    target: str
    classes: tuple[str, ...] | None
    columns: dict[str, tuple[str, ...] | None]

    def to_json(self) -> dict[str, Any]:
        """Return it as lists and dicts."""
        columns = [
            {"name": n, "categories": None if c is None else list(c)}
            for n, c in self.columns.items()
        ]
        classes = None if self.classes is None else list(self.classes)
        return {"target": self.target, "classes": classes, "columns": columns}

    @classmethod
    def of_json(cls, given: Any) -> "Schema":
        """Return what :meth:`to_json` returned; ValueError for anything else."""
        target, classes, columns = (given[k] for k in ("target", "classes", "columns"))
        names = [c["name"] for c in columns]
        lists = [c["categories"] for c in columns]
        for texts in (names, [target], *(c for c in (classes, *lists) if c is not None)):
            if not isinstance(texts, list) or not all(type(t) is str for t in texts):
                raise ValueError("names, classes and categories are texts")
            if not texts or len(set(texts)) < len(texts):
                raise ValueError("names, classes and categories are each there once")
            "".join(texts).encode()
        if classes is not None and len(classes) < 2:
            raise ValueError("there is one class")
        kept = (None if c is None else tuple(c) for c in lists)
        return cls(target, classes and tuple(classes), dict(zip(names, kept, strict=True)))

    @property
    def sizes(self) -> list[int | None]:
        """Return the number of categories of each column, None for numbers."""
        return [None if c is None else len(c) for c in self.columns.values()]

    def encode(self, table: Table) -> tuple[Array, list[str]]:
        """Return rows ``(N, columns)`` for a network, and notes on what was found.

        Numbers stand for themselves, a category for its place in the list; missing values are nan.

        Raises
        ------
        DataError
            If a column is missing, or a column of numbers holds something else.
        """
        lacking = [n for n in self.columns if n not in table.columns]
        if lacking:
            guess = did_you_mean(lacking[0], table.columns) if len(lacking) == 1 else ""
            raise DataError(f"{table.path} lacks {_columns(lacking)}{guess}")
        rows, notes = np.empty((len(table), len(self.columns))), []
        for j, (name, categories) in enumerate(self.columns.items()):
            texts = table.columns[name]
            gaps = int(missing(texts).sum())
            if gaps:
                by = "median" if categories is None else "most frequent category"
                notes.append(
                    f"{shown(name)} is missing in {_rows(gaps)}, and stands at the {by} of those "
                    "to train on"
                )
            if categories is None:
                rows[:, j], wrong = as_numbers(texts)
                if len(wrong):
                    raise DataError(f"{table.where(name, wrong[0])}, which is no number")
                continue
            place = {c: float(i) for i, c in enumerate(categories)}
            rows[:, j] = [np.nan if t in MISSING else place.get(t, UNKNOWN) for t in texts]
            strange = Counter(t for t in texts if t not in MISSING and t not in place)
            if strange:
                notes.append(
                    f"{shown(name)} has categories that the training has not seen, which are "
                    f"predicted as none of those it has: {_counted(strange)}"
                )
        return rows, notes

    def targets(self, table: Table) -> tuple[Array, Array]:
        """Return the rows of a table that have a target, and their targets as the loss takes them.

        Raises
        ------
        DataError
            For a class that is unknown, or a target that is no number.
        """
        texts = table.columns[self.target]
        known = np.flatnonzero(~missing(texts))
        if self.classes is None:
            numbers, wrong = as_numbers(texts)
            if len(wrong):
                raise DataError(f"{table.where(self.target, wrong[0])}, which is no number")
            return known, numbers[known, None]
        place = {c: i for i, c in enumerate(self.classes)}
        labels = _labels(texts, all(map(is_number, self.classes)))
        for i in known:
            if labels[i] not in place:
                raise DataError(
                    f"{table.where(self.target, i)}, which is none of the classes "
                    f"{listed(self.classes)}"
                )
        return known, np.array([place[labels[i]] for i in known], np.int64)


def _rows(n: int) -> str:
    return f"{n:,} row{'' if n == 1 else 's'}"


def _columns(names: Sequence[str]) -> str:
    return f"the column{'' if len(names) == 1 else 's'} {listed(map(shown, names))}"


def _counted(counts: "Counter[str]") -> str:
    """Return texts with how often each occurs, the most frequent first."""
    return listed(f"{shown(t)} ({n:,})" for t, n in counts.most_common())


def _labels(texts: Sequence[str], numeric: bool) -> list[str]:
    """Return classes: where all are numbers, 1, 1.0 and 01 are the same."""
    if not numeric:
        return list(texts)
    values = [float(t) if is_number(t) else None for t in texts]
    return [
        t if v is None else str(int(v)) if v == int(v) else repr(v)
        for t, v in zip(texts, values, strict=True)
    ]


# -- the target ------------------------------------------------------------------------------------


def choose_classes(table: Table, target: str, task: str) -> tuple[tuple[str, ...] | None, str]:
    """Return the classes of a target, or None to predict a number; and why.

    Parameters
    ----------
    table
        The table.
    target
        The name of the column to predict.
    task
        ``"classification"``, ``"regression"`` or ``"auto"``.

    Raises
    ------
    DataError
        If the column cannot be learnt.
    """
    texts = table.column(target)
    known = [t for t in texts if t not in MISSING]
    if len(known) < _LEAST_ROWS:
        raise DataError(
            f"{table.path} has {_rows(len(known))} with a value of {shown(target)}; to train, "
            f"validate and test, {_LEAST_ROWS} is the least, and hundreds are better"
        )
    numbers, wrong = as_numbers(texts)
    values = np.unique(numbers[~np.isnan(numbers)])
    labels = Counter(_labels(known, not len(wrong)))
    if len(labels) == 1:
        raise DataError(
            f"{shown(target)} has the one value {shown(next(iter(labels)))} in every row that has "
            f"one{missing_words(texts)}, so there is nothing to learn; choose another --target"
        )
    whole = not len(wrong) and bool((values == np.rint(values)).all())
    few = len(values) <= min(_FEW, len(known) / _ROWS_OF_EACH)
    if task == "regression" or (task == "auto" and not len(wrong) and not (whole and few)):
        if len(wrong):
            raise DataError(
                f"--task regression predicts numbers, but {table.where(target, wrong[0])}"
            )
        why = "its values are numbers" if task == "auto" else "as --task says"
        return None, f"regression, {why} ({values[0]:g} to {values[-1]:g})"
    rare = [c for c, n in labels.items() if n < _LEAST_OF_CLASS]
    if len(labels) > _MOST_CLASSES or (rare and len(wrong) and len(rare) > len(labels) / 2):
        raise DataError(
            f"{shown(target)} has {len(labels):,} different values in {_rows(len(known))}, which "
            f"are no classes to learn{_mixed(table, target, wrong)}"
            + ("" if len(wrong) else "; predict a number: --task regression")
        )
    if rare:
        few_rows = [f"{shown(c)} ({labels[c]})" for c in rare]
        raise DataError(
            f"classes of {shown(target)} are too rare: {listed(few_rows)}; each needs "
            f"{_LEAST_OF_CLASS} rows, to train, validate and test"
            + ("" if len(wrong) else "; or predict a number: --task regression")
        )
    classes = tuple(sorted(labels, key=None if len(wrong) else float))
    why = (
        "as --task says" if task != "auto"
        else "its values are texts" if len(wrong) else "its values are few whole numbers"
    )  # fmt: skip
    most = [f"{shown(c)} ({labels[c]:,})" for c in classes]
    return classes, f"classification, {why}: {len(classes)} classes, {listed(most)}"


def _mixed(table: Table, name: str, wrong: Array) -> str:
    """Return a hint at a value that makes a column of numbers one of texts."""
    if not len(wrong):
        return ""
    if len(wrong) > len(table) / 2:
        comma = table.columns[name][wrong[0]].replace(",", ".")
        if not is_number(comma):
            return ""
    return f" (a number is written 12.5; {table.where(name, wrong[0])})"


def missing_words(texts: Sequence[str]) -> str:
    """Return a hint at the words that stand for a missing value, if there are any."""
    words = sorted({t for t in texts if t and t in MISSING})
    if not words:
        return ""
    return f" ({listed(map(shown, words))} count{'s' if len(words) == 1 else ''} as missing)"


#: A number as other programs write it: 7,3 and 1.234,5, 7.3 %, 12 EUR, inf.
_MARKED = re.compile(r"[+-]?(\d[\d.,' ]*\s?(%|€|\$|£|[A-Za-z]{1,3})?|inf(inity)?)", re.IGNORECASE)


def _check_numbers(table: Table, name: str, rows: Sequence[int], wrong: Array) -> str:
    """Raise DataError for a column of numbers with a text in it; return a note on a mixture.

    As categories its numbers would be names, of which a new one has none.
    """
    texts = table.columns[name]
    numbers = [texts[i] for i in rows if is_number(texts[i])]
    others = len(rows) - len(numbers)
    various = len({texts[i] for i in rows}) > _FEW
    marked = various and all(_MARKED.fullmatch(texts[i]) for i in wrong)
    if various and (len(numbers) > others or marked):
        kind = "is a number in" if numbers else "looks like numbers, but can be read in"
        raise DataError(
            f"{shown(name)} {kind} {len(numbers):,} of {_rows(len(rows))}: "
            f"{table.where(name, wrong[0])}; a number is written 12.5: correct it, leave it empty, "
            f"or take the column as categories, --categories {shown(name)}"
        )
    if not numbers:
        return ""
    return (
        f"{shown(name)} is a number in {len(numbers):,} rows and a text in {others:,} "
        f"({shown(texts[wrong[0]])}): taken as categories"
    )


# -- the split and the features --------------------------------------------------------------------


def check_scikit_learn() -> None:
    """Raise UsageError if scikit-learn is not installed."""
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "training on a table needs scikit-learn, which is not installed: "
            "pip install scikit-learn"
        ) from error


def split(count: int, classes: Array | None, seed: int) -> tuple[Array, Array, Array]:
    """Return the rows of the training, of the validation and of the test, each in order.

    Every class is in them in its share.
    """
    from sklearn.model_selection import train_test_split

    rng = np.random.RandomState(np.random.MT19937(seed))
    size = max(round(_HELD_OUT * count), 2, 0 if classes is None else int(classes.max()) + 1)
    rows = np.arange(count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rest, test = train_test_split(rows, test_size=size, random_state=rng, stratify=classes)
        train, validation = train_test_split(
            rest, test_size=size, random_state=rng,
            stratify=None if classes is None else classes[rest],
        )  # fmt: skip
    return np.sort(train), np.sort(validation), np.sort(test)


def choose_columns(
    table: Table, target: str, ignored: Sequence[str], named: Sequence[str], train: Array
) -> tuple[dict[str, tuple[str, ...] | None], list[str]]:
    """Return the columns to learn from, with their categories, and notes on all columns.

    Parameters
    ----------
    table
        The table.
    target, ignored
        Names of columns that are not learnt from.
    named
        Names of columns of categories, whatever they hold.
    train
        The rows of the training part: categories are those that occur in it.

    Raises
    ------
    DataError
        If a column holds free text, or no column is left.
    """
    found: dict[str, tuple[str, ...] | None] = {}
    left: dict[str, list[str]] = {}
    mixed: list[str] = []
    for name, texts in table.columns.items():
        if name == target or name in ignored:
            continue
        rows = [i for i in train if texts[i] not in MISSING]
        there = [texts[i] for i in rows]
        values = set(there)
        _, wrong = as_numbers(texts)
        if len(values) < 2:
            left.setdefault("one value" if values else "no value", []).append(name)
        elif not len(wrong) and name not in named:
            if len({float(v) for v in values}) < 2:
                left.setdefault("one value", []).append(name)
            else:
                found[name] = None
        elif len(values) > _MOST_CATEGORIES or len(values) > max(_FEW, len(there) / 2):
            raise DataError(
                f"{shown(name)} has {len(values):,} different values in the {_rows(len(there))} to "
                f"train on, which are no categories{_mixed(table, name, wrong)}; leave the column "
                f"out: --ignore {shown(name)}"
            )
        else:
            if name not in named:
                mixed += filter(None, [_check_numbers(table, name, rows, wrong)])
            found[name] = tuple(sorted(values))
    notes = [
        f"{_columns(names)} left out: {why} in the rows to train on" for why, names in left.items()
    ]
    if table.unnamed:
        notes.append(f"{table.unnamed} without a name left out (df.to_csv(..., index=False))")
    if not found:
        raise DataError("; ".join([f"no column of {table.path} is left to learn from", *notes]))
    numbers = [n for n, c in found.items() if c is None]
    categories = [f"{shown(n)} ({len(c)})" for n, c in found.items() if c is not None]
    kinds = [f"{len(numbers)} of numbers"] if numbers else []
    kinds += [f"{len(categories)} of categories: {listed(categories)}"] if categories else []
    count = f"{len(found)} column{'' if len(found) == 1 else 's'}"
    return found, [f"{count}, {', '.join(kinds)}", *notes, *mixed]


def fit_inputs(inputs: Standardize, train: Array) -> None:
    """Fit scikit-learn's transformers to the training part, and give a layer their numbers.

    Raises
    ------
    DataError
        If numbers are so large that their squares are infinite.
    ArithmeticError
        If the layer does not compute what the transformers do.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers, categories = inputs.numbers, np.unique(inputs.source)
    parts = [
        ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        ("categories", make_pipeline(
            SimpleImputer(strategy="most_frequent"),
            OneHotEncoder(handle_unknown="ignore", sparse_output=False)), categories),
    ]  # fmt: skip
    with np.errstate(all="ignore"):  # squares may overflow, which is looked for below
        transformer = ColumnTransformer([part for part in parts if len(part[2])]).fit(train)
    fitted = transformer.named_transformers_
    if len(numbers):
        inputs.fill[numbers] = fitted["numbers"][0].statistics_
        inputs.mean, inputs.scale = fitted["numbers"][1].mean_, fitted["numbers"][1].scale_
    if len(categories):
        inputs.fill[categories] = fitted["categories"][0].statistics_
    if not np.isfinite([*inputs.fill, *inputs.mean, *inputs.scale]).all():
        raise DataError("a column of numbers is too large to be standardized; divide it first")
    ours, theirs = inputs(train), transformer.transform(train)
    if ours.shape != theirs.shape or not np.allclose(ours, theirs, rtol=1e-9, atol=1e-9):
        raise ArithmeticError("the layer's inputs are not those of scikit-learn's transformers")


def confusion(predicted: Array, true: Array, classes: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a table of how often each class, a row, was predicted as each."""
    matrix = np.zeros((len(classes), len(classes)), int)
    np.add.at(matrix, (true, predicted), 1)
    names = [shown(c)[1:-1][:20] for c in classes]
    first = max(map(len, names))
    widths = [max(len(n), len(str(matrix[:, k].max()))) for k, n in enumerate(names)]
    for name, row in zip(["", *names], [names, *matrix.astype(str)], strict=True):
        cells = (f"{value:>{w}}" for value, w in zip(row, widths, strict=True))
        yield f"  {name:<{first}}  {'  '.join(cells)}"
