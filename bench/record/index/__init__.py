"""What was read of a folder of results, kept in the user's cache so that it need not be read again; safe to delete."""
