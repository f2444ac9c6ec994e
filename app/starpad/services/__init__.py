"""One QObject per feature: the UI calls down, signals come up."""
