"""A small application with a history, and its replay with a newer model whose replies are recorded.

What is shown goes the way of every replay: the same plan, the same requests, the same checks. Only who
answers differs: the texts in ``replies/``, one for each request, written once for exactly that request.
"""
