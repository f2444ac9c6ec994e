"""Values and rules: true without a window, a model or a network."""
