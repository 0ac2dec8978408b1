"""The experiments of the paper and DIDA's own: their table, their configs, and running them."""
