"""The engine window: devices, sharing, remote servers, benchmark."""
