"""Clothes and what people carry: wardrobe, cut, drape, fabrics."""
