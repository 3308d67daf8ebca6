"""Probability: how are uncertain values described, and what does an observation change?"""
