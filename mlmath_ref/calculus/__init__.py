"""Calculus: how does an output move when an input does, and how does that slope itself change?"""
