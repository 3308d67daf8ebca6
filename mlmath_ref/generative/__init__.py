"""Generative models: how is noise turned into data, and data into noise?"""
