"""What a host's control groups offer, and where a group of ours can be."""
