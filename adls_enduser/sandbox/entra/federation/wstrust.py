"""Federation servers: they sign in persons whose password Entra ID does not know, as AD FS does."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
import uuid
from dataclasses import dataclass
from string import Template
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from ...http import Request, Response
from ..error_responses import EntraError
from .mex import VERSIONS, metadata

if TYPE_CHECKING:
    from ...directory import Person
    from ...state import State
    from ..accounts import Accounts

_WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
_TRUST = {
    "1.3": "http://docs.oasis-open.org/ws-sx/ws-trust/200512",
    "2005": "http://schemas.xmlsoap.org/ws/2005/02/trust",
}
_TOKEN_TYPES = {
    "1.1": "urn:oasis:names:tc:SAML:1.0:assertion",
    "2.0": "urn:oasis:names:tc:SAML:2.0:assertion",
}
_LIFETIME = 3600
_BAD_REQUEST = 400
_UNAUTHENTICATED = 500
_SOAP = "application/soap+xml; charset=utf-8"

_ENVELOPE = Template(
    """\
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" \
xmlns:a="http://www.w3.org/2005/08/addressing">\
<s:Header><a:Action s:mustUnderstand="1">$action</a:Action></s:Header>\
<s:Body>$body</s:Body></s:Envelope>"""
)
_FAULT = Template(
    """\
<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode>\
<s:Value xmlns:a="http://docs.oasis-open.org/wss/2004/01/\
oasis-200401-wss-wssecurity-secext-1.0.xsd">a:$code</s:Value></s:Subcode></s:Code>\
<s:Reason><s:Text xml:lang="en-US">$text</s:Text></s:Reason></s:Fault>"""
)
_RESPONSE = Template(
    """\
<trust:RequestSecurityTokenResponse xmlns:trust="$trust">\
<trust:RequestedSecurityToken>$assertion</trust:RequestedSecurityToken>\
<trust:TokenType>$token_type</trust:TokenType>\
<trust:RequestType>$trust/Issue</trust:RequestType>\
</trust:RequestSecurityTokenResponse>"""
)
_SIGNATURE = """\
<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>\
<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"/>\
</ds:SignedInfo><ds:SignatureValue>$signature</ds:SignatureValue></ds:Signature>"""
_ASSERTIONS = {
    "1.1": Template(
        """\
<saml:Assertion MajorVersion="1" MinorVersion="1" AssertionID="$identifier" \
Issuer="$issuer" IssueInstant="$instant" xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion">\
<saml:Conditions NotBefore="$instant" NotOnOrAfter="$until"/>\
<saml:AuthenticationStatement AuthenticationMethod="urn:oasis:names:tc:SAML:1.0:am:password" \
AuthenticationInstant="$instant"><saml:Subject><saml:NameIdentifier>$name\
</saml:NameIdentifier></saml:Subject></saml:AuthenticationStatement>"""
        + _SIGNATURE
        + "</saml:Assertion>"
    ),
    "2.0": Template(
        """\
<saml:Assertion Version="2.0" ID="$identifier" IssueInstant="$instant" \
xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><saml:Issuer>$issuer</saml:Issuer>"""
        + _SIGNATURE
        + """\
<saml:Subject><saml:NameID>$name</saml:NameID></saml:Subject>\
<saml:Conditions NotBefore="$instant" NotOnOrAfter="$until"/></saml:Assertion>"""
    ),
}


@dataclass(frozen=True)
class FederationServer:
    """The server of a domain: ``sts.{domain}``.

    ``scheme`` is that of the addresses in the user realm, ``endpoint_scheme`` that of the
    addresses in the metadata; with ``"http"`` a client must refuse them. ``saml`` is ``"1.1"``
    or ``"2.0"``.
    """

    domain: str
    scheme: str = "https"
    endpoint_scheme: str = "https"
    versions: tuple[str, ...] = ("1.3", "2005")
    saml: str = "1.1"

    @property
    def host(self) -> str:
        """Return the host name of the server."""
        return f"sts.{self.domain}"

    def realm(self) -> dict[str, str]:
        """Return the fields about this server in Entra ID's user realm."""
        trust = f"{self.scheme}://{self.host}/adfs/services/trust"
        # Entra ID stores one address, that of the older version if there is one.
        version = VERSIONS["2005" if "2005" in self.versions else self.versions[0]]
        return {
            "federation_protocol": "WSTrust",
            "federation_metadata_url": f"{trust}/mex",
            "federation_active_auth_url": f"{trust}/{version}/usernamemixed",
        }

    def metadata(self) -> str:
        """Return the metadata exchange document."""
        trust = f"{self.endpoint_scheme}://{self.host}/adfs/services/trust"
        return metadata(
            {version: f"{trust}/{VERSIONS[version]}/usernamemixed" for version in self.versions}
        )


