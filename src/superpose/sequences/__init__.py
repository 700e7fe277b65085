"""Sequences enter through linear memories that are computed once, exactly; not built yet."""
