"""Faults on purpose: kills, full disks, torn files, two writers, clock steps, and whether everything is whole after."""
