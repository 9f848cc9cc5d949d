"""Problems: input distributions, target functions, tables, and the losses that measure how well they are learned."""
