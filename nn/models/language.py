"""A language model of characters: predict the next one from those before it."""

import math
from functools import partial
from typing import Any, Self

import numpy as np

import autograd_core as ag
from nn.data.text import Characters
from nn.functional.activations import as_array, softmax
from nn.functional.classification import cross_entropy
from nn.init import Rng, generator, normal
from nn.layers.attention import TransformerEncoderLayer
from nn.layers.basic import Embedding, Linear
from nn.layers.dropout import Dropout
from nn.layers.normalization import LayerNorm
from nn.layers.recurrent import GRU, LSTM, RNN, detached
from nn.module import Module, Parameter, check_counts, evaluating

KINDS: dict[str, Any] = {"rnn": RNN, "lstm": LSTM, "gru": GRU}


class CharRNN(Module):
    """Recurrent network over vectors of characters, with logits of the next character.

    Parameters
    ----------
    characters
        The size of the vocabulary.
    kind
        ``"rnn"``, ``"lstm"`` or ``"gru"``.
    embed, hidden
        The lengths of a character's vector, and of the state.
    num_layers, dropout
        As in :class:`nn.RNN`.
    stateful
        Whether, while training, each batch begins with the last state of the batch before, without
        its gradient (truncated backpropagation through time; for batches that continue each
        other, see :class:`nn.text.Streams`).  ``train()`` resets the state.
    rng, dtype
        Generator or seed, and dtype, of the initial values.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.models.char_rnn(65, "gru", rng=0)
    >>> model(np.zeros((32, 64), int)).shape
    (32, 64, 65)
    """

    def __init__(
        self,
        characters: int,
        kind: str = "gru",
        *,
        embed: int = 32,
        hidden: int = 128,
        num_layers: int = 1,
        dropout: float = 0.0,
        stateful: bool = False,
        rng: Rng = None,
        dtype: Any = np.float32,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}, got {kind!r}")
        rng = generator(rng)
        self.embedding = Embedding(characters, embed, rng=rng, dtype=dtype)
        self.recurrent = KINDS[kind](
            embed, hidden, num_layers, dropout=dropout, rng=rng, dtype=dtype
        )
        self.output = Linear(hidden, characters, rng=rng, dtype=dtype)
        self.stateful, self.state = stateful, None

    def advance(self, ids: Any, state: Any = None) -> tuple[ag.Tensor, Any]:
        """Return logits ``(N, T, characters)`` after each of ``ids (N, T)``, and the last state."""
        states, last = self.recurrent(self.embedding(ids), state)
        return self.output(states), last

    def forward(self, ids: Any) -> ag.Tensor:
        """Return logits ``(N, T, characters)`` of the character after each of ``ids (N, T)``."""
        if not (self.training and self.stateful):
            return self.advance(ids)[0]
        state = self.state
        if state is not None and as_array(state[0]).shape[-2] != len(ids):  # other streams
            state = None
        logits, last = self.advance(ids, state)
        if not ag.is_recomputing():
            self.state = detached(last)
        return logits

    def reset_state(self) -> None:
        """Begin with a state of zeros again; :func:`nn.fit` does so before each epoch."""
        self.state = None

    def train(self, mode: bool = True) -> Self:
        """Switch to training (or evaluation), and reset the state."""
        self.reset_state()
        return super().train(mode)


