"""Read texts and values off the axes, for the tests of plots."""


def texts(ax):
    """Return the texts on the axes."""
    return [t.get_text() for t in ax.texts]
