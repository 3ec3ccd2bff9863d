"""What passes between a server and silos in processes of their own, beside the row's messages."""
