"""Transformer: what goes into a block besides attention, and how does it know the order of its input?"""
