"""The built-in layered layout: ranks, crossings, coordinates, routes."""
