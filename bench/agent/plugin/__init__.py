"""This folder is put on the child's PYTHONPATH, alone: nothing else of ours can then shadow a module of the tests'."""
