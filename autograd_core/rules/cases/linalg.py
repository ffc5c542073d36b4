"""Cases of linear algebra: factors, decompositions, norms, products."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.rules.cases.base import add

L = np.linalg
_rng = np.random.default_rng(7)


def normal(*shape: int) -> Any:
    return _rng.normal(size=shape)


def complex_normal(*shape: int) -> Any:
    return normal(*shape) + 1j * normal(*shape)


A, B, b = normal(3, 3), normal(3, 2), normal(3)
AC, BC = complex_normal(3, 3), complex_normal(3, 2)
T, TC = normal(2, 3, 3), complex_normal(2, 3, 3)
TALL, WIDE, TALL_C = normal(4, 3), normal(3, 4), complex_normal(4, 3)
S, SC = A @ A.T + 3 * np.eye(3), AC @ AC.conj().T + 3 * np.eye(3)

for id, x in {"": A, " complex": AC, " stack": T, " complex stack": TC}.items():
    add(f"inv{id}", L.inv, x)
    add(f"det{id}", L.det, x)
    add(f"slogdet{id}", lambda x: L.slogdet(x)[1], x)
    add(f"eigvals{id}", L.eigvals, x)
    add(f"eig{id}", lambda x: L.eig(x)[1], x)
    add(f"eigh{id}", lambda x: L.eigh(x)[1], x)
    add(f"eigh upper{id}", lambda x: L.eigh(x, UPLO="U")[1], x)
    add(f"eigvalsh{id}", L.eigvalsh, x)
    add(f"svd u{id}", lambda x: L.svd(x)[0], x)
    add(f"svd s{id}", lambda x: L.svd(x)[1], x)
    add(f"svd vh{id}", lambda x: L.svd(x)[2], x)
    add(f"qr q{id}", lambda x: L.qr(x)[0], x)
    add(f"qr r{id}", lambda x: L.qr(x)[1], x)
    add(f"pinv{id}", L.pinv, x)
    add(f"cond{id}", L.cond, x)
    add(f"matrix_power{id}", lambda x: L.matrix_power(x, 5), x)
    add(f"matrix_power negative{id}", lambda x: L.matrix_power(x, -2), x)
add("slogdet sign", lambda x: L.slogdet(x)[0], AC)
add("det singular", L.det, np.array([[1.0, 2], [2, 4]]))
add("det singular 3", L.det, np.array([[1.0, 2, 3], [2, 4, 6], [1, 0, 1]]))
add("matrix_power 1", lambda x: L.matrix_power(x, 1) * x, A)
for id, x in {"": S, " complex": SC}.items():
    add(f"cholesky{id}", L.cholesky, x)
    add(f"cholesky upper{id}", lambda x: L.cholesky(x, upper=True), x)
    add(f"pinv hermitian{id}", lambda x: L.pinv(x, hermitian=True), x)
    add(f"svd hermitian{id}", lambda x: L.svd(x, hermitian=True)[1], x)
    add(f"svd hermitian values{id}", lambda x: L.svd(x, compute_uv=False, hermitian=True), x)
add("svd hermitian u", lambda x: L.svd(x, hermitian=True)[2], S)
for id, x in {"tall": TALL, "wide": WIDE, "tall complex": TALL_C}.items():
    add(f"pinv {id}", L.pinv, x)
    add(f"pinv rcond {id}", lambda x: L.pinv(x, rcond=1e-9), x)
    add(f"qr q {id}", lambda x: L.qr(x)[0], x)
    add(f"qr r {id}", lambda x: L.qr(x, "r"), x)
    add(f"qr complete r {id}", lambda x: L.qr(x, "complete")[1], x)
    for k, name in enumerate(["u", "s", "vh"]):
        add(f"svd thin {name} {id}", lambda x, k=k: L.svd(x, full_matrices=False)[k], x)
add("qr complete q", lambda x: L.qr(x, mode="complete")[0], TALL)
add("svd full u", lambda x: L.svd(x)[0], TALL)
add("svd full vh", lambda x: L.svd(x)[2], WIDE)
add("svd values", lambda x: L.svd(x, compute_uv=False), TALL)
add("svdvals", L.svdvals, TALL)
for id, a, y in (
    ("matrix", A, B), ("vector", A, b), ("stack", T, B), ("stack vector", T, b), ("complex", AC, BC),
):  # fmt: skip
    add(f"solve {id}", L.solve, a, y)
add("lstsq", lambda a, y: L.lstsq(a, y)[0], TALL, normal(4))
add("lstsq columns", lambda a, y: L.lstsq(a, y, rcond=None)[0], TALL, normal(4, 2))
add("lstsq wide", lambda a, y: L.lstsq(a, y)[0], WIDE, normal(3))
add("lstsq residuals", lambda a, y: L.lstsq(a, y)[1], TALL, normal(4, 2))
add("lstsq values", lambda a, y: L.lstsq(a, y)[3], TALL, normal(4))

for o in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf):
    add(f"norm matrix {o}", lambda x, o=o: L.norm(x, o), TALL)
    add(f"norm complex {o}", lambda x, o=o: L.norm(x, ord=o), TALL_C)
    add(f"norm axes {o}", lambda x, o=o: L.norm(x, o, axis=(2, 0), keepdims=True), T)
    if o is not None:
        add(f"matrix_norm {o}", lambda x, o=o: L.matrix_norm(x, ord=o), T)
        add(f"cond {o}", lambda x, o=o: L.cond(x, o), A) if o not in ("nuc",) else None
for o in (None, 0, 1, 2, 3, 2.5, 0.5, -1, np.inf, -np.inf):
    add(f"norm vector {o}", lambda x, o=o: L.norm(x, o), b)
    add(f"norm axis {o}", lambda x, o=o: L.norm(x, o, axis=-2, keepdims=True), T)
    if o is not None:
        add(f"vector_norm {o}", lambda x, o=o: L.vector_norm(x, ord=o, axis=(0, -1)), T)
add("vector_norm", L.vector_norm, TC)
add("norm all axes", L.norm, T)

add("multi_dot", lambda *a: L.multi_dot(a), TALL, A, B)
add("multi_dot vectors", lambda *a: L.multi_dot(a), b, A, S, b + 1)
add("tensorsolve", L.tensorsolve, normal(2, 3, 6), normal(2, 3))
add("tensorsolve axes", lambda a, y: L.tensorsolve(a, y, axes=(1,)), normal(2, 6, 3), normal(2, 3))
add("tensorinv", L.tensorinv, normal(2, 3, 3, 2))
add("tensorinv ind", lambda x: L.tensorinv(x, ind=1), normal(6, 2, 3))
add("cross", np.cross, TALL, b)
add("cross axes", lambda x, y: np.cross(x, y, axisa=0, axisb=-1, axisc=0), WIDE, TALL + 0.5)
add("cross axis", lambda x, y: np.cross(x, y, axis=0), WIDE, normal(3, 4))
add("linalg.cross", L.cross, TALL, normal(4, 3))
add("linalg.cross axis", lambda x, y: L.cross(x, y, axis=0), WIDE, normal(3, 4))
for id, x, y in (("", TALL, b), (" complex", TALL_C, TALL_C[:1])):
    add(f"vecdot{id}", np.vecdot, x, y)
    add(f"linalg.vecdot{id}", L.vecdot, x, y)
add("vecdot axis", lambda x, y: np.vecdot(x, y, axis=0), TALL, normal(4, 3))
add("linalg.vecdot axis", lambda x, y: L.vecdot(x, y, axis=0), TALL, normal(4, 3))
if hasattr(np, "matvec"):
    add("matvec", np.matvec, T, b)
    add("vecmat", np.vecmat, TALL_C, AC)
add("linalg.outer", L.outer, b, normal(2))
add("linalg.matmul", L.matmul, A, B)
add("linalg.tensordot", lambda x, y: L.tensordot(x, y, axes=([0], [1])), A, TALL)
add("linalg.trace", lambda x: L.trace(x, offset=1), T)
add("linalg.diagonal", lambda x: L.diagonal(x, offset=-1), T)
add("matrix_transpose", np.matrix_transpose, T)
add("linalg.matrix_transpose", L.matrix_transpose, T)
