"""What a shop does with Amazon Pay in a month and the first days of the next, in
every region. See client.py."""
import argparse
import secrets
import ssl
import sys
import time
import urllib.parse
from datetime import datetime, timedelta, timezone
from decimal import Decimal

sys.dont_write_bytecode = True  # testdata stays as it is

from client import Client, Control, Disagreement, Login, Refused, Road, agree, check_reader, check_vectors
from ipn import CHARGEBACK, Receiver, Verifier

AWKWARD = "a b  c+d*e~f é ü 日本語 🎉 &=%25?/#;,:@!$'()[]\"<>\\ end"
SIMULATION = '{"SandboxSimulation": {"State":"Declined","ReasonCode":"%s"%s}}'


class Region:
    """The table of section 1, and of lwa.md 1.2."""

    def __init__(self, code, number, host, domain, sandbox, currency, payment_domain, token_host, topic_region, topic_prefix, live_prefix=None):
        self.code, self.number, self.host, self.currency, self.payment_domain = code, number, host, currency, payment_domain
        self.login, self.login_sandbox, self.token_host = domain, sandbox, token_host
        self.topic_region = topic_region
        self.topic_prefixes = {"sandbox": topic_prefix, "production": live_prefix or topic_prefix}

    def amount(self, text):
        """So much money; a hundred times as many yen, which have no fraction."""
        return str(int(Decimal(text) * 100)) if self.currency == "JPY" else text


REGIONS = [
    Region("NA", "01", "mws.amazonservices.com", "api.amazon.com", "api.sandbox.amazon.com", "USD", "NA_USD", "api.amazon.com",
           "us-east-1", "A3BXB0YN3XH17H", "AGWSWK15IEJJ7"),
    Region("UK", "02", "mws-eu.amazonservices.com", "api.amazon.co.uk", "api.sandbox.amazon.co.uk", "GBP", "EU_GBP", "api.amazon.co.uk",
           "eu-west-1", "A1G8446IYHA4MR"),
    Region("EU", "02", "mws-eu.amazonservices.com", "api.amazon.de", "api.sandbox.amazon.de", "EUR", "EU_EUR", "api.amazon.co.uk",
           "eu-west-1", "A1G8446IYHA4MR"),
    Region("JP", "03", "mws.amazonservices.jp", "api.amazon.co.jp", "api.sandbox.amazon.co.jp", "JPY", "FE_JPY", "api.amazon.co.jp",
           "us-west-2", "A31YDYE76E6TCP"),
]


