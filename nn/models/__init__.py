"""Complete networks, ready to train: perceptrons, LeNet-5, a language model of characters."""

from nn.models.language import CharRNN as CharRNN
from nn.models.networks import char_rnn as char_rnn
from nn.models.networks import lenet5 as lenet5
from nn.models.networks import mlp as mlp
from nn.models.networks import perceptron as perceptron
