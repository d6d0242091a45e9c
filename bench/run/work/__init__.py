"""The counting run: whether one is made, how, and what it brought."""
