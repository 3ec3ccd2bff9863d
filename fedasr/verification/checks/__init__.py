"""One check a file: each yields a finding for every figure that it computes again."""
