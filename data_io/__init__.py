"""How rows come in and how they go out."""
