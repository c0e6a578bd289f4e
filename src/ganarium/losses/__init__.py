"""Objectives, penalties and adversarial losses."""
