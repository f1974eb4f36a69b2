// Package amazonpay charges subscribers with Amazon Pay.
//
// It speaks Amazon Pay's older, MWS-style API (service version 2013-01-01) and
// covers every operation of it. A [Client] is made once, from a [Config], and
// used by any number of goroutines:
//
//	client, err := amazonpay.New(amazonpay.Config{
//		SellerID:    os.Getenv("AMAZONPAY_SELLER_ID"),
//		AccessKey:   os.Getenv("AMAZONPAY_ACCESS_KEY"),
//		SecretKey:   amazonpay.NewSecretKey(os.Getenv("AMAZONPAY_SECRET_KEY")),
//		Region:      amazonpay.RegionNA,
//		Environment: amazonpay.Sandbox,
//	})
//
// # How the money flows
//
// The buyer signs in and picks an address and a payment method in Amazon's
// widgets, and ticks consent to recurring charges. That makes a
// [BillingAgreement] in Draft. From then on your server works alone:
//
//  1. SetBillingAgreementDetails says what the subscription is.
//  2. ConfirmBillingAgreement, within three hours, makes it Open.
//  3. [Client.Charge] charges it, once for every period. Under it lies
//     AuthorizeOnBillingAgreement with CaptureNow, which makes an
//     [OrderReference] for the charge, an [Authorization] on that and a [Capture]
//     of it.
//  4. Refund gives money back from a capture.
//  5. CloseBillingAgreement ends it.
//
// Without CaptureNow the money is reserved, for 30 days, and Capture takes it:
// once, the whole or a part. One-time purchases do the same on an order
// reference of their own: SetOrderReferenceDetails, ConfirmOrderReference,
// Authorize, Capture.
//
// # States
//
// Every object has a [Status]: a [State], since when, and a [Reason]. An
// authorization with TransactionTimeout 0 is decided in the answer; without, it
// is Pending and decided later. Ask [Authorization.Outcome] what became of it: a
// charge taken by CaptureNow is Closed with MaxCapturesProcessed, which is the
// good end.
//
// A decline is an answer, not an error. A new attempt needs a new reference id;
// the old one would answer with the old decline. InvalidPaymentMethod suspends
// the agreement, and nothing can be charged until it is Open again:
//
//   - after a soft decline (SoftDecline is true), call ConfirmBillingAgreement
//     after a while, and try again: the same payment method may work;
//   - if the buyer enters another payment method on Amazon's site, the agreement
//     opens by itself, and a notification says so;
//   - if the buyer picks one in your Wallet widget, call ConfirmBillingAgreement.
//
// After the other reasons the agreement stays Open. All of this is [Advice],
// which a [Charge] carries, and [AdviceFor] has for errors; [Dunning] turns it
// into the time of the next try.
//
// # Errors
//
//   - [*InvalidError]: a Config or request is wrong; all its faults, by the
//     names of the Go fields. Nothing was sent.
//   - [*Error]: Amazon refused the call, or could not be asked. Branch on the
//     code: errors.Is(err, amazonpay.ErrPeriodicAmountExceeded).
//   - [*OutcomeUnknownError]: a call that moves money was sent, and no answer
//     came. It may have been done. Repeat the same request with the same
//     reference id until an answer comes.
//
// # Reference ids and repeats
//
// Authorizations, captures and refunds carry a [ReferenceID] of yours. Amazon
// answers a repeat of the same request with the first result and moves no money
// again. So derive it from what is being paid, with [NewReferenceID], store it
// before the call, and never make it up anew for a retry.
//
// The client itself repeats what may pass: throttling, the servers' own
// troubles, lost answers, as [Config] and [Backoff] say, and always with the
// same reference id.
//
// # Quotas
//
// Amazon takes one charge a second from a seller, whatever the number of your
// workers and machines, and throttles the others. So the client paces its
// requests: a call waits for its turn as long as its context allows, and
// [Client.EstimateDuration] tells how long a billing run will take. Clients with
// the same keys should share a [Limiter], through [NewLimiter] in one process
// and module fleet among several.
//
// # Money
//
// A [Price] is a whole number of minor units and a currency. There is no way to
// make one from a float.
//
// # Notifications
//
// Amazon Pay tells what has changed by instant payment notifications, which
// [Client.Notifications] verifies and reads: see [Verifier]. They may come twice,
// late and in any order: an [Inbox] does the work for each once, and
// [Notification.NewerThan] keeps a late "Pending" from undoing a "Completed".
// Some never come: [Client.Sweep] reads again what has been open for too long.
//
// # Sign-in
//
// Package lwa is Login with Amazon; [Client.GetUserProfile] tells who the buyer
// behind an access token is.
//
// # Tests
//
// Package amazonpaytest is a fake Amazon Pay that lives in your test: it checks
// signatures, keeps states and books, declines on request, loses answers, and
// lets months pass in no time.
package amazonpay
