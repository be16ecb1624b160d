"""A web service in which each visitor signs in, and no request waits for a person.

Open http://localhost:8000 and sign in. docs/web-service.md says what must be so, and why.
"""

import html
import os
import queue
import secrets
import threading
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient

from adls_enduser import DeviceCode, EndUserError, SignInError, management_credentials

TENANT = "contoso.onmicrosoft.com"
SUBSCRIPTION_ID = "c0ffee00-7e57-4c0a-9d0a-00000000beef"

visitors = {}  # by the secret in each visitor's cookie


class Visitor:
    """One person: a strategy of their own, and the credentials for their requests."""

    def __init__(self):
        self.shown, self.cancel, self.credentials = queue.Queue(), threading.Event(), None
        threading.Thread(target=self.sign_in, daemon=True).start()

    def sign_in(self):
        try:
            strategy = DeviceCode(tenant=TENANT, prompt=self.shown.put, cancel=self.cancel)
            management_credentials(strategy)  # waits for the person, in this thread
            self.credentials = management_credentials(strategy, interactive=False)
        except EndUserError as error:
            self.shown.put(error)


class Service(BaseHTTPRequestHandler):
    def do_GET(self):
        visitor = visitors.get(self.session())
        if visitor is None or visitor.credentials is None:
            return self.reply(401, "You are not signed in.", "sign-in")
        try:  # these credentials never prompt: they raise SignInError instead
            client = DataLakeStoreAccountManagementClient(visitor.credentials, SUBSCRIPTION_ID)
            names = ", ".join(account.name for account in client.accounts.list())
        except EndUserError as error:
            return self.reply(401 if isinstance(error, SignInError) else 503, error, "sign-in")
        return self.reply(200, f"{visitor.credentials.whoami().username}: {names}", "sign-out")

    def do_POST(self):
        if old := visitors.pop(self.session(), None):
            old.cancel.set()
        if self.path != "/sign-in":
            return self.reply(200, "You are signed out.", "sign-in")
        session = secrets.token_urlsafe()
        visitors[session] = visitor = Visitor()
        prompt = visitor.shown.get(timeout=60)  # comes after one request to Entra ID
        return self.reply(200, getattr(prompt, "message", prompt), "sign-out", session)

    def session(self):
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("session")
        return cookie and cookie.value

    def reply(self, status, text, action, session=None):
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        if session:
            self.send_header("Set-Cookie", f"session={session}; HttpOnly; SameSite=Strict")
        self.end_headers()
        page = f"<p>{html.escape(str(text))}</p><form method='post' action='/{action}'>"
        self.wfile.write(f"{page}<button>{action}</button> <a href='/'>go on</a></form>".encode())


server = ThreadingHTTPServer(("localhost", int(os.environ.get("PORT", "8000"))), Service)
print(f"Open http://localhost:{server.server_port}", flush=True)
server.serve_forever()
