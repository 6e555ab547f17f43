"""The peers: each a server of its own process, alike in its address, its data and its answers."""
