"""What stands behind the page in a browser (plugin/web.py is its front door): a visitor's
picture, wishes and results on one side, the worker on the other."""
