from .resize import resize

__all__ = ['resize']
