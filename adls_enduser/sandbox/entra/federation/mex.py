"""The metadata exchange document of a federation server (AD FS)."""

from __future__ import annotations

from string import Template

VERSIONS = {"1.3": "13", "2005": "2005"}
"""The WS-Trust versions, and their names in the paths of AD FS."""

_DOCUMENT = Template(
    """\
<wsdl:definitions name="SecurityTokenService" \
targetNamespace="http://schemas.microsoft.com/ws/2008/06/identity/securitytokenservice" \
xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" \
xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" \
xmlns:wsa10="http://www.w3.org/2005/08/addressing" \
xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" \
xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/\
oasis-200401-wss-wssecurity-utility-1.0.xsd" \
xmlns:tns="http://schemas.microsoft.com/ws/2008/06/identity/securitytokenservice">\
$policies$bindings\
<wsdl:service name="SecurityTokenService">$ports</wsdl:service>\
</wsdl:definitions>"""
)

_POLICY = Template(
    """\
<wsp:Policy wsu:Id="${name}_policy"><wsp:ExactlyOne><wsp:All>\
<sp:TransportBinding xmlns:sp="$security"><wsp:Policy>\
<sp:TransportToken><wsp:Policy><sp:HttpsToken $https/></wsp:Policy></sp:TransportToken>\
<sp:AlgorithmSuite><wsp:Policy><sp:Basic256/></wsp:Policy></sp:AlgorithmSuite>\
<sp:Layout><wsp:Policy><sp:Strict/></wsp:Policy></sp:Layout><sp:IncludeTimestamp/>\
</wsp:Policy></sp:TransportBinding>\
<sp:$supporting xmlns:sp="$security"><wsp:Policy>\
<sp:UsernameToken sp:IncludeToken="$security/IncludeToken/AlwaysToRecipient"><wsp:Policy>\
<sp:WssUsernameToken10/></wsp:Policy></sp:UsernameToken>\
</wsp:Policy></sp:$supporting>\
</wsp:All></wsp:ExactlyOne></wsp:Policy>"""
)

_BINDING = Template(
    """\
<wsdl:binding name="$name" type="tns:$port"><wsp:PolicyReference URI="#${name}_policy"/>\
<soap12:binding transport="http://schemas.xmlsoap.org/soap/http"/>\
<wsdl:operation name="$operation"><soap12:operation soapAction="$action" style="document"/>\
<wsdl:input><soap12:body use="literal"/></wsdl:input>\
<wsdl:output><soap12:body use="literal"/></wsdl:output>\
</wsdl:operation></wsdl:binding>"""
)

_PORT = Template(
    """\
<wsdl:port name="$name" binding="tns:$name"><soap12:address location="$address"/>\
<wsa10:EndpointReference><wsa10:Address>$address</wsa10:Address></wsa10:EndpointReference>\
</wsdl:port>"""
)

_VALUES = {
    "1.3": {
        "name": "UserNameWSTrustBinding_IWSTrust13Async",
        "port": "IWSTrust13Async",
        "operation": "Trust13IssueAsync",
        "action": "http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/Issue",
        "security": "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702",
        "supporting": "SignedEncryptedSupportingTokens",
        "https": "",
    },
    "2005": {
        "name": "UserNameWSTrustBinding_IWSTrustFeb2005Async",
        "port": "IWSTrustFeb2005Async",
        "operation": "TrustFeb2005IssueAsync",
        "action": "http://schemas.xmlsoap.org/ws/2005/02/trust/RST/Issue",
        "security": "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy",
        "supporting": "SignedSupportingTokens",
        "https": 'RequireClientCertificate="false"',
    },
}


def metadata(addresses: dict[str, str]) -> str:
    """Return the document; ``addresses`` are the usernamemixed endpoints by WS-Trust version.

    The names and the nesting are those of AD FS's response to a GET, as adal.mex looks for
    them (``wsp:Policy`` directly under the root): a policy with a user name token over TLS, a
    binding that refers to it, a port with its address.
    """
    values = [{**_VALUES[version], "address": url} for version, url in addresses.items()]
    return _DOCUMENT.substitute(
        policies="".join(_POLICY.substitute(each) for each in values),
        bindings="".join(_BINDING.substitute(each) for each in values),
        ports="".join(_PORT.substitute(each) for each in values),
    )
