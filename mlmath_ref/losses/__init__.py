"""Losses: what number should training make small?"""
