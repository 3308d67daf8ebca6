"""Efficiency: how much of a model's memory and arithmetic is needed, and what does less cost?"""
