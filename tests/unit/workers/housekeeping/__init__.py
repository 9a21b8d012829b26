"""Tests of sweeps, recounts and repairs."""
