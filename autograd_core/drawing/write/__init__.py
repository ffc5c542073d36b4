"""Writers of a scene: DOT, SVG, HTML, Mermaid, JSON, text."""
