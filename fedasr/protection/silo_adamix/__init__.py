"""AdaMix at the server: silos' changes bounded and directed by those of pseudo-silos of public speech."""
