// Package amazonpaytest is an Amazon Pay for tests: a stateful fake of the
// payment API with buyers, payment methods, a clock, faults and a ledger of
// what really happened. It needs no account, no network and no waiting.
//
//	func TestRenewal(t *testing.T) {
//		fake := amazonpaytest.New(amazonpaytest.Settings{})
//		agreement := fake.NewBillingAgreement().Consent()
//		shop := NewShop(fake.Client()) // your code, with a client of the fake
//		shop.Subscribe(agreement.ID())
//
//		fake.Inject(amazonpaytest.Fault{Action: "AuthorizeOnBillingAgreement", Kind: amazonpaytest.AnswerLost})
//		fake.Advance(31 * 24 * time.Hour) // the buyer's months pass in no time
//		shop.RenewAll()                   // the charge is made, its answer is lost, the call is repeated
//		if got := fake.TotalCaptured("USD"); got != amazonpay.MustPrice("39.80", "USD") {
//			t.Errorf("captured %v, want two months", got)
//		}
//	}
//
// [Fake.Client] talks to the fake without a socket, under Amazon's real host
// names, so that tests run in parallel and inside testing/synctest. A [Fake] is
// an [net/http.Handler] as well: serve it with net/http/httptest to test a
// program in another process or language.
//
// # The sides of a payment
//
// Your server's side is the API. The other sides are methods: the buyer in the
// widgets and on Amazon's site ([BillingAgreement], [OrderReference]), Amazon
// itself (AmazonClose, AmazonCancel, [Authorization], [Capture], [Refund]), the
// buyer's bank ([Fake.Chargeback]), the road between you ([Fake.Inject]) and
// time ([Fake.Advance]). How charges end is decided by the buyer's
// [PaymentMethod] or, in the sandbox, by Amazon's own simulation strings in the
// notes; a test that uses only the strings can run against the real sandbox.
//
// # Two clocks
//
// Objects live on a business clock. It starts at Settings.Start, runs with the
// clock on the wall (in synctest, the bubble's) and is moved on by [Fake.Advance]:
//
//	amazonpaytest.Settings{}                                   // now, and running
//	amazonpaytest.Settings{Start: lastYear}                    // from then on, and running
//	amazonpaytest.Settings{Manual: true}                       // 15 January 2026, 12:00 UTC, until Advance
//	amazonpaytest.Settings{Manual: true, Start: endOfFebruary} // then, until Advance
//
// A clock that stands still makes a test the same on every day, at the end of a
// month, too: take it where dates are printed or compared, where a monthly limit
// counts, and where notifications are to come at your word only. Inside
// testing/synctest a running clock is just as exact: three hours of time.Sleep
// later a draft has gone stale. Make and use the fake in one bubble.
//
// What falls due happens in order of time, at the time when it is due, whether
// many days are advanced at once or the fake is first asked long after.
//
// The timestamps of requests are checked against the clock on the wall, within
// Amazon's 15 minutes, and quotas are restored on it, whatever the business clock
// does.
//
// Codes and tokens of Login with Amazon live on the business clock, too: an hour
// of Advance is the end of an access token, whatever the wall says. The exp of
// tokeninfo counts the seconds that are left; iat is a time of the business
// clock and not to be compared with the wall's.
//
// # Notifications
//
// Once a receiver is registered, every change of an object's state sends an
// Instant Payment Notification, signed as Amazon's are, with keys of the
// process's own:
//
//	fake.Notify(shop.Notifications) // your http.Handler
//	agreement.Cancel()              // or whatever changes something
//	fake.Deliver()                  // the handler has been called
//
// They are delivered by [Fake.Deliver] and [Fake.Advance], and by themselves if
// the clock runs, one after the other, in the order of the changes;
// [Fake.SetDelivery] makes the road worse, and [Fake.Notifications] is the log.
// With a running clock the handler may still be called when the test is over: let
// it not use the test's t, or take a manual clock. An object that changes several times in one
// request is told of once, as it is afterwards. That an authorization, capture
// or refund is Pending is told by the answer alone. What the buyer changes of
// an agreement comes with an EventType of its own: at once from Amazon's site,
// with the next confirmation from your widgets.
//
// A verifier fetches the certificate with a client whose Transport is the fake:
// it is served at the https://sns.<region>.amazonaws.com address that the
// messages name, without a chain, as Amazon does it. Its name is
// sns.amazonaws.com; its issuer is [Fake.CertificateAuthority]. The topics are
// [Fake.TopicARNs]. Messages are dated on the business clock, so a verifier that
// looks at the time must be given [Fake.Now]; the certificates hold from 1990 to
// 2190, on that clock and on the wall's.
//
// # Faults and quotas
//
// [Fake.Inject] breaks the next requests, or each with a probability:
//
//	fake.Inject(amazonpaytest.Fault{Action: "Capture", Kind: amazonpaytest.AnswerLost}) // the next one
//	fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.Slow, Delay: time.Second,       // one in twenty, until Heal
//		Probability: 0.05, Times: -1})
//
// There are requests and answers that are lost, connections that are closed and
// reset, errors 500, 502, 503 and 504 with and without the work being done,
// throttling, cut and empty answers, redirects, silence and a clock that is
// wrong. [Delivery] loses, repeats and reorders notifications. Settings.Seed
// decides how the dice fall: the same seed and the same order of requests bring
// the same faults.
//
// Amazon's quotas are off, so that tests are fast. Settings.Quota or
// [Fake.SetQuota] turns them on: 1 for Amazon's own pace, more for a time-lapse.
//
// # Long runs
//
// A charge takes about a tenth of a millisecond, client included, and about 4 KB
// that are kept, because all objects and the first answers of all reference ids
// are. What the logs keep can be bounded with Settings.KeepCalls.
//
// # In a process of its own
//
// All that the methods do can be done by name, with an [Act] that is read from
// JSON: [Acts] is the table of what there is. [Fake.Snapshot] is the books for a
// page or a program to look at. [Restore] makes a fake that comes back as it was
// after its process was killed, from a journal of all that changed it:
//
//	file, err := os.OpenFile("journal", os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
//	fake, err := amazonpaytest.Restore(amazonpaytest.Settings{}, file)
//
// # What is imitated, and what is not
//
//	imitated                                        not imitated
//	all 29 operations and all states                how banks and Amazon decide: you do
//	reason codes and constraints                    StopShipmentAtypicalAuth; BillingAddressDeleted, InvalidPaymentPlan
//	                                                and PaymentMethodExpired, which are like PaymentMethodDeleted
//	signature, keys, tokens of delegated sellers    hourly quotas, and their headers
//	names, kinds and lengths of all parameters      fees: they are 0
//	limits of amounts, counts and times             exchange rates: always 1.25 (125 yen) for one
//	the monthly limit of an agreement               the bank's challenge page of Europe, but its ends
//	repetition by reference id                      Login with Amazon's scripts, cookies and passwords
//	consent, constraints, partly shown addresses    the widgets' HTML and script: cmd/amazonpay-mock
//	provider credits, chargebacks, A-to-z claims    topics to subscribe to: receivers are registered
//	notifications, their signatures and delays
//	quotas, if they are turned on
//	Login with Amazon: consent, tokens, profile
//
// # Where the sources differ
//
// Amazon's documents contradict each other in places, and are silent in others.
// The fake takes the reading that finds more mistakes:
//
//   - A repetition with the same parameters gets the first answer word for word,
//     even if the object has moved on since; parameters are compared as they
//     were sent, so 10 and 10.00 differ. A request that was refused does not use
//     its reference id up. Authorizations, captures and refunds share one
//     namespace per seller; Authorize and AuthorizeOnBillingAgreement count as
//     different requests.
//   - What ended an object may be repeated with the same reason: closing what you
//     closed is a success, closing what the buyer closed is not.
//   - CapturedAmount is 0 in the answer to a charge with CaptureNow, as recorded,
//     and the captured amount in GetAuthorizationDetails.
//   - The order references of an agreement are confirmed and authorized while it
//     is Open only; those of a draft are canceled with it.
//   - The details of an agreement do not say when its state changed: no recording
//     and no sample of them does. ValidateBillingAgreement and notifications do.
//   - A late capture uses its authorization up at once: Closed,
//     MaxCapturesProcessed while the capture is Pending, and for good, even if the
//     capture is Declined in the end. Whether money was taken is told by the
//     capture, and by a CapturedAmount above zero.
//   - Declined authorizations and those that Amazon closed at once give the
//     month's balance back; all others use it up, captured or not.
//     Charges on order references made from the agreement count, too.
//   - A soft decline suspends like a hard one, but can be confirmed again without
//     a change of the payment method.
//   - What the buyer picks in your widgets after the confirmation counts from the
//     next confirmation on.
//   - CreateOrderReferenceForId without InheritShippingAddress inherits none;
//     AuthorizeOnBillingAgreement without it does.
//   - An order reference takes 10 authorizations, of any state. What is authorized
//     and what is captured together stay within its total and surplus.
//   - Authorizations live 30 days in the sandbox, too; see
//     Settings.AuthorizationLife.
//   - An object of the other environment is an InternalServerError; an unknown
//     parameter, a gap in a list and a repeated parameter are
//     InvalidParameterValue. A simulation string where Amazon does not list it is
//     InvalidSandboxSimulationSpecified.
//   - Where no source knows the HTTP status of an error code, it is 400.
//   - A refresh token ends when it is refreshed: store the one that comes back.
//     The access tokens that came before live on. A client without a secret gets
//     no refresh token.
//   - An authorization code lives 5 minutes and is used up by the first complete
//     request of its own client, even one with a wrong verifier or return URL. A
//     verifier for a code without a challenge is refused.
//   - An unknown scope is told to the client with a redirect. Sign-in and consent
//     are one page, and it is shown every time.
//   - The token of an implicit grant comes in the fragment; the parameter
//     popup=true, the fake's own, puts it into the query, as the widgets' pop-up
//     does. There the return URL is the page that opened it: Allowed Return URLs
//     are compared by their origins.
//   - The widgets take a token for 55 minutes, the API for 60.
//   - A widget for an agreement that does not exist says InvalidParameterValue:
//     no list of the widgets' errors has a code of its own.
//   - A token shows the full address for the scope payments:shipping_address, the
//     billing address for payments:billing_address; without them it is no error,
//     but shows nothing. Buyers with the same e-mail address are the same.
//   - All regions' hosts of Login with Amazon answer for all, in both
//     environments.
//   - The order of elements changes from answer to answer and from notification
//     to notification: no schema fixes it.
//   - A notification that is answered 4xx, or finds nobody, does not come again.
//   - Where no page states a quota, it is the smallest of the usual ones: 10 calls
//     and 1 a second, in the sandbox 2 and 1 every 2 seconds. The two lists of
//     order references have one each. A request with bad parameters or for
//     objects that do not exist uses its quota, one whose sender is not believed
//     does not. A throttled request neither reads nor uses its reference id.
//   - Notifications of chargebacks come from another account's topic, in
//     us-east-1 for all regions, as recorded.
//   - Notifications tell of every change but to Pending, also of what an answer has
//     told already: one page announces them for what was not decided at once only,
//     recordings have others. Do not wait for the one of a synchronous charge.
//   - ConstraintsExist has the status 400 in all regions; an American page has 404.
//   - An access key that nobody has is InvalidAccessKeyId, as the table of codes has
//     it; one sample says InvalidClientTokenId.
//   - What a refund takes back of a provider's credit is Pending with the refund,
//     and Declined with it.
//   - Of a chargeback Amazon tells once: RECEIVED is the only state that has been
//     seen. One that is lost shows as a Completed refund of type Chargeback, a
//     granted claim as one of type AmazonA-ZGuarantee, with a notification each and
//     a reference id that is not the seller's. They use the capture's surplus up,
//     but are none of the seller's ten refunds. A refund of the seller's that
//     would give the money a second time is Declined, ProcessingFailure.
//   - An agreement or an order reference that is confirmed with SuccessUrl and
//     FailureUrl is Open while the buyer is on the confirmation page: shops charge
//     agreements that never went there. A buyer who fails or leaves suspends it:
//     PaymentAuthorizationRequired. It may be confirmed again as it is.
package amazonpaytest
