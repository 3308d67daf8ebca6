"""Attention: which of the other items should this one read from, and how much from each?"""
