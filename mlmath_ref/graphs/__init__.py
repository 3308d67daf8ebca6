"""Graphs: how do the connections between items shape what each of them learns?"""
