"""AdaMix: DP-SGD whose threshold and subspace come of public speech, mixed with public gradients."""
