"""What a training found, as one page that people can read without anything else: figures, pictures, limits in words."""
