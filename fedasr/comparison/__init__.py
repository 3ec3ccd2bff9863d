"""How sure a comparison is: intervals of a pooled error rate, and of the ratio of two, over speakers and trainings."""
