#!/nonexistent/python9
