"""What all figures share: style, looks of rows, axes, and how a figure becomes SVG."""
