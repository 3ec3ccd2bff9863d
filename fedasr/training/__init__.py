"""Training: batches, schedules, objectives and gradients; the same for silos and for the centre."""
