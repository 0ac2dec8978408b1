"""Labels as annotation tools leave them, each format read into the same few values."""
