"""Reads a whole MLflow server through the Python client, and compares two of them. Shares nothing with mlferry."""
