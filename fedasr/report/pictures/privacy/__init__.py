"""What privacy costs: word error rate against ε."""
