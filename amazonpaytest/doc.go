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
// itself (AmazonClose, AmazonCancel), the road between you ([Fake.Inject]) and
// time ([Fake.Advance]). How charges end is decided by the buyer's
// [PaymentMethod] or, in the sandbox, by Amazon's own simulation strings in the
// notes; a test that uses only the strings can run against the real sandbox.
//
// # Two clocks
//
// Objects live on a business clock, which starts at Settings.Start and stands
// still until it is advanced. The timestamps of requests are checked against
// the clock on the wall (in synctest, the bubble's), within Amazon's 15
// minutes.
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
// They are delivered by [Fake.Deliver] and [Fake.Advance], one after the other,
// in the order of the changes; [Fake.SetDelivery] makes the road worse, and
// [Fake.Notifications] is the log. An object that changes several times in one
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
// # What is imitated, and what is not
//
//	imitated                                        not imitated
//	all 29 operations, states and reason codes      A-to-z claims; chargebacks are only told of
//	signature, keys, tokens of delegated sellers    quotas: inject Throttled
//	names, kinds and lengths of all parameters      fees: they are 0
//	limits of amounts, counts and times             exchange rates: always 1.25 (125 yen) for one
//	the monthly limit of an agreement               the bank's challenge page of Europe
//	repetition by reference id                      Login with Amazon's scripts, cookies and passwords
//	consent, constraints, partly shown addresses    the widgets' HTML
//	provider credits                                topics to subscribe to: receivers are registered
//	notifications, their signatures and delays
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
//     does.
//   - A token shows the full address for the scope payments:shipping_address, the
//     billing address for payments:billing_address; without them it is no error,
//     but shows nothing. Buyers with the same e-mail address are the same.
//   - All regions' hosts of Login with Amazon answer for all, in both
//     environments.
//   - The order of elements changes from answer to answer and from notification
//     to notification: no schema fixes it.
//   - A notification that is answered 4xx, or finds nobody, does not come again.
//   - Notifications of chargebacks come from another account's topic, in
//     us-east-1 for all regions, as recorded.
package amazonpaytest
