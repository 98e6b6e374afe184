"""Pictures as SVG from the server: values in, markup out, each with its finding and its table.

Nothing here reads a clock or the ledger. ``templates/pictures.html`` puts a picture on a page and
``static/pictures.css`` colours it; a picture itself names classes and no colour.
"""
