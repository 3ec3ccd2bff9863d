"""The engine: from an experiment to finished rows. It alone knows all the other rooms."""
