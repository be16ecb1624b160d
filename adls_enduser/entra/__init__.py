"""Requests to Entra ID through adal or msal, and the parsing of its responses.

``backend`` declares the requests that strategies make, and loads ``adal_backend`` or
``msal_backend``, one module for each foreign library. Both send through ``http`` and parse with
``responses``. ``error_response`` turns an error response into a typed error, with the AADSTS
table of ``aadsts``. ``device_flow`` polls until the person has finished,
``authorization_response`` takes what the browser brings back, and ``cloud_metadata`` reads a
Cloud from its Resource Manager.
"""
