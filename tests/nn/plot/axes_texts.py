"""What the tests of plots read off the axes."""


def texts(ax):
    """Return the texts on the axes."""
    return [t.get_text() for t in ax.texts]
