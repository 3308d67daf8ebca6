"""Layers: what does one step of a network compute from its input, and what does it carry along?"""
