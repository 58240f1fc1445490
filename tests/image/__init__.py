"""What users see of the image, run as their CI runs it."""
