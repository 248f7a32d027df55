"""CORS for Flask, with the names and options of flask-cors.

    CORS(app, origins=["https://app.example.com"])

The headers reach every response, because the application's `wsgi_app` is wrapped: 404, 405, 500,
static files, streams.
"""

from .extension import CORS
from .views import cross_origin

__all__ = ["CORS", "cross_origin"]
