"""What `grid.py` compares: the cases, the work of a silo, and one module for each contestant."""
