"""Drawings as SVG that fits any width."""
