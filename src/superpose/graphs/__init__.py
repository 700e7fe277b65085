"""Graphs enter through linear propagators that are computed once, exactly; not built yet."""
