"""Curves: learned functions of one number, the only thing that is learned in this library."""
