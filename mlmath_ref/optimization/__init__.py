"""Optimization: given a gradient, where should the parameters go next, and how far?"""
