"""Find the alignment your instruction data inherited, decide what stays, train on the rest, and measure what the model learned."""

__version__ = "0.1.0"
__all__ = ["__version__"]
