"""The Docker engine: its client, containers and what it reports of itself; the one home of docker."""
