"""How an engine on another machine is reached."""
