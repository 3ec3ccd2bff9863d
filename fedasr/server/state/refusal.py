"""Why a strategy cannot be written down, or what was written cannot be put back."""


class UnsavableError(TypeError):
    """A strategy holds something that cannot be written down without pickle, or put back exactly."""
