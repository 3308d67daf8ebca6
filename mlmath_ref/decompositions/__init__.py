"""Decompositions: along which directions does a matrix act, and how much is lost by keeping few?"""
