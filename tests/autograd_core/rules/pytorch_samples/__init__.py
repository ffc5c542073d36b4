"""The operation samples of PyTorch's own tests, run on the library and compared with PyTorch."""
