"""What runs in a process of its own while it is measured: clients, their server, pieces of work."""
