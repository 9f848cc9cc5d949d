"""Value, gradient and steps of a whole pack."""
