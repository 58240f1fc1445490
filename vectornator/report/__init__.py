"""What a run tells people: observers while it goes on, renderers of its record afterwards."""
