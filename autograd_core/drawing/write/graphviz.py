"""The ``dot`` program: DOT as SVG, PNG or PDF, under a timeout."""

from __future__ import annotations

from autograd_core.errors import AutogradError

INSTALL = (
    "Graphviz's `dot` program is not installed (the Python package alone is not enough): "
    "apt install graphviz (Debian, Ubuntu), dnf install graphviz (Fedora), brew install graphviz "
    "(macOS), winget install graphviz (Windows), conda install -c conda-forge graphviz. "
    "Every format but PNG and PDF works without it: g.save('graph.svg')"
)
TIMEOUT = 20.0  # seconds


class GraphvizError(AutogradError, RuntimeError):
    """The ``dot`` program is absent, failed, or took too long."""


def render(dot: str, format: str, timeout: float | None = None) -> bytes:
    """Lay DOT out with the ``dot`` program: ``svg``, ``png`` or ``pdf``.

    Raises
    ------
    GraphvizError
        If the program is absent (the error says how to install it), fails, or takes longer than
        ``timeout`` seconds.
    """
    import subprocess  # here, because it would cost every user of the package 10 ms

    try:
        from graphviz import DOT_BINARY
    except ImportError:
        DOT_BINARY = "dot"
    limit = TIMEOUT if timeout is None else timeout
    command = [str(DOT_BINARY), f"-T{format}", *(["-Gdpi=144"] if format == "png" else [])]
    try:
        done = subprocess.run(
            command, input=dot.encode(), capture_output=True, timeout=limit, check=False
        )
    except OSError:
        raise GraphvizError(INSTALL) from None
    except subprocess.TimeoutExpired:
        raise GraphvizError(
            f"dot took more than {limit:.0f} s for this graph; draw less of it with max_nodes="
        ) from None
    if done.returncode or not done.stdout:
        raise GraphvizError(f"dot failed: {done.stderr.decode(errors='replace').strip()[:400]}")
    return bytes(done.stdout)
