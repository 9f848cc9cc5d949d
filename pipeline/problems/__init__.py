"""What is to be learned: laws of inputs, functions, tables, and the losses that say how well."""