class Judge:
    """One region's month. A step is a method; STEPS is their order."""

    def __init__(self, region, options, road, control, receiver):
        self.region, self.options, self.road, self.control, self.receiver = region, options, road, control, receiver
        self.live = options.environment == "production"
        self.agreements, self.orders, self.release = ("B", "P", "Live") if self.live else ("C", "S", "Sandbox")
        known = {r["region"]: r for r in control.ask("regions?environment=" + options.environment)}[region.code]
        agree(known["currency"] == region.currency, "the currency", known["currency"])
        self.seller, self.login_client = known["seller"], known["loginClient"]
        self.client = self.client_with(options.secret_key)
        self.run = secrets.token_hex(4)
        self.path = "/ipn/" + region.code
        self.notices, self.expected = [], []
        self.buyer = {"name": "Renée 山田", "email": "judge-%s@example.com" % region.code.lower()}

    def client_with(self, secret, access_key=None, live=None):
        path = "/OffAmazonPayments/2013-01-01" if (self.live if live is None else live) else "/OffAmazonPayments_Sandbox/2013-01-01"
        return Client(self.road, self.region.host, self.seller, access_key or self.options.access_key, secret, path)

    def act(self, do, **fields):
        return self.control.act(self.region.code, do, **fields)

    def reference(self, name):
        return "%s-%s" % (name, self.run)

    def money(self, amount, name="AuthorizationAmount"):
        return {name + ".Amount": self.region.amount(amount), name + ".CurrencyCode": self.region.currency}

    def same_money(self, price, amount, what):
        agree(price["Amount"] == Decimal(self.region.amount(amount)) and price["CurrencyCode"] == self.region.currency, what, price)

    def expect(self, kind, own, state, reason=None, description=None):
        self.expected.append((kind, own, state, reason, description))

    def now(self):
        """The mock's clock, which may be ahead."""
        text = self.control.ask("clock")["now"]
        return datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)

    def call(self, action, **parameters):
        return self.client.call(action, **parameters)

    # Before there is a buyer.

    def service_status(self):
        answer = self.call("GetServiceStatus")
        agree(answer["Status"] == "GREEN", "the service status", answer["Status"])
        agree(self.call("GetMerchantAccountStatus")["AccountStatus"] == "ACTIVE", "the account status")
        self.act("SetServiceStatus", status="GREEN_I", text=AWKWARD)
        informed = self.call("GetServiceStatus")
        self.act("SetServiceStatus", status="GREEN")
        agree(informed["Status"] == "GREEN_I" and informed["MessageId"], "the service status with a message")
        agree(AWKWARD in [m["Text"] for m in informed["Messages"]["Message"]], "the message of the service status", informed["Messages"])
        return answer["Status"]

    def register(self):
        url = self.receiver.url(self.path)
        self.call("SetMerchantNotificationConfiguration", **{
            "NotificationConfigurationList.NotificationConfiguration.1.NotificationUrl": url,
            "NotificationConfigurationList.NotificationConfiguration.1.EventTypes.EventTypeList.1": "ALL"})
        found = self.call("GetMerchantNotificationConfiguration")["NotificationConfigurationList"]["member"]
        agree([(m["NotificationUrl"], m["EventTypes"]["member"]) for m in found] == [(url, ["ALL"])], "the notification configuration", found)

    def tls(self):
        for host in ("mws.amazonservices.com.example", "sns.s3-us-west-2.amazonaws.com", "www.example.com"):
            try:
                self.road.send("GET", host, "/")
            except ssl.SSLError:
                continue
            raise Disagreement("the certificate of the mock speaks for " + host)

    def sign_in(self):
        """lwa.md: consent, code, token, refresh, tokeninfo, profile."""
        user = self.act("SignIn", buyer=self.buyer)["id"]
        scope = "profile payments:widget payments:shipping_address"
        back, state = "https://shop.example/back?shop=1", secrets.token_urlsafe(16)
        query = urllib.parse.urlencode({"client_id": self.login_client, "scope": scope, "response_type": "code", "redirect_uri": back, "state": state},
                                       quote_via=urllib.parse.quote)
        landed = self.act("AuthorizeLogin", id=user, allow=True, url="https://www.amazon.com/ap/oa?" + query)["url"]
        given = urllib.parse.parse_qs(urllib.parse.urlsplit(landed).query)
        agree(landed.startswith(back) and given["state"] == [state], "where the consent page leads")
        login = Login(self.road, self.region.token_host, self.region.login_sandbox, self.login_client, self.options.login_secret)
        code = {"grant_type": "authorization_code", "code": given["code"][0], "redirect_uri": back}
        self.login_error(login.token(dict(code, redirect_uri="https://shop.example/back")), 400, "invalid_grant")
        landed = self.act("AuthorizeLogin", id=user, allow=True, url="https://www.amazon.com/ap/oa?" + query)["url"]
        code["code"] = urllib.parse.parse_qs(urllib.parse.urlsplit(landed).query)["code"][0]
        token = self.good_token(login.token(code))
        self.login_error(login.token(code), 400, "invalid_grant")  # a code is good once
        token = self.good_token(login.token({"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}, basic=True))
        self.login_error(login.token({"grant_type": "refresh_token"}), 400, "invalid_request")
        self.login_error(login.token({"grant_type": "password"}), 400, "unsupported_grant_type")
        wrong = Login(self.road, self.region.token_host, self.region.login_sandbox, self.login_client, "wrong")
        self.login_error(wrong.token({"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}), 401, "invalid_client")
        for host in (self.region.login_sandbox, self.region.login):
            self.who(Login(self.road, self.region.token_host, host, self.login_client, ""), token["access_token"], user)
        self.token = token["access_token"]

    def who(self, login, token, user):
        for query in (False, True):
            status, info = login.info(token, query)
            agree(status == 200 and set(info) == {"aud", "user_id", "iss", "exp", "app_id", "iat"}, "tokeninfo", status, sorted(info))
            agree((info["aud"], info["user_id"], info["iss"]) == (self.login_client, user, "https://www.amazon.com"), "tokeninfo tells of another")
            agree(type(info["exp"]) is int and 0 < info["exp"] <= 3600, "exp is the seconds that are left", info["exp"])
            agree(type(info["iat"]) is int and abs(info["iat"] - self.now().timestamp()) < 60, "iat is the time of issue", info["iat"])
            agree(info["app_id"].startswith("amzn1.application."), "app_id")
        for by in ("x-amz-access-token", "Authorization", "query"):
            status, profile = login.profile(token, by)
            agree(status == 200 and profile == {"user_id": user, "name": self.buyer["name"], "email": self.buyer["email"]}, "the profile by " + by, status)
        self.login_error(login.info("Atza|nobody"), 400, "invalid_token")
        self.login_error(login.profile("Atza|nobody"), 400, "invalid_token")

    def login_error(self, answer, status, error):
        agree(answer[0] == status and answer[1].get("error") == error and answer[1].get("error_description"), error + " with the status %d" % status, answer)
        agree(set(answer[1]) <= {"error", "error_description", "request_id", "error_index"}, error + " has other fields", sorted(answer[1]))

    @staticmethod
    def good_token(answer):
        status, token = answer
        agree(status == 200 and set(token) == {"access_token", "token_type", "expires_in", "refresh_token"}, "the token answer", status, sorted(token))
        agree(token["token_type"] == "bearer" and token["expires_in"] == 3600, "the kind of the token")
        agree(token["access_token"].startswith("Atza|") and 350 <= len(token["access_token"]) <= 2048, "the shape of the access token")
        agree(token["refresh_token"].startswith("Atzr|") and len(token["refresh_token"]) <= 2048, "the shape of the refresh token")
        return token

    # The agreement, from Draft to Open.

    def draft(self):
        self.id = self.act("NewBillingAgreement", buyer=self.buyer)["id"]
        agree(self.id.startswith(self.agreements + self.region.number), "the id of an agreement", self.id)
        details = self.details()
        agree(details["BillingAgreementStatus"]["State"] == "Draft" and not details["BillingAgreementConsent"], "a new agreement is a Draft")
        agree([c["ConstraintID"] for c in details["Constraints"]["Constraint"]] == ["BuyerConsentNotSet"], "the constraints of a Draft")
        shown = set(details["Destination"]["PhysicalDestination"])
        agree(shown and shown <= {"City", "StateOrRegion", "PostalCode", "CountryCode"}, "a Draft shows a part of the address", sorted(shown))
        limits = details["BillingAgreementLimits"]
        first, last = limits["TimePeriodStartDate"], limits["TimePeriodEndDate"]
        agree((first.day, first.hour, last.day, last.hour) == (1, 0, 1, 0) and 28 <= (last - first).days <= 31, "a calendar month", str(first), str(last))
        agree(limits["CurrentRemainingBalance"] == limits["AmountLimitPerTimePeriod"], "nothing was charged yet")
        for name in ("AddressConsentToken", "AccessToken"):
            seen = self.details(**{name: self.token})["Destination"]["PhysicalDestination"]
            agree({"Name", "AddressLine1", "City", "PostalCode", "CountryCode"} <= set(seen), name + " shows the address", sorted(seen))
        self.client.refused("AmbiguousToken", {400}, "GetBillingAgreementDetails", AmazonBillingAgreementId=self.id, AccessToken=self.token,
                            AddressConsentToken=self.token)
        self.client.refused("InvalidAddressConsentToken", {404}, "GetBillingAgreementDetails", AmazonBillingAgreementId=self.id, AddressConsentToken="Atza|x")

    def details(self, **more):
        found = self.call("GetBillingAgreementDetails", AmazonBillingAgreementId=self.id, **more)["BillingAgreementDetails"]
        agree(found["AmazonBillingAgreementId"] == self.id and found["ReleaseEnvironment"] == self.release, "another agreement")
        return found

    def describe(self):
        self.described = self.id
        prefix = "BillingAgreementAttributes."
        own = {"SellerBillingAgreementId": "sub-" + self.run, "StoreName": "Café " + AWKWARD[:40], "CustomInformation": AWKWARD}
        attributes = {prefix + "SellerNote": AWKWARD, **{prefix + "SellerBillingAgreementAttributes." + n: v for n, v in own.items()}}
        if self.region.code in ("UK", "EU"):
            attributes.update({prefix + "BillingAgreementType": "MerchantInitiatedTransaction", **self.money("9.99", prefix + "SubscriptionAmount")})
        for plus in (False, True):  # spaces as %20, and as Python's own encoder posts them
            answer = self.call("SetBillingAgreementDetails", plus=plus, AmazonBillingAgreementId=self.id, **attributes)["BillingAgreementDetails"]
            for found in (answer, self.details()):
                agree(found["SellerNote"] == AWKWARD, "the note comes back as it went", found["SellerNote"])
                agree(found["SellerBillingAgreementAttributes"] == own, "the attributes come back as they went", found["SellerBillingAgreementAttributes"])
                if self.region.code in ("UK", "EU"):
                    agree(found["BillingAgreementType"] == "MerchantInitiatedTransaction", "the type of the agreement")
                    self.same_money(found["SubscriptionAmount"], "9.99", "the subscription amount")
        self.client.refused("InvalidParameterValue", {400}, "SetBillingAgreementDetails", AmazonBillingAgreementId=self.id,
                            **{prefix + "SellerNote": "x" * 1025})

    def confirm(self):
        refusal = self.client.refused("BillingAgreementConstraintsExist", {400}, "ConfirmBillingAgreement", AmazonBillingAgreementId=self.id)
        agree("BuyerConsentNotSet" in refusal.message and self.id in refusal.message, "the message lists the constraints", refusal.message)
        self.client.refused("InvalidBillingAgreementStatus", {400, 405}, "AuthorizeOnBillingAgreement", **self.charge("early", "1.00"))
        self.act("Consent", id=self.id)
        urls = {"SuccessUrl": "https://shop.example/ok?a=1&b=ü", "FailureUrl": "https://shop.example/no"} if self.region.code in ("UK", "EU") else {}
        self.call("ConfirmBillingAgreement", AmazonBillingAgreementId=self.id, **urls)
        if urls:  # the buyer's bank asks (8.6)
            if self.details()["BillingAgreementStatus"]["State"] == "Draft":
                self.act("Authenticate", id=self.id, status="Success")
        details = self.details()
        agree(details["BillingAgreementStatus"]["State"] == "Open" and details["BillingAgreementConsent"], "a confirmed agreement is Open")
        agree(not details.get("Constraints", {}).get("Constraint"), "no constraints are left")
        agree("Name" in details["Buyer"] and "Name" in details["Destination"]["PhysicalDestination"], "after the confirmation the buyer is shown")
        agree(details["Buyer"]["Name"] == self.buyer["name"], "the buyer's name")
        self.client.refused("BillingAgreementNotModifiable", {405}, "SetBillingAgreementDetails", AmazonBillingAgreementId=self.id,
                            **{"BillingAgreementAttributes.SellerNote": "late"})
        self.call("ConfirmBillingAgreement", AmazonBillingAgreementId=self.id)  # once more, as after changes in the widgets

    def validate(self):
        answer = self.call("ValidateBillingAgreement", AmazonBillingAgreementId=self.id)
        agree(answer["ValidationResult"] == "Success" and "FailureReasonCode" not in answer, "the agreement is valid", answer["ValidationResult"])
        agree(answer["BillingAgreementStatus"]["State"] == "Open", "the state of a valid agreement")

    # Charges.

    def charge(self, name, amount, note=None, **more):
        parameters = {"AmazonBillingAgreementId": self.id, "AuthorizationReferenceId": self.reference(name), "TransactionTimeout": "0",
                      "InheritShippingAddress": "true", **self.money(amount), **more}
        if note:
            parameters["SellerAuthorizationNote"] = note
        return parameters

    def authorize(self, *args, **more):
        answer = self.call("AuthorizeOnBillingAgreement", **self.charge(*args, **more))
        return answer["AuthorizationDetails"], answer["AmazonOrderReferenceId"]

    def charge_now(self):
        own = {"SellerOrderId": "order-" + self.run, "StoreName": "Café", "CustomInformation": AWKWARD}
        more = {"CaptureNow": "true", "SoftDescriptor": "Judge", "SellerNote": AWKWARD, **{"SellerOrderAttributes." + n: v for n, v in own.items()}}
        first = self.call("AuthorizeOnBillingAgreement", **self.charge("now", "9.99", AWKWARD, **more))
        details, order = first["AuthorizationDetails"], first["AmazonOrderReferenceId"]
        status = details["AuthorizationStatus"]
        agree((status["State"], status.get("ReasonCode")) == ("Closed", "MaxCapturesProcessed"), "a charge with CaptureNow", status)
        agree(details["CaptureNow"] and details["SellerAuthorizationNote"] == AWKWARD and details["SoftDescriptor"] == "AMZ*Judge", "the charge's details")
        self.same_money(details["AuthorizationAmount"], "9.99", "the amount of the charge")
        agree(details["CapturedAmount"]["Amount"] == 0, "the answer of the charge still says 0 captured (4.3)", details["CapturedAmount"])
        agree(details["ExpirationTimestamp"] - details["CreationTimestamp"] == timedelta(days=30), "an authorization lives 30 days")
        agree(details["AmazonAuthorizationId"].startswith(order + "-A") and order.startswith(self.orders + self.region.number), "the ids", order)
        self.capture, = details["IdList"]["member"]
        self.charged = order
        agree(self.capture == details["AmazonAuthorizationId"].replace("-A", "-C"), "the id of the capture", self.capture)
        capture = self.call("GetCaptureDetails", AmazonCaptureId=self.capture)["CaptureDetails"]
        agree((capture["CaptureStatus"]["State"], capture["CaptureReferenceId"]) == ("Completed", self.reference("now")), "the capture of the charge")
        self.same_money(capture["CaptureAmount"], "9.99", "the amount of the capture")
        child = self.call("GetOrderReferenceDetails", AmazonOrderReferenceId=order)["OrderReferenceDetails"]
        agree(child["ParentDetails"] == {"Type": "BillingAgreement", "Id": self.id}, "the parent of the order", child["ParentDetails"])
        agree((child["OrderReferenceStatus"]["State"], child["OrderReferenceStatus"].get("ReasonCode")) == ("Closed", "SellerClosed"), "the order is closed")
        agree({n: child["SellerOrderAttributes"][n] for n in own} == own and child["SellerNote"] == AWKWARD, "the order's attributes")
        agree(child["IdList"]["member"] == [details["AmazonAuthorizationId"]], "the order's authorizations", child["IdList"])
        self.repeat(self.charge("now", "9.99", AWKWARD, **more), first)

    def repeat(self, parameters, first):
        """3.8: the same again is the same answer, another is refused."""
        before = self.details()["BillingAgreementLimits"]["CurrentRemainingBalance"]["Amount"]
        again = self.call("AuthorizeOnBillingAgreement", form="%Y-%m-%dT%H:%M:%S.000Z", **parameters)
        agree(again == first, "the same reference id yields the same answer")
        changed = dict(parameters, **self.money("9.98"))
        self.client.refused("DuplicateRequest", {400}, "AuthorizeOnBillingAgreement", **changed)
        self.client.refused("DuplicateRequest", {400}, "AuthorizeOnBillingAgreement", **dict(parameters, SellerAuthorizationNote="another"))
        after = self.details()["BillingAgreementLimits"]
        agree(after["CurrentRemainingBalance"]["Amount"] == before, "repetitions charge nothing")
        agree(after["AmountLimitPerTimePeriod"]["Amount"] - before == Decimal(self.region.amount("9.99")), "the balance tells of one charge")

    def charge_later(self):
        """8.1: asynchronous, polled, captured in a call of its own."""
        details, _ = self.authorize("later", "20.50", TransactionTimeout="1440")
        own = details["AmazonAuthorizationId"]
        agree(details["AuthorizationStatus"]["State"] == "Pending", "an asynchronous authorization is Pending first", details["AuthorizationStatus"])
        self.client.refused("InvalidAuthorizationStatus", {405}, "Capture", AmazonAuthorizationId=own, CaptureReferenceId=self.reference("soon"),
                            **self.money("20.50", "CaptureAmount"))
        for _ in range(20):
            status = self.call("GetAuthorizationDetails", AmazonAuthorizationId=own)["AuthorizationDetails"]["AuthorizationStatus"]
            if status["State"] != "Pending":
                break
            self.control.ask("clock", {"advance": "15s"})
        agree(status["State"] == "Open", "the authorization opens within minutes", status)
        self.expect("PaymentAuthorize", own, "Open")
        capture = {"AmazonAuthorizationId": own, "CaptureReferenceId": self.reference("capture"), "SellerCaptureNote": AWKWARD, "SoftDescriptor": "x",
                   **self.money("20.25", "CaptureAmount")}
        self.client.refused("DuplicateReferenceId", {400}, "Capture", **dict(capture, CaptureReferenceId=self.reference("later")))
        first = self.call("Capture", **capture)
        found = first["CaptureDetails"]
        agree(found["CaptureStatus"]["State"] == "Completed", "a capture within 7 days is Completed at once", found["CaptureStatus"])
        agree(found["SellerCaptureNote"] == AWKWARD and found["RefundedAmount"]["Amount"] == 0, "the details of the capture")
        self.same_money(found["CaptureAmount"], "20.25", "the amount of the capture")
        agree(self.call("Capture", **capture) == first, "the same capture yields the same answer")
        self.client.refused("DuplicateRequest", {400}, "Capture", **dict(capture, **self.money("20.24", "CaptureAmount")))
        again = self.call("GetCaptureDetails", AmazonCaptureId=found["AmazonCaptureId"])["CaptureDetails"]
        agree(again["CaptureStatus"]["State"] == "Completed" and again["CaptureFee"]["CurrencyCode"] == self.region.currency, "the capture, read")
        closed = self.call("GetAuthorizationDetails", AmazonAuthorizationId=own)["AuthorizationDetails"]
        agree(closed["AuthorizationStatus"].get("ReasonCode") == "MaxCapturesProcessed", "an authorization has one capture", closed["AuthorizationStatus"])
        self.same_money(closed["CapturedAmount"], "20.25", "the captured amount")
        agree(closed["IdList"]["member"] == [found["AmazonCaptureId"]], "the captures of the authorization", closed["IdList"])

    def refund(self):
        asked = {"AmazonCaptureId": self.capture, "RefundReferenceId": self.reference("refund"), "SellerRefundNote": AWKWARD,
                 **self.money("4.99", "RefundAmount")}
        first = self.call("Refund", **asked)
        found = first["RefundDetails"]
        agree((found["RefundStatus"]["State"], found["RefundType"]) == ("Pending", "SellerInitiated"), "a refund is Pending first", found["RefundStatus"])
        agree(found["SellerRefundNote"] == AWKWARD, "the note of the refund")
        agree(self.call("Refund", **asked) == first, "the same refund yields the same answer")
        self.client.refused("DuplicateRequest", {400}, "Refund", **dict(asked, SellerRefundNote="another"))
        read = self.call("GetRefundDetails", AmazonRefundId=found["AmazonRefundId"])["RefundDetails"]
        agree(read == found, "the refund, read, is the one that was answered")
        self.act("CompleteRefund", id=found["AmazonRefundId"])
        read = self.call("GetRefundDetails", AmazonRefundId=found["AmazonRefundId"])["RefundDetails"]
        agree(read["RefundStatus"]["State"] == "Completed", "the refund is Completed", read["RefundStatus"])
        self.same_money(read["RefundAmount"], "4.99", "the amount of the refund")
        self.expect("PaymentRefund", found["AmazonRefundId"], "Completed")
        capture = self.call("GetCaptureDetails", AmazonCaptureId=self.capture)["CaptureDetails"]
        self.same_money(capture["RefundedAmount"], "4.99", "the refunded amount")
        agree(capture["IdList"]["member"] == [found["AmazonRefundId"]], "the refunds of the capture", capture["IdList"])
        self.client.refused("InvalidTransactionId", {400, 404}, "Refund", AmazonCaptureId=self.capture.replace("-C", "-A"),
                            RefundReferenceId=self.reference("wrong"), **self.money("1.00", "RefundAmount"))

    def chargeback(self):
        """The buyer's bank: a notification of its own kind, and if it is lost a refund."""
        amount = self.region.amount("1.00") + " " + self.region.currency
        own = self.act("Chargeback", id=self.capture, amount=amount, reason="Generic Service Chargeback")["id"]
        self.expect(CHARGEBACK, own, "RECEIVED", "Generic Service Chargeback")
        refunds = self.call("GetCaptureDetails", AmazonCaptureId=self.capture)["CaptureDetails"]["IdList"]["member"]
        self.act("LoseChargeback", id=own)
        after = self.call("GetCaptureDetails", AmazonCaptureId=self.capture)["CaptureDetails"]
        fresh, = [r for r in after["IdList"]["member"] if r not in refunds]
        back = self.call("GetRefundDetails", AmazonRefundId=fresh)["RefundDetails"]
        agree((back["RefundType"], back["RefundStatus"]["State"]) == ("Chargeback", "Completed"), "the refund of a chargeback", back["RefundType"], back["RefundStatus"])
        self.same_money(back["RefundAmount"], "1.00", "the amount of the chargeback")
        self.same_money(after["RefundedAmount"], "5.99", "the refunded amount after the chargeback")

    def provider_credit(self):
        """3.7: a part of a charge goes to a solution provider, and comes back."""
        credit = {"ProviderCreditList.member.1.ProviderId": self.options.provider,
                  **self.money("3.00", "ProviderCreditList.member.1.CreditAmount")}
        details, _ = self.authorize("credit", "10.00", CaptureNow="true", **credit)
        capture, = details["IdList"]["member"]
        summary, = self.call("GetCaptureDetails", AmazonCaptureId=capture)["CaptureDetails"]["ProviderCreditSummaryList"]["member"]
        agree(summary["ProviderId"] == self.options.provider, "the provider of the credit", summary)
        own = summary["ProviderCreditId"]
        agree(own.startswith(capture[:19] + "-P"), "the id of a credit", own)

        def read():
            found = self.call("GetProviderCreditDetails", AmazonProviderCreditId=own)["ProviderCreditDetails"]
            agree((found["SellerId"], found["ProviderId"]) == (self.seller, self.options.provider), "whose a credit is", found["SellerId"], found["ProviderId"])
            self.same_money(found["CreditAmount"], "3.00", "the amount of the credit")
            return found

        agree(read()["CreditReversalAmount"]["Amount"] == 0, "nothing of the credit has come back yet")
        reversals = []
        for name, amount in (("back1", "1.00"), ("back2", "2.00")):
            asked = {"AmazonProviderCreditId": own, "CreditReversalReferenceId": self.reference(name), "CreditReversalNote": AWKWARD,
                     **self.money(amount, "CreditReversalAmount")}
            first = self.call("ReverseProviderCredit", **asked)
            found = first["ProviderCreditReversalDetails"]
            agree(self.call("ReverseProviderCredit", **asked) == first, "the same reversal yields the same answer")
            agree(found["CreditReversalReferenceId"] == self.reference(name) and found["CreditReversalNote"] == AWKWARD, "the details of a reversal")
            self.same_money(found["CreditReversalAmount"], amount, "the amount of a reversal")
            reversals.append(found["AmazonProviderCreditReversalId"])
            found = self.call("GetProviderCreditReversalDetails", AmazonProviderCreditReversalId=reversals[-1])["ProviderCreditReversalDetails"]
            agree(found["CreditReversalStatus"]["State"] == "Completed", "a reversal is Completed", found["CreditReversalStatus"])
            agree((found["SellerId"], found["ProviderId"]) == (self.seller, self.options.provider), "whose a reversal is")
            self.expect("ProviderCreditReversal", reversals[-1], "Completed")
        found = read()
        self.same_money(found["CreditReversalAmount"], "3.00", "what has come back of the credit")
        listed = found["CreditReversalIdList"]["member"] + found["CreditReversalIdList"]["Id"]
        agree(listed == reversals, "the reversals of a credit", found["CreditReversalIdList"])
        agree((found["CreditStatus"]["State"], found["CreditStatus"].get("ReasonCode")) == ("Closed", "MaxAmountReversed"), "a credit that came back", found["CreditStatus"])
        self.expect("ProviderCredit", own, "Closed", "MaxAmountReversed")

    def list_orders(self):
        order = "list-" + self.run
        made = [self.authorize("list%d" % n, "1.00", **{"SellerOrderAttributes.SellerOrderId": order})[1] for n in range(5)]
        found, pages = [], 0
        answer = self.call("ListOrderReference", QueryId=order, QueryIdType="SellerOrderId", PaymentDomain=self.region.payment_domain, PageSize="2",
                           SortOrder="Ascending")
        while True:
            pages += 1
            found += [o["AmazonOrderReferenceId"] for o in answer["OrderReferenceList"]["OrderReference"]]
            agree(all(o["SellerOrderAttributes"]["SellerOrderId"] == order for o in answer["OrderReferenceList"]["OrderReference"]), "another order is listed")
            if "NextPageToken" not in answer or pages > 5:
                break
            answer = self.call("ListOrderReferenceByNextToken", NextPageToken=answer["NextPageToken"])
        agree(found == made and pages == 3, "three pages list all orders once, in the order of making", found, made, pages)
        filtered = self.call("ListOrderReference", QueryId=order, QueryIdType="SellerOrderId", PaymentDomain=self.region.payment_domain,
                             **{"OrderReferenceStatusListFilter.OrderReferenceStatus.1": "OPEN"})
        agree(not filtered["OrderReferenceList"]["OrderReference"], "orders of charges are closed")

    def decline(self):
        if self.live:  # there the note is a text for the buyer, and nothing more (8.5)
            details, _ = self.authorize("rejected", "5.00", SIMULATION % ("AmazonRejected", ""))
            agree(details["AuthorizationStatus"]["State"] == "Open", "no simulation in production", details["AuthorizationStatus"])
            return
        details, _ = self.authorize("rejected", "5.00", SIMULATION % ("AmazonRejected", ""), CaptureNow="true")
        status = details["AuthorizationStatus"]
        agree((status["State"], status.get("ReasonCode")) == ("Declined", "AmazonRejected"), "a declined charge", status)
        agree(not details.get("IdList", {}).get("member"), "a declined charge has no capture")
        agree(self.details()["BillingAgreementStatus"]["State"] == "Open", "after AmazonRejected the agreement stays Open")
        self.client.refused("InvalidSandboxSimulationSpecified", {400}, "AuthorizeOnBillingAgreement", **self.charge("nonsense", "5.00", SIMULATION % ("Bored", "")))
        soft = SIMULATION % ("InvalidPaymentMethod", ',"PaymentMethodUpdateTimeInMins":60,"SoftDecline":"true"')
        details, _ = self.authorize("soft", "5.00", soft)
        status = details["AuthorizationStatus"]
        agree((status["State"], status.get("ReasonCode"), details.get("SoftDecline")) == ("Declined", "InvalidPaymentMethod", True), "a soft decline", status)
        status = self.details()["BillingAgreementStatus"]
        agree((status["State"], status.get("ReasonCode")) == ("Suspended", "InvalidPaymentMethod"), "the agreement is Suspended", status)
        self.expect("BillingAgreementNotification", self.id, "Suspended", "InvalidPaymentMethod")
        answer = self.call("ValidateBillingAgreement", AmazonBillingAgreementId=self.id)
        agree((answer["ValidationResult"], answer.get("FailureReasonCode")) == ("Failure", "InvalidPaymentMethod"), "a Suspended agreement is not valid")
        self.client.refused("InvalidBillingAgreementStatus", {400, 405}, "AuthorizeOnBillingAgreement", **self.charge("suspended", "5.00"))
        self.act("UpdatePaymentMethod", id=self.id, payment="GoodCard")
        agree(self.details()["BillingAgreementStatus"]["State"] == "Open", "the buyer's new card opens the agreement")
        self.expect("BillingAgreementNotification", self.id, "Open")
        agree(self.authorize("after", "5.00")[0]["AuthorizationStatus"]["State"] == "Open", "and it can be charged")

    def one_time(self):
        """An order reference, and one that comes out of the agreement."""
        own = self.act("NewOrderReference", buyer=self.buyer)["id"]
        ask = {"AmazonOrderReferenceId": own}
        draft = self.call("GetOrderReferenceDetails", **ask)["OrderReferenceDetails"]
        agree([c["ConstraintID"] for c in draft["Constraints"]["Constraint"]] == ["AmountNotSet"], "the constraints of an order without an amount")
        self.client.refused("ConstraintsExist", {400, 404}, "ConfirmOrderReference", **ask)
        total = {"OrderReferenceAttributes.SellerNote": AWKWARD, **self.money("30.00", "OrderReferenceAttributes.OrderTotal")}
        texts = {"SellerOrderId": "shop-1", "StoreName": "Café", "CustomInformation": AWKWARD, "SupplementaryData": '{"AirlineMetaData": {"version": 1.0}}'}
        attributes = {"OrderReferenceAttributes.SellerOrderAttributes." + n: v for n, v in texts.items()}
        categories = "OrderReferenceAttributes.SellerOrderAttributes.OrderItemCategories.OrderItemCategory.%d"
        attributes.update({categories % n: name for n, name in enumerate(["Antiques", "Apparel"], 1)})
        answer = self.call("SetOrderReferenceDetails", **ask, **total, **attributes)["OrderReferenceDetails"]
        for found in (answer, self.call("GetOrderReferenceDetails", **ask)["OrderReferenceDetails"]):
            agree(found["SellerNote"] == AWKWARD and found["OrderReferenceStatus"]["State"] == "Draft", "the order's note")
            agree(found["SellerOrderAttributes"] == dict(texts, OrderItemCategories={"OrderItemCategory": ["Antiques", "Apparel"]}), "the order's attributes",
                  found["SellerOrderAttributes"])
        self.same_money(found["OrderTotal"], "30.00", "the order's total")
        self.call("ConfirmOrderReference", **ask)
        self.client.refused("OrderReferenceNotModifiable", {405}, "SetOrderReferenceDetails", **ask, **total)
        charge = {"AuthorizationReferenceId": self.reference("one"), "TransactionTimeout": "0", **ask, **self.money("10.00")}
        open_ = self.call("Authorize", **charge)["AuthorizationDetails"]
        agree(open_["AuthorizationStatus"]["State"] == "Open", "a synchronous authorization is Open", open_["AuthorizationStatus"])
        other = {"NA": "EUR", "UK": "USD", "EU": "USD", "JP": "USD"}[self.region.code]
        several = self.region.code in ("UK", "EU")  # presentment currencies; elsewhere both codes fit
        self.client.refused("CurrencyMismatch" if several else "CurrencyMismatch|CurrencyUnsupported", {400}, "Authorize",
                            **dict(charge, **{"AuthorizationReferenceId": self.reference("two"), "AuthorizationAmount.CurrencyCode": other}))
        self.call("CloseAuthorization", AmazonAuthorizationId=open_["AmazonAuthorizationId"], ClosureReason=AWKWARD)
        self.expect("PaymentAuthorize", open_["AmazonAuthorizationId"], "Closed", "SellerClosed")
        soft = SIMULATION % ("InvalidPaymentMethod", ',"PaymentMethodUpdateTimeInMins":60,"SoftDecline":"true"')
        now = {"CaptureNow": "true", "AuthorizationReferenceId": self.reference("three")}
        made = self.call("Authorize", **dict(charge, **now))["AuthorizationDetails"]
        agree(made["AuthorizationStatus"].get("ReasonCode") == "MaxCapturesProcessed" and len(made["IdList"]["member"]) == 1, "an order's charge with CaptureNow")
        self.client.refused("InvalidCancelAttempt", {400, 405}, "CancelOrderReference", **ask)
        if not self.live:
            made = self.call("Authorize", **dict(charge, AuthorizationReferenceId=self.reference("four"), SellerAuthorizationNote=soft))["AuthorizationDetails"]
            agree(made["AuthorizationStatus"]["State"] == "Declined" and made["SoftDecline"], "a soft decline of an order's charge")
            self.expect("OrderReferenceNotification", own, "Suspended", "InvalidPaymentMethod")
        self.cancel()
        child = {"Id": self.id, "IdType": "BillingAgreement", "InheritShippingAddress": "true", "ConfirmNow": "true", **total}
        made = self.call("CreateOrderReferenceForId", **child)["OrderReferenceDetails"]
        agree(made["OrderReferenceStatus"]["State"] == "Open" and made["ParentDetails"] == {"Type": "BillingAgreement", "Id": self.id}, "the child")
        agree(made["RequestPaymentAuthorization"] is False, "the child asks for no authentication")
        agree(made["Destination"]["PhysicalDestination"].get("Name"), "the child has the agreement's address")
        self.call("CloseOrderReference", AmazonOrderReferenceId=made["AmazonOrderReferenceId"])
        self.expect("OrderReferenceNotification", made["AmazonOrderReferenceId"], "Closed", "SellerClosed")
        self.client.refused("InvalidOrderReferenceId", {404}, "GetOrderReferenceDetails", AmazonOrderReferenceId=self.id)

    def cancel(self):
        own = self.act("OpenOrderReference", buyer=self.buyer, amount=self.region.amount("12.00") + " " + self.region.currency)["id"]
        self.call("SetOrderAttributes", AmazonOrderReferenceId=own, **{"OrderAttributes.SellerOrderAttributes.SellerOrderId": "late-1"})
        self.call("CancelOrderReference", AmazonOrderReferenceId=own, CancelationReason=AWKWARD)
        status = self.call("GetOrderReferenceDetails", AmazonOrderReferenceId=own)["OrderReferenceDetails"]["OrderReferenceStatus"]
        agree((status["State"], status.get("ReasonCode")) == ("Canceled", "SellerCanceled"), "a canceled order", status)
        self.expect("OrderReferenceNotification", own, "Canceled", "SellerCanceled")
        self.client.refused("InvalidOrderReferenceStatus|InvalidCloseAttempt", {400, 405}, "CloseOrderReference", AmazonOrderReferenceId=own)

    def foreign_money(self):
        """Presentment currencies of UK and EU (1.3, 5)."""
        if self.region.code not in ("UK", "EU"):
            return
        own = self.act("NewOrderReference", buyer=self.buyer, currency="USD")["id"]
        dollars = {"Amount": "30.00", "CurrencyCode": "USD"}
        self.call("SetOrderReferenceDetails", AmazonOrderReferenceId=own, **{"OrderReferenceAttributes.OrderTotal." + n: v for n, v in dollars.items()})
        self.call("ConfirmOrderReference", AmazonOrderReferenceId=own)
        made = self.call("Authorize", AmazonOrderReferenceId=own, AuthorizationReferenceId=self.reference("usd"), TransactionTimeout="0", CaptureNow="true",
                         **{"AuthorizationAmount." + n: v for n, v in dollars.items()})["AuthorizationDetails"]
        agree(made["AuthorizationStatus"].get("ReasonCode") == "MaxCapturesProcessed", "a charge in dollars", made["AuthorizationStatus"])
        capture = self.call("GetCaptureDetails", AmazonCaptureId=made["IdList"]["member"][0])["CaptureDetails"]
        agree(capture["CaptureAmount"] == {"Amount": Decimal(30), "CurrencyCode": "USD"}, "the amount of a capture in dollars", capture["CaptureAmount"])
        converted = capture["ConvertedAmount"]
        agree(converted["CurrencyCode"] == self.region.currency, "the converted amount is in the ledger's currency", converted)
        agree(abs(Decimal(30) / capture["ConversionRate"] - converted["Amount"]) < Decimal("0.01"), "the conversion rate", capture["ConversionRate"], converted)

    # Refusals.

    def limits(self):
        for change in ({"TransactionTimeout": "7"}, {"TransactionTimeout": "1445"}, {"AuthorizationReferenceId": "x" * 33}, self.money("0"),
                       {"SellerAuthorizationNote": "x" * 256}, {"SoftDescriptor": "x" * 17}, {"CaptureNow": "maybe"}):
            self.client.refused("InvalidParameterValue", {400}, "AuthorizeOnBillingAgreement", **dict(self.charge("bad", "1.00"), **change))
        much = self.details()["BillingAgreementLimits"]["CurrentRemainingBalance"]["Amount"] + 1
        self.client.refused("PeriodicAmountExceeded", {400}, "AuthorizeOnBillingAgreement",
                            **dict(self.charge("much", "1.00"), **{"AuthorizationAmount.Amount": str(much)}))
        self.client.refused("InvalidBillingAgreementId", {400, 404}, "GetBillingAgreementDetails", AmazonBillingAgreementId=self.id[:-1] + "x")
        other = self.client_with(self.options.secret_key, live=not self.live)  # the error table: 500 for a sandbox object in production or vice versa
        other.refused("InternalServerError", {500}, "GetBillingAgreementDetails", kind="Receiver", AmazonBillingAgreementId=self.id)

    def forgeries(self):
        ask = {"AmazonBillingAgreementId": self.id}
        get = "GetBillingAgreementDetails"
        self.client_with("another secret key").refused("SignatureDoesNotMatch", {403}, get, **ask)
        self.client_with(self.options.secret_key, "AKIANOBODY").refused("InvalidAccessKeyId|InvalidClientTokenId", {403}, get, **ask)
        forgeries = {
            "a changed parameter": lambda p, s: (dict(p, AmazonBillingAgreementId=p["AmazonBillingAgreementId"] + "0"), s),
            "a parameter more": lambda p, s: (dict(p, CaptureNow="true"), s),
            "a changed action": lambda p, s: (dict(p, Action="CloseBillingAgreement"), s),
            "a changed time": lambda p, s: (dict(p, Timestamp=p["Timestamp"][:-1] + ".000Z"), s),
            "a cut signature": lambda p, s: (p, s[:-2]),
            "no signature": lambda p, s: (p, ""),
            "one sign of another case": lambda p, s: (p, s.swapcase()),
        }
        for name, forge in forgeries.items():
            codes = "SignatureDoesNotMatch" if name != "no signature" else "SignatureDoesNotMatch|MissingAuthenticationToken|InvalidParameterValue"
            try:
                self.client.refused(codes, {400, 403}, get, forge=forge, **ask)
            except Disagreement as problem:
                raise Disagreement(name + ": " + str(problem)) from None
        elsewhere = Client(self.road, "mws.amazonservices.com" if self.region.code != "NA" else "mws-eu.amazonservices.com", self.seller,
                           self.options.access_key, self.options.secret_key)
        elsewhere.refused("AccessDenied|InvalidParameterValue|UnauthorizedAccess|InvalidAccountStatus|InvalidBillingAgreementId", {400, 401, 403, 404}, get, **ask)
        agree(self.details()["BillingAgreementStatus"]["State"] == "Open", "forgeries do nothing")

    def clocks(self):
        for minutes in (20, -20):
            self.client.refused("InvalidParameterValue", {400}, "GetBillingAgreementDetails", off=timedelta(minutes=minutes), AmazonBillingAgreementId=self.id)
        for minutes in (14, -14):
            self.call("GetBillingAgreementDetails", off=timedelta(minutes=minutes), AmazonBillingAgreementId=self.id)
        for form in ("%Y-%m-%dT%H:%M:%S.000Z", "%Y-%m-%dT%H:%M:%S.%fZ"):
            self.call("GetBillingAgreementDetails", form=form, AmazonBillingAgreementId=self.id)

    def throttle(self):
        """6.5: five at once in the sandbox, one more a second, here two; in production
        twenty, two and four."""
        burst, rate = (20, 2) if self.live else (5, 1)
        self.control.ask("quota", {"factor": 2})
        begin = time.monotonic()
        try:
            passed = 0
            while passed < 6 * burst:
                try:
                    self.details()
                    passed += 1
                except Refused as refusal:
                    agree((refusal.status, refusal.code, refusal.spelling, refusal.kind) == (503, "RequestThrottled", "RequestID", ""),
                          "a throttled call", str(refusal), refusal.spelling, refusal.kind)
                    break
            agree(burst <= passed <= burst + 1 + 2 * rate * (time.monotonic() - begin), "%d calls at once pass" % burst, passed)
            time.sleep(0.6)
            self.details()  # one has come back
        finally:
            self.control.ask("quota", {"factor": 0})

    def close(self):
        self.call("CloseBillingAgreement", AmazonBillingAgreementId=self.id, ClosureReason=AWKWARD)
        status = self.details()["BillingAgreementStatus"]
        agree((status["State"], status.get("ReasonCode")) == ("Closed", "SellerClosed"), "the agreement is Closed", status)
        self.expect("BillingAgreementNotification", self.id, "Closed", "SellerClosed", AWKWARD)
        self.client.refused("InvalidBillingAgreementStatus", {400, 405}, "AuthorizeOnBillingAgreement", **self.charge("closed", "5.00"))
        self.client.refused("InvalidBillingAgreementStatus|InvalidCloseAttempt", {400, 405}, "ConfirmBillingAgreement", AmazonBillingAgreementId=self.id)

    # Notifications.

    def notifications(self, version="1"):
        prefix = self.region.topic_prefixes[self.options.environment]
        verifier = Verifier(self.road, self.options.ca, self.seller, self.region.topic_region, prefix, self.now, self.release)
        notices, read = [], 0

        def all_came(arrived):
            nonlocal read
            for _, headers, body in arrived[read:]:
                notices.append(verifier.verify(headers, body))
                read += 1
            return all(any(self.is_it(n, e) for n in notices) for e in self.expected)

        self.receiver.wait(self.path, all_came, 10)
        missing = [e for e in self.expected if not any(self.is_it(n, e) for n in notices)]
        agree(not missing, "notifications that did not come", missing)
        agree({n.version for n in notices} == {version}, "the signature version", sorted({n.version for n in notices}))
        for notice in notices:
            if notice.id == self.described:
                own = {"SellerId": self.seller, "SellerBillingAgreementId": "sub-" + self.run}
                agree(notice.details["SellerBillingAgreementAttributes"] == own, "the notification's attributes", notice.details["SellerBillingAgreementAttributes"])
            if notice.kind == CHARGEBACK:  # despite its name the seller's own reference (ipn.md 4.8)
                agree(notice.details["AmazonCaptureReferenceId"] == self.reference("now"), "the capture of a chargeback", notice.details["AmazonCaptureReferenceId"])
                agree(notice.details["AmazonOrderReferenceId"] == self.charged, "the order of a chargeback", notice.details["AmazonOrderReferenceId"])
        return "%d, signature %s" % (len(notices), version)

    @staticmethod
    def is_it(notice, expected):
        kind, own, state, reason, description = expected
        return ((notice.kind, notice.id, notice.state) == (kind, own, state) and reason in (None, notice.reason)
                and description in (None, notice.description))

    def notifications_v2(self):
        """SHA-256, at an address of its own."""
        self.act("SetDelivery", signature="2")
        try:
            self.path += "/2"
            self.register()
            self.expected = []
            self.id = self.act("OpenBillingAgreement", buyer=self.buyer)["id"]
            self.call("CloseBillingAgreement", AmazonBillingAgreementId=self.id)
            self.expect("BillingAgreementNotification", self.id, "Closed", "SellerClosed")
            return self.notifications("2")
        finally:
            self.act("SetDelivery", signature="1")

    def next_month(self):
        """The limit is one of calendar months: what was used up comes back on the first."""
        self.id = self.act("OpenBillingAgreement", buyer=self.buyer)["id"]
        limits = self.details()["BillingAgreementLimits"]
        whole, end = limits["AmountLimitPerTimePeriod"]["Amount"], limits["TimePeriodEndDate"]
        most = dict(self.charge("most", "1.00", CaptureNow="true"), **{"AuthorizationAmount.Amount": str(whole)})
        self.call("AuthorizeOnBillingAgreement", **most)
        agree(self.details()["BillingAgreementLimits"]["CurrentRemainingBalance"]["Amount"] == 0, "the month is used up")
        self.client.refused("PeriodicAmountExceeded", {400}, "AuthorizeOnBillingAgreement", **self.charge("more", "1.00"))
        self.control.ask("clock", {"to": end.strftime("%Y-%m-%dT%H:%M:%SZ")})
        limits = self.details()["BillingAgreementLimits"]
        agree(limits["TimePeriodStartDate"] == end, "the next month begins where the last one ends", str(limits["TimePeriodStartDate"]))
        agree(limits["CurrentRemainingBalance"]["Amount"] == whole, "the balance of a new month", limits["CurrentRemainingBalance"])
        again = dict(most, AuthorizationReferenceId=self.reference("again"))
        status = self.call("AuthorizeOnBillingAgreement", **again)["AuthorizationDetails"]["AuthorizationStatus"]
        agree(status.get("ReasonCode") == "MaxCapturesProcessed", "a charge in the next month", status)
        self.client.refused("PeriodicAmountExceeded", {400}, "AuthorizeOnBillingAgreement", **self.charge("more", "1.00"))

    STEPS = [tls, service_status, register, sign_in, draft, describe, confirm, validate, charge_now, charge_later, refund, chargeback, provider_credit,
             list_orders, one_time, foreign_money, decline, limits, forgeries, clocks, throttle, close, notifications, notifications_v2, next_month]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--https", required=True, help="address of the mock, as 127.0.0.1:8643")
    parser.add_argument("--control", required=True, help="URL of its control API, without /mock/")
    parser.add_argument("--ca", required=True, help="file of its authority")
    parser.add_argument("--access-key", default="AKIAFAKEACCESSKEY")
    parser.add_argument("--secret-key", default="not-a-secret-key-of-anybody/0123456789+=")
    parser.add_argument("--login-secret", default="not-a-login-secret-of-anybody")
    parser.add_argument("--environment", choices=("sandbox", "production"), default="sandbox")
    parser.add_argument("--provider", default="AFAKEPROVIDER01", help="a solution provider that may get credits")
    parser.add_argument("--region", action="append", help="NA, UK, EU or JP; all of them by default")
    parser.add_argument("--keep-going", action="store_true", help="do the next step after a disagreement")
    options = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8")
    check_vectors()
    check_reader()
    road, control, receiver, failed = Road(options.https, options.ca), Control(options.control, options.environment), Receiver(), 0
    for region in REGIONS:
        if options.region and region.code not in options.region:
            continue
        judge = Judge(region, options, road, control, receiver)
        begin = time.monotonic()
        for step in Judge.STEPS:
            start = time.monotonic()
            try:
                result = step(judge)
                took = "%.2f s" % (time.monotonic() - start)
                print("ok    %s %s (%s)" % (region.code, step.__name__, took if result is None else result + ", " + took))
            except (Disagreement, Refused) as problem:
                failed += 1
                print("FAIL  %s %s: %s: %s" % (region.code, step.__name__, type(problem).__name__, problem))
                if not options.keep_going:
                    return 1
        print("%s: %d calls in %.1f s" % (region.code, judge.client.calls, time.monotonic() - begin))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
