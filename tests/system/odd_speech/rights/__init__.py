"""What may be right of a case: the exact value, or a refusal that names what is wrong and the mend."""
