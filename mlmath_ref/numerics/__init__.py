"""Numerics: how does a formula survive finite precision, and how far can its result be trusted?"""
