"""Notifications: a receiver, and a verifier that trusts nothing it can check.

Certificates and signatures are checked with integers: DER, RSA PKCS #1 v1.5 and
ECDSA over P-256, so that no library of the system decides. See client.py.
"""
import base64
import binascii
import hashlib
import http.server
import json
import re
import threading
import time
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

from client import (API, AGREEMENT_ID, AUTHORIZATION_ID, CAPTURE_ID, CATEGORIES, CREDIT_ID, LIMITS, ORDER_ID, PRICE, REFERENCE, REFUND_ID,
                    REVERSAL_ID, STATUS, ADDRESS, agree, boolean, decimal, moment, one_of, parse, read, text, uuid, word)

IPN = "https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01"


# DER, as far as a certificate needs it.

class Node:
    def __init__(self, data, at=0):
        self.tag = data[at]
        length, head = data[at + 1], at + 2
        if length & 0x80:
            n = length & 0x7f
            agree(0 < n < 4, "DER: bad length")
            length, head = int.from_bytes(data[head:head + n], "big"), head + n
            agree(length > 0x7f, "DER: a length that is not the shortest")
        self.end = head + length
        agree(self.end <= len(data), "DER: cut short")
        self.whole, self.value = data[at:self.end], data[head:self.end]

    def children(self):
        nodes, at = [], 0
        while at < len(self.value):
            nodes.append(Node(self.value, at))
            at = nodes[-1].end
        return nodes

    def number(self):
        agree(self.tag == 2, "DER: no integer", self.tag)
        return int.from_bytes(self.value, "big", signed=True)

    def bits(self):
        agree(self.tag == 3 and self.value[0] == 0, "DER: no string of whole bytes")
        return self.value[1:]

    def oid(self):
        agree(self.tag == 6, "DER: no object identifier", self.tag)
        numbers, value = [self.value[0] // 40, self.value[0] % 40], 0
        for byte in self.value[1:]:
            value = value << 7 | byte & 0x7f
            if not byte & 0x80:
                numbers.append(value)
                value = 0
        return ".".join(str(n) for n in numbers)

    def time(self):
        form = {0x17: "%y%m%d%H%M%SZ", 0x18: "%Y%m%d%H%M%SZ"}[self.tag]
        return datetime.strptime(self.value.decode(), form).replace(tzinfo=timezone.utc)


RSA, ECDSA_SHA256, RSA_SHA256, EC, P256 = "1.2.840.113549.1.1.1", "1.2.840.10045.4.3.2", "1.2.840.113549.1.1.11", "1.2.840.10045.2.1", "1.2.840.10045.3.1.7"


class Certificate:
    """One certificate of a PEM text that holds exactly one."""

    def __init__(self, pem):
        lines = pem.strip().split("\n")
        agree(lines[0] == "-----BEGIN CERTIFICATE-----" and lines[-1] == "-----END CERTIFICATE-----", "PEM: another block")
        agree(all(re.match(r"[A-Za-z0-9+/]{1,64}={0,2}\Z", line) for line in lines[1:-1]), "PEM: more than one block, or headers")
        raw = base64.b64decode("".join(lines[1:-1]), validate=True)
        whole = Node(raw)
        agree(whole.end == len(raw), "DER: something behind the certificate")
        self.signed, algorithm, proof = whole.children()
        self.algorithm, self.proof = algorithm.children()[0].oid(), proof.bits()
        fields = self.signed.children()
        agree(fields[0].tag == 0xa0 and Node(fields[0].value).number() == 2, "a certificate of another version")
        _, self.serial, inner, issuer, validity, subject, key = fields[:7]
        agree(inner.whole == algorithm.whole, "two signature algorithms")
        self.issuer, self.subject = issuer.whole, subject.whole
        self.names = {}
        for relative in subject.children():
            kind, value = relative.children()[0].children()
            self.names.setdefault(kind.oid(), []).append(value.value.decode())
        self.begin, self.end = (bound.time() for bound in validity.children())
        self.key = self.read_key(key)
        self.extensions = {}
        for extension in Node([f for f in fields if f.tag == 0xa3][0].value).children():
            parts = extension.children()
            self.extensions[parts[0].oid()] = parts[-1].value

    @staticmethod
    def read_key(info):
        algorithm, bits = info.children()
        kinds = algorithm.children()
        if kinds[0].oid() == RSA:
            modulus, exponent = Node(bits.bits()).children()
            return ("RSA", modulus.number(), exponent.number())
        agree(kinds[0].oid() == EC and kinds[1].oid() == P256, "another kind of key")
        point = bits.bits()
        agree(point[0] == 4 and len(point) == 65, "no uncompressed point")
        return ("P-256", int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big"))

    def authority(self):
        constraints = self.extensions.get("2.5.29.19")
        children = Node(constraints).children() if constraints else []
        return bool(children) and children[0].tag == 1 and children[0].value == b"\xff"

    def alternative_names(self):
        return [(n.tag & 0x1f, n.value.decode("latin-1")) for n in Node(self.extensions["2.5.29.17"]).children()]

    def usages(self):
        return [n.oid() for n in Node(self.extensions["2.5.29.37"]).children()]

    def issued_by(self, issuer):
        agree(self.issuer == issuer.subject and issuer.authority(), "the certificate is not from the authority")
        digest = hashlib.sha256(self.signed.whole).digest()
        if self.algorithm == ECDSA_SHA256:
            return verify_ecdsa(issuer.key, digest, self.proof)
        agree(self.algorithm == RSA_SHA256, "another signature algorithm", self.algorithm)
        return verify_rsa(issuer.key, "sha256", self.signed.whole, self.proof)


# RSA PKCS #1 v1.5: what the key makes of the signature must be, to the last
# byte, the padding that a signer would have made.

PREFIXES = {"sha1": "3021300906052b0e03021a05000414", "sha256": "3031300d060960864801650304020105000420"}


def verify_rsa(key, name, message, proof):
    kind, modulus, exponent = key
    agree(kind == "RSA", "the key is not RSA", kind)
    size = (modulus.bit_length() + 7) // 8
    if len(proof) != size or int.from_bytes(proof, "big") >= modulus:
        return False
    tail = bytes.fromhex(PREFIXES[name]) + hashlib.new(name, message).digest()
    expected = b"\x00\x01" + b"\xff" * (size - len(tail) - 3) + b"\x00" + tail
    return pow(int.from_bytes(proof, "big"), exponent, modulus).to_bytes(size, "big") == expected


# ECDSA over P-256.

FIELD = 2**256 - 2**224 + 2**192 + 2**96 - 1
COUNT = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
CURVE = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b
BASE = (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296, 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5)


def inverse(value, modulus):
    return pow(value, modulus - 2, modulus)


def plus(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % FIELD == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * inverse(2 * a[1], FIELD)
    else:
        slope = (b[1] - a[1]) * inverse(b[0] - a[0], FIELD)
    x = (slope * slope - a[0] - b[0]) % FIELD
    return x, (slope * (a[0] - x) - a[1]) % FIELD


def times(factor, point):
    result = None
    while factor:
        if factor & 1:
            result = plus(result, point)
        point, factor = plus(point, point), factor >> 1
    return result


def verify_ecdsa(key, digest, proof):
    kind, x, y = key
    agree(kind == "P-256" and (y * y - x * x * x + 3 * x - CURVE) % FIELD == 0, "no point of P-256")
    r, s = (n.number() for n in Node(proof).children())
    if not (0 < r < COUNT and 0 < s < COUNT):
        return False
    w = inverse(s, COUNT)
    point = plus(times(int.from_bytes(digest, "big") * w % COUNT, BASE), times(r * w % COUNT, (x, y)))
    return point is not None and point[0] % COUNT == r


# Payloads (ipn.md, section 4).

_IDS = {"Id*": text}
_STATUS = dict(STATUS, **{"ReasonCode?": word})
_PARENT = dict(STATUS, State=one_of("Open", "Suspended", "Canceled", "Closed"))
PAYLOADS = {
    "OrderReferenceNotification": ("OrderReferenceNotification", "OrderReference", {
        "AmazonOrderReferenceId": ORDER_ID, "OrderTotal?": PRICE,
        "SellerOrderAttributes?": {"SellerId?": word, "SellerOrderId?": text, "OrderItemCategories?": CATEGORIES}, "SellerNote?": text,
        "OrderReferenceStatus": _PARENT, "CreationTimestamp": moment, "ExpirationTimestamp": moment}),
    "BillingAgreementNotification": ("BillingAgreementNotification", "BillingAgreement", {
        "AmazonBillingAgreementId": AGREEMENT_ID, "SellerBillingAgreementAttributes?": {"SellerId?": word, "SellerBillingAgreementId?": text},
        "BillingAgreementStatus": _PARENT, "CreationTimestamp": moment, "BillingAgreementLimits": LIMITS, "BillingAgreementConsent": boolean}),
    "PaymentAuthorize": ("AuthorizationNotification", "AuthorizationDetails", {
        "AmazonAuthorizationId": AUTHORIZATION_ID, "AuthorizationReferenceId": REFERENCE, "AuthorizationBillingAddress?": ADDRESS,
        "SellerAuthorizationNote?": text, "AuthorizationAmount": PRICE, "CapturedAmount": PRICE, "AuthorizationFee": PRICE, "IdList": _IDS,
        "CreationTimestamp": moment, "ExpirationTimestamp?": moment, "AddressVerificationCode?": word, "AuthorizationStatus": _STATUS,
        "SoftDecline?": boolean, "OrderItemCategories": CATEGORIES, "CaptureNow": boolean, "SoftDescriptor": text}),
    "PaymentCapture": ("CaptureNotification", "CaptureDetails", {
        "AmazonCaptureId": CAPTURE_ID, "CaptureReferenceId": REFERENCE, "SellerCaptureNote?": text, "CaptureAmount": PRICE, "ConvertedAmount?": PRICE,
        "ConversionRate?": decimal, "RefundedAmount": PRICE, "CaptureFee": PRICE, "IdList": _IDS, "CreationTimestamp": moment, "CaptureStatus": _STATUS,
        "ProviderCreditSummaryList?": {"ProviderCreditSummary*": {"ProviderSellerId": word, "ProviderCreditId": word}}, "SoftDescriptor": text}),
    "PaymentRefund": ("RefundNotification", "RefundDetails", {
        "AmazonRefundId": REFUND_ID, "RefundReferenceId": REFERENCE, "SellerRefundNote?": text, "RefundType": word, "RefundAmount": PRICE,
        "ConvertedAmount?": PRICE, "ConversionRate?": decimal, "FeeRefunded": PRICE, "CreationTimestamp": moment, "RefundStatus": _STATUS,
        "ProviderCreditReversalSummaryList?": {"ProviderCreditReversalSummary*": {"ProviderSellerId": word, "ProviderCreditReversalId": word}},
        "SoftDescriptor": text}),
    "ProviderCredit": ("ProviderCreditNotification", "ProviderCreditDetails", {
        "AmazonProviderCreditId": CREDIT_ID, "SellerId": word, "ProviderSellerId": word, "CreditReferenceId?": REFERENCE, "CreditAmount": PRICE,
        "CreditReversalAmount": PRICE, "CreditReversalIdList?": _IDS, "CreationTimestamp": moment, "CreditStatus": _STATUS}),
    "ProviderCreditReversal": ("ProviderCreditReversalNotification", "ProviderCreditReversalDetails", {
        "AmazonProviderCreditReversalId": REVERSAL_ID, "SellerId": word, "ProviderSellerId": word, "CreditReversalReferenceId": REFERENCE,
        "CreditReversalAmount": PRICE, "CreationTimestamp": moment, "CreditReversalStatus": _STATUS, "CreditReversalNote?": text}),
    "Chargeback Detailed Notification": ("ChargebackNotification", "ChargebackDetails", {
        "AmazonChargebackId": text, "AmazonOrderReferenceId": ORDER_ID, "AmazonCaptureReferenceId": REFERENCE, "CreationTimestamp": moment,
        "ChargebackAmount": PRICE, "ChargebackState": word, "ChargebackReason": text}),
}
CHARGEBACK = "Chargeback Detailed Notification"
EVENTS = ("BillingAgreementStatusUpdated", "PaymentMethodUpdated", "AddressUpdated", "AddressAndPaymentMethodUpdated")
TOPIC = re.compile(r"arn:aws:sns:([a-z]{2}-[a-z]+-\d):(\d{12}):([A-Z0-9]+)\Z")


class Notice:
    """A verified notification."""

    def __init__(self, version, kind, event, details, own, status):
        self.version, self.kind, self.event, self.details = version, kind, event, details
        self.id, self.state, self.reason, self.description = own, status["State"], status.get("ReasonCode"), status.get("ReasonDescription")


class Verifier:
    """now is the clock that the times of messages are held against."""

    def __init__(self, road, authority, seller, region, prefix, now, environment="Sandbox"):
        with open(authority) as file:
            self.authority = Certificate(file.read())
        self.road, self.seller, self.region, self.prefix, self.now, self.environment = road, seller, region, prefix, now, environment
        self.certificates, self.seen = {}, set()

    def verify(self, headers, body):
        envelope = json.loads(body.decode("utf-8"), object_pairs_hook=_once)
        names = {"Type", "MessageId", "TopicArn", "Message", "Timestamp", "SignatureVersion", "Signature", "SigningCertURL", "UnsubscribeURL"}
        agree(set(envelope) == names, "the envelope has other fields", sorted(set(envelope) ^ names))
        agree(all(isinstance(v, str) for v in envelope.values()), "the envelope holds strings")
        agree(envelope["Type"] == "Notification", "the type of the envelope", envelope["Type"])
        self.check_headers(headers, envelope)
        topic = TOPIC.match(envelope["TopicArn"])
        agree(topic, "the topic", envelope["TopicArn"])
        usual = (self.region, "291180941288", self.prefix + self.seller)
        chargebacks = ("us-east-1", "598607868003", "A35A4JO734ER04" + self.seller)
        agree(topic.groups() in (usual, chargebacks), "the topic of another seller", envelope["TopicArn"])
        self.topic_region = topic.group(1)
        agree(abs(moment(envelope["Timestamp"]) - self.now()) < timedelta(minutes=15), "the time of the envelope", envelope["Timestamp"])
        uuid(envelope["MessageId"])
        agree(envelope["MessageId"] not in self.seen, "a message comes twice")
        agree(self.signed(envelope), "the signature of a notification does not fit", envelope["SignatureVersion"])
        for field in ("Message", "Timestamp", "TopicArn"):  # the judge is not to be pleased by anything
            agree(not self.signed(dict(envelope, **{field: envelope[field] + " "})), "a changed %s passes" % field)
        self.seen.add(envelope["MessageId"])
        notice = self.payload(envelope)
        agree((notice.kind == CHARGEBACK) == (topic.groups() == chargebacks), "the topic of another kind", notice.kind, envelope["TopicArn"])
        return notice

    @staticmethod
    def check_headers(headers, envelope):
        expected = {"x-amz-sns-message-type": "Notification", "x-amz-sns-message-id": envelope["MessageId"], "x-amz-sns-topic-arn": envelope["TopicArn"],
                    "Content-Type": "text/plain; charset=UTF-8", "User-Agent": "Amazon Simple Notification Service Agent"}
        for name, value in expected.items():
            agree(headers.get(name) == value, "the header " + name, headers.get(name))
        subscription = headers.get("x-amz-sns-subscription-arn") or ""
        agree(subscription.startswith(envelope["TopicArn"] + ":"), "the header x-amz-sns-subscription-arn", subscription)
        uuid(subscription[len(envelope["TopicArn"]) + 1:])

    def signed(self, envelope):
        listed = "".join(name + "\n" + envelope[name] + "\n" for name in ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type") if name in envelope)
        hashes = {"1": "sha1", "2": "sha256"}
        agree(envelope["SignatureVersion"] in hashes, "the signature version", envelope["SignatureVersion"])
        try:
            proof = base64.b64decode(envelope["Signature"], validate=True)
        except binascii.Error:
            agree(False, "the signature is no base64")
        return verify_rsa(self.certificate(envelope["SigningCertURL"]).key, hashes[envelope["SignatureVersion"]], listed.encode(), proof)

    def certificate(self, address):
        if address not in self.certificates:
            parts = urlsplit(address)
            host = "sns.%s.amazonaws.com" % self.topic_region
            agree(parts.scheme == "https" and parts.netloc == host and not parts.query and not parts.fragment, "the address of the certificate", address)
            agree(re.match(r"/SimpleNotificationService-[0-9a-f]{32}\.pem\Z", parts.path), "the address of the certificate", address)
            status, _, body = self.road.send("GET", host, parts.path)
            agree(status == 200, "the certificate has the status", status)
            self.certificates[address] = self.checked(Certificate(body.decode("ascii")))
        return self.certificates[address]

    def checked(self, leaf):
        now = self.now()
        agree(leaf.names.get("2.5.4.3") == ["sns.amazonaws.com"], "the name of the certificate", leaf.names)
        agree(leaf.alternative_names() == [(2, "sns.amazonaws.com")], "the alternative names", leaf.alternative_names())
        agree("1.3.6.1.5.5.7.3.1" in leaf.usages(), "the extended key usage", leaf.usages())
        agree(leaf.begin <= now <= leaf.end, "the certificate is out of date", str(leaf.begin), str(leaf.end))
        agree(leaf.key[0] == "RSA" and leaf.key[1].bit_length() == 2048, "the key of the certificate is not RSA 2048")
        agree(not leaf.authority(), "the certificate is an authority itself")
        agree(leaf.issued_by(self.authority), "the authority has not signed the certificate")
        return leaf

    def payload(self, envelope):
        message = json.loads(envelope["Message"], object_pairs_hook=_once)
        names = {"NotificationReferenceId", "MarketplaceID", "NotificationType", "SellerId", "ReleaseEnvironment", "Version", "NotificationData", "Timestamp"}
        kind = message.get("NotificationType")
        agree(kind in PAYLOADS, "the type of a notification", kind)
        if kind == "BillingAgreementNotification":
            names.add("EventType")
            agree(message.get("EventType") in EVENTS, "the event of an agreement", message.get("EventType"))
        agree(set(message) == names, kind + " has other fields", sorted(set(message) ^ names))
        agree(all(isinstance(v, str) for v in message.values()), kind + " holds strings")
        agree((message["SellerId"], message["ReleaseEnvironment"], message["Version"]) == (self.seller, self.environment, "2013-01-01"), kind + " is another seller's")
        moment(message["Timestamp"])
        root, child, schema = PAYLOADS[kind]
        element = parse(message["NotificationData"].encode())
        agree(element.tag == "{%s}%s" % (IPN, root), kind + ": another root element", element.tag)
        agree(API not in message["NotificationData"], kind + " speaks of the API's namespace")
        details = read(element, {child: schema}, IPN)[child]
        if kind == CHARGEBACK:
            status = {"State": details["ChargebackState"], "ReasonCode": details["ChargebackReason"]}
        else:
            status = next(value for name, value in details.items() if name.endswith("Status"))
        return Notice(envelope["SignatureVersion"], kind, message.get("EventType"), details, details[next(iter(schema))], status)


def _once(pairs):
    names = [name for name, _ in pairs]
    agree(len(names) == len(set(names)), "JSON with a name twice")
    return dict(pairs)


class Receiver(http.server.ThreadingHTTPServer):
    """The shop's address for notifications: it says 200, and keeps them."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.arrived, self.lock = [], threading.Condition()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path):
        return "http://127.0.0.1:%d%s" % (self.server_address[1], path)

    def wait(self, path, wanted, seconds):
        """Waits until wanted(all that came to the path) is true."""
        end = time.monotonic() + seconds
        with self.lock:
            while not wanted([m for m in self.arrived if m[0] == path]) and time.monotonic() < end:
                self.lock.wait(0.1)
            return [m for m in self.arrived if m[0] == path]


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.arrived.append((self.path, self.headers, body))
            self.server.lock.notify_all()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass
