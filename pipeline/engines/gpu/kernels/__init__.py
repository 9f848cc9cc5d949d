"""Kernels in Triton for the training of networks with one hidden layer on a GPU."""
