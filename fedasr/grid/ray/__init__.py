"""The grid on Ray actors."""
