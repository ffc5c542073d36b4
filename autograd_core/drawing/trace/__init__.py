"""From a recorded graph to the boxes and arrows of a scene."""
