"""Scaling: how does the loss fall as parameters, data and compute grow?"""
