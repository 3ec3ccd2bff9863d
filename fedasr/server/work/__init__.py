"""What rows take and how they train, known before they do."""
