"""The web page. Needs: gradio, in the process of the page alone."""
