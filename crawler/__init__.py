"""Crawler: fetches, and nothing else."""
