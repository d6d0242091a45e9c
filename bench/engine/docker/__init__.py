"""The Docker engine: its client, containers and what it says of itself; the one home of docker."""