class CharTransformer(Module):
    """Transformer over the last ``context`` characters, with logits of the next one.

    Layers normalize what goes into them, positions are learned, and no place sees a later one
    (A. Radford and others, *Language models are unsupervised multitask learners*, 2019).

    Parameters
    ----------
    characters
        The size of the vocabulary.
    hidden
        The length of the vector of a place.
    context
        The largest number of characters that are looked at.
    num_layers, heads, dropout
        The number of layers, and two settings of :class:`nn.TransformerEncoderLayer`, whose
        ``dim_feedforward`` is ``4 * hidden``.
    rng, dtype
        Generator or seed, and dtype, of the initial values.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.language.CharTransformer(65, hidden=32, context=64, rng=0)
    >>> model(np.zeros((8, 64), int)).shape
    (8, 64, 65)
    """

    def __init__(
        self, characters: int, *, hidden: int = 128, context: int = 64, num_layers: int = 2,
        heads: int = 4, dropout: float = 0.0, rng: Rng = None, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        check_counts(self, context=context, num_layers=num_layers)
        rng, self.context = generator(rng), context
        options: dict[str, Any] = {"rng": rng, "dtype": dtype}
        self.embedding = Embedding(characters, hidden, init=_SMALL, **options)
        self.positions = Parameter(_SMALL((context, hidden), rng=rng), dtype=dtype)
        self.dropout = Dropout(dropout, rng=rng.spawn(1)[0])
        sizes = hidden, heads, 4 * hidden, dropout, "gelu"
        made = partial(TransformerEncoderLayer, *sizes, norm_first=True, **options)
        self.layers = [made() for _ in range(num_layers)]
        self.norm = LayerNorm(hidden, dtype=dtype)
        self.output = Linear(hidden, characters, **options)

    def forward(self, ids: Any) -> ag.Tensor:
        """Return logits ``(N, T, characters)`` of the character after each of ``ids (N, T)``."""
        steps = ids.shape[-1]
        if steps > self.context:
            raise ValueError(
                f"this CharTransformer looks at {self.context} characters, got {steps} of them; "
                "cut the text into windows, or make it with a larger context="
            )
        x = self.dropout(self.embedding(ids) + self.positions[:steps])
        for layer in self.layers:
            x = layer(x, is_causal=True)
        return self.output(self.norm(x))

    def advance(self, ids: Any, state: Any = None) -> tuple[ag.Tensor, Any]:
        """Return logits ``(N, T', characters)`` for the last ``context`` characters, and these.

        ``state`` are those that stood before ``ids (N, T)``.
        """
        seen = np.concatenate([ids[:, :0] if state is None else state, ids], axis=1)
        seen = seen[:, -self.context :]
        return self(seen), seen


#: Initial vectors of characters and of positions are as small as those of GPT-2.
_SMALL = partial(normal, std=0.02)


def next_character_loss(logits: Any, target: Any) -> Any:
    """Return the mean cross-entropy of logits ``(N, T, C)`` and characters ``(N, T)``, in nats."""
    return cross_entropy(logits.reshape(-1, logits.shape[-1]), as_array(target).reshape(-1))


def perplexity(nats: float) -> float:
    """Return ``exp(nats)``: the number of equally likely characters that are as hard to guess."""
    return math.exp(min(nats, 700.0))


def sample(
    model: CharRNN | CharTransformer,
    characters: Characters,
    prompt: str = "\n",
    length: int = 500,
    *,
    temperature: float = 1.0,
    rng: Rng = None,
) -> str:
    """Generate text that continues a prompt, character by character.

    Parameters
    ----------
    model, characters
        The model and its vocabulary.
    prompt
        The beginning of the text; at least one character, all from the vocabulary.
    length
        The number of characters to generate.
    temperature
        Divides the logits: below 1, likely characters become more likely; 0 always takes the
        likeliest.
    rng
        Generator or seed.

    Returns
    -------
    str
        The generated text, without the prompt.
    """
    if not prompt:
        raise ValueError("a prompt has at least one character")
    if not temperature >= 0 or length < 0:
        raise ValueError(f"temperature and length are not negative, got {temperature} and {length}")
    rng, ids, state = generator(rng), characters.encode(prompt)[None], None
    found = []
    with evaluating(model), ag.no_grad():
        for _ in range(length):
            logits, state = model.advance(ids, state)
            last = as_array(logits)[0, -1].astype(float)
            if np.isnan(last).any() or last.max() == np.inf:
                raise ValueError(
                    "the model gives logits that are not finite: its training diverged"
                )
            if temperature:
                chance = softmax(last / temperature)
                chosen = int(rng.choice(len(last), p=chance / chance.sum()))
            else:
                chosen = int(last.argmax())
            found.append(chosen)
            ids = np.array([[chosen]])
    return characters.decode(found)
