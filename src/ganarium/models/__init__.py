"""Models: trained games, saved, loaded and used."""
