"""What `sheets.py` measures with: files of each shape, and the work that is measured."""
