"""Information: how much does an observation tell, and what does a wrong model cost?"""
