"""Tables as a user trains on them: real data in CSV files, what is told, what is refused."""

import csv
import json
import math
import shutil
import sys

import numpy as np
import pytest

import nn
from nn.cli import digits as cli
from nn.cli import report
from nn.cli.table_columns import Schema, fit_inputs, split
from nn.cli.table_files import MISSING, as_numbers, read_table
from nn.cli.tables import TableConfig
from nn.errors import FileFormatError
from nn.models.tables import Standardize

datasets = pytest.importorskip("sklearn.datasets")
WRITE = report.write


def run(capsys, *arguments):
    status = cli.main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def write(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def real(folder, name):
    """Write one of scikit-learn's data sets; iris with the names of its classes."""
    data = getattr(datasets, f"load_{name}")()
    target = data.target_names[data.target] if name == "iris" else data.target
    rows = [[*map(float, x), t] for x, t in zip(data.data, target, strict=True)]
    return write(folder / f"{name}.csv", [*data.feature_names, "target"], rows)


def mixed_rows(count=160):
    """Return rows of a number far from 0, another with gaps, a category with gaps, and a price."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(count):
        year, area = 1_600_000_000 + int(rng.integers(1000)), float(rng.uniform(20, 90))
        town = ["Ulm", "Köln", "Bonn"][rng.integers(3)]
        price = 3 * area + {"Ulm": 0, "Köln": 80, "Bonn": 200}[town] + 0.1 * (year - 1_600_000_000)
        gaps = rng.random(2) < 0.1
        rows.append([year, "" if gaps[0] else area, "NA" if gaps[1] else town, "same", price])
    return ["year", "area", "town", "land", "price"], rows


@pytest.fixture(autouse=True, scope="module")
def quick():
    """Draw nothing: pictures take longest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nn.cli.report.write", lambda *_, **__: [])
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a folder with a run of each kind: classes, and numbers from all kinds of columns."""
    folder = tmp_path_factory.mktemp("tables")
    real(folder, "iris")
    write(folder / "homes.csv", *mixed_rows())
    for name, target in (("iris", "target"), ("homes", "price")):
        data, out = folder / f"{name}.csv", folder / name
        command = ["train", "--data", data, "--target", target, "--out", out, "--epochs", 60]
        assert cli.main([str(c) for c in command]) == 0
    return folder


@pytest.mark.parametrize(("name", "least"), [("iris", 0.9), ("wine", 0.9), ("diabetes", 0.4)])
def test_real_tables_are_learnt(name, least, tmp_path, capsys):
    """The test part is held out: a mean over seeds, whose parts differ."""
    path, found = real(tmp_path, name), []
    for seed in range(3):
        out = tmp_path / f"{seed}"
        status, text, err = run(
            capsys, "train", "--data", path, "--target", "target", "--seed", seed, "--out", out
        )
        assert (status, err) == (0, "")
        found.append(json.loads((out / "history.json").read_text())["test"])
    kind = "regression" if name == "diabetes" else "classification"
    assert f"'target': {kind}, " in text
    assert np.mean([f["r2" if kind == "regression" else "accuracy"] for f in found]) >= least


def test_what_is_found_is_told(home, tmp_path, capsys):
    header, rows = mixed_rows()
    path = write(tmp_path / "t.csv", ["", *header], [[i, *row] for i, row in enumerate(rows)])
    status, text, err = run(
        capsys, "train", "--data", path, "--target", "price", "--epochs", 1, "--out", tmp_path / "o"
    )
    assert (status, err) == (0, "")
    areas, towns = (sum(r[k] in MISSING for r in rows) for k in (1, 2))
    assert "160 rows, 3 columns, 2 of numbers, 1 of categories: 'town' (3)" in text
    assert "'price': regression, its values are numbers" in text
    assert f"'area' is missing in {areas} rows" in text
    assert f"'town' is missing in {towns} rows" in text
    assert "the column 'land' left out: one value" in text
    assert "1 without a name left out" in text
    assert "96 rows to train on, 32 to validate, 32 to test" in text


def test_confusion_and_pictures(tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("nn.cli.report.write", WRITE)
    path = real(tmp_path, "iris")
    _, text, _ = run(
        capsys,
        "train",
        "--data",
        path,
        "--target",
        "target",
        "--epochs",
        5,
        "--out",
        tmp_path / "o",
    )
    table = [line.split() for line in text.splitlines() if line.startswith("  ")]
    assert table[0] == ["setosa", "versicolor", "virginica"]
    counts = np.array([row[1:] for row in table[1:]], int)
    assert counts.sum(1).tolist() == [10, 10, 10]
    right = float(text.partition("test: accuracy ")[2].partition("%")[0]) / 100
    assert np.trace(counts) / 30 == pytest.approx(right, abs=1e-4)
    assert {"graph.svg", "checkpoint.safetensors", "history.jsonl"} <= {
        p.name for p in (tmp_path / "o").iterdir()
    }
    page = (tmp_path / "o" / "index.html").read_text(encoding="utf-8")
    assert all(f'src="{n}.png"' in page for n in ("history", "accuracy", "confusion", "gradients"))
    assert "mistakes.png" not in page


def test_the_numbers_are_those_of_the_training_part(home):
    """Compute them by hand; the arrays in the file are the same."""
    config, model = TableConfig.read_weights(home / "homes")
    table = read_table(home / "homes.csv")
    train = split(len(table), None, 0)[0]
    for j, name in enumerate(("year", "area")):
        values = as_numbers([table.columns[name][i] for i in train])[0]
        median = np.nanmedian(values)
        filled = np.where(np.isnan(values), median, values)
        saved = [model.inputs.fill[j], model.inputs.mean[j], model.inputs.scale[j]]
        np.testing.assert_allclose(saved, [median, filled.mean(), filled.std()], rtol=1e-12)
    towns = [table.columns["town"][i] for i in train]
    assert config.schema.columns["town"] == ("Bonn", "Köln", "Ulm")
    most = max(("Bonn", "Köln", "Ulm"), key=towns.count)
    assert config.schema.columns["town"][int(model.inputs.fill[2])] == most
    prices = np.array([float(table.columns["price"][i]) for i in train])
    np.testing.assert_allclose([model.mean[0], model.scale[0]], [prices.mean(), prices.std()])
    x, _ = config.schema.encode(table)
    inside = np.asarray(model.layers(model.inputs(x)).detach())
    expected = inside * prices.std() + prices.mean()
    np.testing.assert_allclose(np.asarray(model(x).detach()), expected)


def test_a_held_out_row_changes_nothing_that_is_fitted(tmp_path, capsys):
    header, rows = mixed_rows()
    test = split(len(rows), None, 0)[2]
    found = []
    for k in range(2):
        if k:
            rows[test[0]] = [5, 1e6, "Rom", "same", 7e5]
        path = write(tmp_path / f"{k}.csv", header, rows)
        command = [
            "train",
            "--data",
            path,
            "--target",
            "price",
            "--epochs",
            2,
            "--out",
            tmp_path / f"{k}",
        ]
        status, text, _ = run(capsys, *command)
        assert status == 0
        found.append(nn.load(tmp_path / f"{k}" / "weights.safetensors"))
    assert "'town' has categories that the training has not seen" in text
    assert all(np.array_equal(found[0][n], found[1][n]) for n in found[0])


def test_the_layer_equals_scikit_learn_or_raises(monkeypatch):
    x = np.array([[1.0, 0], [np.nan, 1], [4.0, np.nan], [7.0, 1]])
    layer = Standardize([None, 2])
    fit_inputs(layer, x)
    scale = math.sqrt(4.5)
    np.testing.assert_allclose(layer(x)[:, 0], [-3 / scale, 0, 0, 3 / scale])
    assert layer(x)[:, 1:].tolist() == [[1, 0], [0, 1], [0, 1], [0, 1]]
    monkeypatch.setattr(Standardize, "forward", lambda self, x: np.zeros((4, 3)))
    with pytest.raises(ArithmeticError, match="scikit-learn"):
        fit_inputs(layer, x)


def test_resume_equals_uninterrupted(home, tmp_path, capsys):
    """The weights of an epoch before the interruption are the best, and are those of the run."""
    table = ("--data", home / "homes.csv", "--target", "price", "--lr", 0.05)
    run(capsys, "train", *table, "--epochs", 12, "--out", tmp_path / "straight")
    run(capsys, "train", *table, "--epochs", 11, "--out", tmp_path / "half")
    status, text, err = run(capsys, "train", "--resume", tmp_path / "half", "--epochs", 12)
    assert (status, err) == (0, "")
    assert "epoch 12/12" in text
    assert "epoch 11/12" not in text
    epochs = json.loads((tmp_path / "half" / "history.json").read_text())["epochs"]
    assert min(range(12), key=lambda i: epochs[i]["validation_loss"]) < 10
    a, b = (nn.load(tmp_path / d / "weights.safetensors") for d in ("half", "straight"))
    assert all(np.array_equal(a[n], b[n]) for n in a)
    header, rows = mixed_rows()
    rows[0][1] = 1.5
    other = write(tmp_path / "other.csv", header, rows)
    status, _, err = run(capsys, "train", "--resume", tmp_path / "half", "--data", other)
    assert (status, len(err.splitlines())) == (2, 1)
    assert "data" in err
    rows = [[*row[:2], "Rom" if row[2] == "Ulm" else row[2], *row[3:]] for row in mixed_rows()[1]]
    other = write(tmp_path / "other.csv", header, rows)
    status, _, err = run(capsys, "train", "--resume", tmp_path / "half", "--data", other)
    assert (status, len(err.splitlines())) == (2, 1)
    assert "another table" in err


def test_predict_on_another_table(home, tmp_path, capsys):
    """Columns are found by name, in any order; gaps and unknown categories are told."""
    path = write(
        tmp_path / "new.csv", ["town", "more", "area", "year"],
        [["Ulm", "x", 50, 1_600_000_500], ["Rom", "y", 60, 1_600_000_100], ["Bonn", "z", "", 1.6e9]],
    )  # fmt: skip
    status, text, err = run(capsys, "predict", home / "homes", path)
    assert status == 0
    header, *values = text.splitlines()
    assert (header, len(values)) == ("price", 3)
    assert float(values[0]) == pytest.approx(3 * 50 + 50, abs=40)
    assert "'area' is missing in 1 row" in err
    assert "'town' has categories that the training has not seen" in err
    assert "'Rom' (1)" in err
    rows, _ = TableConfig.read_weights(home / "homes")[0].schema.encode(read_table(path))
    np.testing.assert_array_equal(
        rows, [[1_600_000_500, 50, 2], [1_600_000_100, 60, -1], [1.6e9, np.nan, 0]]
    )
    lacking = write(tmp_path / "less.csv", ["town", "Area", "year"], [["Ulm", 1, 2]])
    status, text, err = run(capsys, "predict", home / "homes", lacking)
    assert (status, text) == (2, "")
    assert "lacks the column 'area' (did you mean 'Area'?)" in err
    wrong = write(tmp_path / "text.csv", ["town", "area", "year"], [["Ulm", "12,5", 2]])
    status, text, err = run(capsys, "predict", home / "homes", wrong)
    assert (status, text) == (2, "")
    assert "line 2" in err
    assert "'area' is '12,5', which is no number" in err


def test_predict_needs_no_scikit_learn(home, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    status, text, err = run(capsys, "predict", home / "iris", home / "iris.csv")
    rows = list(csv.DictReader(text.splitlines()))
    true = read_table(home / "iris.csv").columns["target"]
    right = np.mean([r["target"] == t for r, t in zip(rows, true, strict=True)])
    assert (status, len(rows)) == (0, 150)
    assert right > 0.9
    assert f"150 rows have a 'target': accuracy {right:.4g}" in err
    shares = [float(v) for k, v in rows[0].items() if k != "target"]
    assert sum(shares) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", ["iris", "homes"])
def test_the_onnx_file_equals_the_model(name, home, tmp_path, capsys):
    """Rows go in as they are in the table; gaps and unknown categories too."""
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    file = tmp_path / "model.onnx"
    status, _, err = run(capsys, "export", home / name, file)
    assert (status, err) == (0, "")
    config, model = TableConfig.read_weights(home / name)
    table = read_table(home / f"{name}.csv")
    x, _ = config.schema.encode(table)
    x = np.concatenate([x, np.full((1, x.shape[1]), np.nan), np.full((1, x.shape[1]), -1.0)])
    session = runtime.InferenceSession(file, providers=["CPUExecutionProvider"])
    found = session.run(None, {"columns": x})
    with nn.evaluating(model):
        out = np.asarray(model(x).detach())
    if name == "iris":
        assert found[0].tolist() == out.argmax(1).tolist()
        np.testing.assert_allclose(found[1], np.asarray(nn.softmax(out)), rtol=1e-9, atol=1e-12)
    else:
        np.testing.assert_allclose(found[0], out[:, 0], rtol=1e-9)
    told = json.loads(session.get_modelmeta().custom_metadata_map["table"])
    assert Schema.of_json(told) == config.schema


def test_the_network_of_digits_is_exported(tmp_path, capsys):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    config = cli.DigitsConfig()
    nn.save(tmp_path / "w.safetensors", config.network(0), config.metadata())
    status, _, err = run(capsys, "export", tmp_path / "w.safetensors", tmp_path / "m.onnx")
    assert (status, err) == (0, "")
    x = nn.load_digits().x_test[:3]
    found = runtime.InferenceSession(tmp_path / "m.onnx").run(None, {"x": x})[0]
    np.testing.assert_allclose(found, np.asarray(config.network(0)(x).detach()), rtol=1e-5)


@pytest.mark.parametrize(("values", "task", "expected"), [
    (["yes", "no"], "auto", ("no", "yes")), (["True", "False"], "auto", ("False", "True")),
    (["10", "9", "1.0", "1"], "auto", ("1", "9", "10")), (["0.5", "1", "2"], "auto", None),
    ([str(i) for i in range(30)], "auto", None), (["1", "2"], "regression", None),
    (["0.5", "1.5"], "classification", ("0.5", "1.5")),
])  # fmt: skip
def test_the_task_goes_with_the_target(values, task, expected, tmp_path, capsys):
    rows = [[i, v] for i, v in enumerate(values * (60 // len(values)))]
    path = write(tmp_path / "t.csv", ["x", "y"], rows)
    command = ["train", "--data", path, "--target", "y", "--task", task, "--epochs", 1]
    status, text, err = run(capsys, *command, "--out", tmp_path / "o")
    assert (status, err) == (0, "")
    assert f"'y': {'regression' if expected is None else 'classification'}, " in text
    assert TableConfig.read_weights(tmp_path / "o")[0].schema.classes == expected


def refused(home, folder):
    """Return commands and what their errors say."""
    n = range(40)
    numbers = [[i, i % 7, 0.5 * i] for i in n]
    given = {
        "few": (["a", "y"], [[i, i] for i in range(3)]),
        "constant": (["a", "y"], [[i, "same"] for i in n]),
        "gaps": (["a", "y"], [[i, ""] for i in n]),
        "nothing": (["a", "b", "y"], [[3, "NA", i] for i in n]),
        "names": (["name", "y"], [[f"Nr. {i}", i / 2] for i in n]),
        "comma": (["a", "b", "y"], [[f"{i},5", i, i / 3] for i in n]),
        "typo": (["a", "y"], [["O.5" if i == 30 else i, i / 3] for i in n]),
        "twice": (["a", "b", "a"], numbers),
        "stray": (["a", "y"], [["4o" if i == 30 else i % 25, i / 3] for i in range(80)]),
        "marked": (["a", "y"], [[f"{i % 25},5 %", i / 3] for i in range(80)]),
        "many": (["a", "y"], [[i, i] for i in range(300)]),
        "words": (["a", "y"], [[i, "x" if i % 2 else "None"] for i in n]),
        "headless": (["5.1", "3.5", "1.4"], numbers),
        "rare": (["a", "y"], [[i, "x" if i else "odd"] for i in n]),
        "texts": (["a", "y"], [[i, f"word {i}"] for i in n]),
        "good": (["a", "price", "y"], numbers),
        "only": (["a", "y"], []),
        "large": (["a", "y"], [[f"{i}e300", i / 3] for i in n]),
        "huge": (["a", "y"], [[f"{i + 1}e999", i / 3] for i in n]),
        "vast": (["a", "y"], [[i, f"{i + 0.5}e299"] for i in n]),
    }
    for name, (header, rows) in given.items():
        write(folder / f"{name}.csv", header, rows)
    (folder / "empty.csv").write_text("")
    (folder / "ragged.csv").write_text("a,y\n1,2\n3\n")
    (folder / "quote.csv").write_text('a,y\n1,"2\n')
    (folder / "latin.csv").write_bytes("a,y\nKöln,1\n".encode("latin-1"))
    (folder / "book.csv").write_bytes(b"PK\3\4\xff\xfe\0")
    return [
        ("few", "y", (), "3 rows with a value of 'y'"), ("constant", "y", (), "one value 'same'"),
        ("gaps", "y", (), "0 rows with a value"), ("nothing", "y", (), "no column"),
        ("names", "y", (), "--ignore 'name'"), ("comma", "y", (), "a number is written 12.5"),
        ("typo", "y", (), "line 32 of"), ("stray", "y", (), "--categories 'a'"),
        ("marked", "y", (), "looks like numbers"), ("words", "y", (), "'None' counts as missing"),
        ("many", "y", ("--task", "classification"), "--task regression"),
        ("twice", "a", (), "two columns called 'a'"),
        ("headless", "y", (), "line 1 of"), ("rare", "y", (), "'odd' (1)"),
        ("texts", "y", (), "no classes to learn"), ("good", "prize", (), "(did you mean 'price'?)"),
        ("only", "y", (), "no rows"), ("empty", "y", (), "is empty"),
        ("ragged", "y", (), "line 3 of"), ("quote", "y", (), "no CSV"),
        ("latin", "y", (), "UTF-8"), ("book", "y", (), "UTF-8"), ("huge", "y", (), "no categories"),
        ("large", "y", (), "too large"), ("vast", "y", (), "target is too large"),
        ("absent", "y", (), "No such file"),
        ("good", "y", ("--layers", "3,4"), "--hidden"), ("good", "y", ("--loss", "mse"), "--hidden"),
        ("good", "y", ("--hidden", "0"), "from 1 up"), ("good", "y", ("--ignore", "b"), "no column"),
        ("texts", "y", ("--task", "regression"), "'word 0'"),
        ("good", "y", ("--resume", home / "iris"), "begun with --target"),
        ("good", None, (), "which column"), ("good", None, ("--task", "regression"), "which column"),
    ]  # fmt: skip


def test_errors_are_one_line_that_teaches(home, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, target, more, message in refused(home, tmp_path):
        wanted = () if target is None else ("--target", target)
        status, out, err = run(capsys, "train", "--data", f"{name}.csv", *wanted, *more)
        assert (status, out, len(err.splitlines())) == (2, "", 1), (name, out, err)
        assert message in err, (name, err)
    assert not (tmp_path / "runs").exists()


def test_a_missing_library_is_named(home, capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    command = ["train", "--data", home / "iris.csv", "--target", "target", "--out", tmp_path / "o"]
    status, _, err = run(capsys, *command)
    assert (status, len(err.splitlines())) == (2, 1)
    assert "pip install scikit-learn" in err


SEPARATED = 'name;"a;b";x\r\nZoë;"say ""no""";1\r\n"two\nlines";;2.5\r\n'


@pytest.mark.parametrize("text", [SEPARATED, SEPARATED.replace(";", ","), "\ufeff" + SEPARATED])
def test_tables_are_read_as_pandas_reads_them(text, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    table = read_table(path)
    assert next(iter(table.columns)) == "name"
    assert table.columns["name"] == ["Zoë", "two\nlines"]
    assert table.columns["x"] == ["1", "2.5"]
    assert (table.lines, list(table.columns.values())[1]) == ([2, 4], ['say "no"', ""])
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(path, sep=";" if ";x" in text else ",", dtype=str, na_filter=False)
    assert frame.to_dict("list") == table.columns


HOSTILE = [
    {"target": 3}, {"classes": ["a"]}, {"classes": ["a", "a"]}, {"classes": "ab"}, {"columns": []},
    {"columns": [{"name": "x"}]}, {"columns": [{"name": "x", "categories": []}]},
    {"columns": [{"name": "x", "categories": [1]}]}, {"columns": 3},
    {"columns": [{"name": "x", "categories": None}] * 2}, {"target": "\ud800"},
]  # fmt: skip


@pytest.mark.parametrize("change", HOSTILE)
def test_files_are_not_trusted(change, home, tmp_path):
    path = home / "iris" / "weights.safetensors"
    arrays, metadata = nn.files.read(path)
    recipe = json.loads(metadata["table"])
    recipe["columns"] |= change
    text = json.dumps(recipe)
    with pytest.raises(FileFormatError, match="not written by python -m nn train"):
        TableConfig.parse({"table": text}, path)
    if "\\ud800" not in text:
        nn.save(tmp_path / "w.safetensors", arrays, {"table": text})
        assert cli.main(["predict", str(tmp_path / "w.safetensors"), str(home / "iris.csv")]) == 2


@pytest.mark.parametrize("value", [0.0, np.nan, -1.0])
def test_a_scale_that_is_none_predicts_nothing(value, home, tmp_path, capsys):
    shutil.copytree(home / "iris", tmp_path / "run")
    path = tmp_path / "run" / "weights.safetensors"
    arrays, metadata = nn.files.read(path)
    arrays["inputs.scale"][1] = value
    nn.save(path, arrays, metadata)
    status, text, err = run(capsys, "predict", tmp_path / "run", home / "iris.csv")
    assert (status, text) == (1, "")
    assert "inputs.scale" in err


@pytest.mark.parametrize("activation", ["relu", "identity", "tanh"])
@pytest.mark.parametrize("classes", [None, ["a", "b", "c"]])
def test_shapes_are_those_of_the_network(activation, classes):
    columns = [{"name": "x", "categories": None}, {"name": "y", "categories": ["p", "q"]}]
    config = TableConfig(
        hidden=(4, 3), activation=activation,
        columns={"target": "t", "classes": classes, "columns": columns},
    )  # fmt: skip
    assert config.shapes() == {n: a.shape for n, a in config.network(0).state_dict().items()}
    assert TableConfig.parse(config.metadata(), "file") == config


def test_numbers_that_are_names(tmp_path, capsys):
    """Codes that look like numbers are categories where it is said, or where some are texts."""
    rng = np.random.default_rng(0)
    towns, rooms = rng.choice([10115, 20095, 80331], 90), rng.choice(["1", "2", "3+"], 90)
    rows = [[t, r, float(t % 1000)] for t, r in zip(towns, rooms, strict=True)]
    path = write(tmp_path / "codes.csv", ["zip", "rooms", "y"], rows)
    command = ["train", "--data", path, "--target", "y", "--epochs", 2, "--out", tmp_path / "run"]
    status, out, _ = run(capsys, *command, "--categories", "zip")
    assert status == 0
    assert "2 of categories: 'zip' (3), 'rooms' (3)" in out
    assert "'rooms' is a number in" in out
    assert "'3+'): taken as categories" in out
    new = write(tmp_path / "new.csv", ["zip", "rooms"], [[10115, 1], [99999, 2]])
    status, out, err = run(capsys, "predict", tmp_path / "run", new)
    assert (status, len(out.splitlines())) == (0, 3)
    assert "predicted as none of those it has: '99999' (1)" in err


def test_a_folder_of_a_run_that_was_killed(tmp_path, capsys):
    path = write(tmp_path / "a.csv", ["a", "y"], [[i, i / 2] for i in range(40)])
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "history.jsonl").touch()
    status, _, err = run(
        capsys, "train", "--data", path, "--target", "y", "--out", tmp_path / "run"
    )
    assert status == 2
    assert "remove it if its run was killed" in err
