"""The settings dialog, generated from the settings' fields."""