class FederationServers:
    """All federation servers, and the key by which Entra ID trusts their assertions."""

    def __init__(self, state: State, accounts: Accounts) -> None:
        self._state = state
        self._accounts = accounts
        self._servers: dict[str, FederationServer] = {}
        self._key = secrets.token_bytes(32)

    def add(self, server: FederationServer) -> None:
        """Federate a domain."""
        self._servers[server.domain] = server
        self._accounts.federated.add(server.domain)

    def by_domain(self, domain: str) -> FederationServer | None:
        """Find the server of a domain."""
        return self._servers.get(domain.lower())

    def by_host(self, host: str) -> FederationServer | None:
        """Find a server by its host name."""
        return self.by_domain(host[4:]) if host.startswith("sts.") else None

    def respond(self, server: FederationServer, request: Request) -> Response:
        """Respond to a request to a federation server."""
        trust, _, tail = request.path.lower().partition("/adfs/services/trust/")
        if trust == "" and tail == "mex":
            return Response(server.metadata(), content_type="text/xml; charset=utf-8")
        for version in server.versions:
            if trust == "" and tail == f"{VERSIONS[version]}/usernamemixed":
                return self._issue(server, version, request)
        # AD FS responds with 503 under the path of an endpoint that is not enabled.
        return Response("Service Unavailable", 503, content_type="text/html; charset=us-ascii")

    def person_of(self, assertion: str) -> Person:
        """Return the subject of a base64 assertion; raise EntraError (50008, 50013, 51004)."""
        identifier, name, until, signature = _read_assertion(assertion)
        if not hmac.compare_digest(self._sign(identifier, name, until), signature.encode()):
            raise EntraError(50008)
        if self._time() >= until:
            raise EntraError(50013)
        person = self._state.directory.by_username(name)
        if person is None:
            raise EntraError(51004, username=name)
        return person

    def _issue(self, server: FederationServer, version: str, request: Request) -> Response:
        try:
            username, password = _read_username_token(request.body)
        except (ValueError, LookupError, ET.ParseError):
            return _fault("InvalidSecurity", "The SOAP message is malformed.", _BAD_REQUEST)
        person = self._state.directory.by_username(username)
        if person is None or not username.lower().endswith(f"@{server.domain}"):
            return _unauthenticated()
        try:
            self._accounts.check_password(person, password, managed=False)
        except EntraError:
            return _unauthenticated()
        return self._token_response(server, version, person)

    def _token_response(self, server: FederationServer, version: str, person: Person) -> Response:
        trust = _TRUST[version]
        body = _RESPONSE.substitute(
            trust=trust,
            assertion=self._assertion(server, person),
            token_type=_TOKEN_TYPES[server.saml],
        )
        action = f"{trust}/RSTR/Issue"
        if version == "1.3":
            action = f"{trust}/RSTRC/IssueFinal"
            collection = "trust:RequestSecurityTokenResponseCollection"
            body = f'<{collection} xmlns:trust="{trust}">{body}</{collection}>'
        return Response(_ENVELOPE.substitute(action=action, body=body), content_type=_SOAP)

    def _assertion(self, server: FederationServer, person: Person) -> str:
        identifier, until = f"_{uuid.uuid4()}", self._time(_LIFETIME)
        return _ASSERTIONS[server.saml].substitute(
            identifier=identifier,
            issuer=f"http://{server.host}/adfs/services/trust",
            instant=self._time(),
            until=until,
            name=escape(person.username),
            signature=self._sign(identifier, person.username, until).decode(),
        )

    def _sign(self, identifier: str, name: str, until: str) -> bytes:
        message = "\n".join((identifier, name, until)).encode()
        return base64.b64encode(hmac.digest(self._key, message, hashlib.sha256))

    def _time(self, offset: int = 0) -> str:
        instant = time.gmtime(self._state.clock.service_time() + offset)
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", instant)


def _read_username_token(body: bytes) -> tuple[str, str]:
    """Return the user name and password of a WS-Security UsernameToken (OASIS, 2004)."""
    root = _parse(body)
    username, password = root.find(f".//{_WSSE}Username"), root.find(f".//{_WSSE}Password")
    if username is None or password is None:
        raise ValueError("no user name token")
    return username.text or "", password.text or ""


def _read_assertion(assertion: str) -> tuple[str, str, str, str]:
    """Return id, name, expiry and signature of an assertion; raise EntraError (50008)."""
    try:
        padded = assertion.translate(str.maketrans("-_", "+/")) + "=" * (-len(assertion) % 4)
        root = _parse(base64.b64decode(padded, validate=True))
        found = {part.tag.rpartition("}")[2]: part for part in root.iter()}
        name = found["NameIdentifier"] if "NameIdentifier" in found else found["NameID"]
        identifier = root.get("AssertionID") or root.attrib["ID"]
        until = found["Conditions"].attrib["NotOnOrAfter"]
        return identifier, name.text or "", until, found["SignatureValue"].text or ""
    except (ValueError, LookupError, binascii.Error, ET.ParseError):
        raise EntraError(50008) from None


class _NoDocumentType(ET.TreeBuilder):
    """Refuses document types: SOAP forbids them, and entity expansion needs one.

    Source: SOAP 1.2 part 1 section 5.
    """

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Refuse the document type."""
        raise ValueError("a document type is not allowed")


def _parse(document: bytes) -> ET.Element:
    parser = ET.XMLParser(target=_NoDocumentType())  # noqa: S314 - no document type, no entities
    return ET.fromstring(document, parser)  # noqa: S314


def _unauthenticated() -> Response:
    """Return AD FS's response to a wrong user name or password: status 500."""
    text = "ID3242: The security token could not be authenticated or authorized."
    return _fault("FailedAuthentication", text, _UNAUTHENTICATED)


def _fault(code: str, text: str, status: int) -> Response:
    body = _ENVELOPE.substitute(
        action="http://www.w3.org/2005/08/addressing/soap/fault",
        body=_FAULT.substitute(code=code, text=text),
    )
    return Response(body, status, content_type=_SOAP)
