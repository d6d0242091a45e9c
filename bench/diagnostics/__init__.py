"""The shipped diagnostics: plain pytest files and the diffraction model they test. The one home of torch.

This folder stands alone: it is copied into the image as it is, and imports nothing outside itself but torch, pytest and
the standard library.
"""
