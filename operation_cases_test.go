package amazonpay_test

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

func utc(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

// operationCase is one action: a request with every field set, and what its
// response golden says.
type operationCase struct {
	request any      // nil for actions without parameters
	unset   []string // the request's fields that cannot be set with the others
	result  any      // nil for actions without a result
	absent  []string // fields of the result that the action never answers
	joined  int      // values in the response golden that share an element with another
}

const (
	exampleToken = "Atza|IwEBIExampleToken+/=="
	exampleNote  = "Tee & Gebäck, 茶"
)

// operationCases makes them anew each time, so that tests may change them.
func operationCases() map[string]operationCase {
	order := amazonpay.OrderReferenceID("S02-1234567-1234567")
	agreement := amazonpay.BillingAgreementID("C02-1234567-1234567")
	price := func(amount string) amazonpay.Price { return amazonpay.MustPrice(amount, amazonpay.CurrencyEUR) }
	credits := []amazonpay.ProviderCredit{
		{ProviderID: "A3PROVIDERONE", CreditAmount: price("1.00")},
		{ProviderID: "A3PROVIDERTWO", CreditAmount: price("0.05")},
	}
	sellerOrder := amazonpay.SellerOrderAttributes{
		SellerOrderID: "order-2024-0042", StoreName: "Teeladen", CustomInformation: "cohort 7",
		OrderItemCategories: []string{"Antiques", "Apparel"}, SupplementaryData: `{"OrderMetaData":{"numberOfItems":3}}`,
	}
	attributes := amazonpay.OrderReferenceAttributes{
		OrderTotal: price("119.00"), PlatformID: "A3PLATFORMEXAMPLE", SellerNote: exampleNote,
		SellerOrderAttributes: sellerOrder, RequestPaymentAuthorization: true,
	}
	pspAttributes := attributes
	pspAttributes.PaymentServiceProviderAttributes = amazonpay.PaymentServiceProviderAttributes{
		PaymentServiceProviderID: "A3PSPEXAMPLE", PaymentServiceProviderOrderID: "psp-77",
	}
	noPSP := []string{
		"OrderReferenceAttributes.PaymentServiceProviderAttributes.PaymentServiceProviderID",
		"OrderReferenceAttributes.PaymentServiceProviderAttributes.PaymentServiceProviderOrderID",
	}
	pageToken := "eyJxIjoib3JkZXItMjAyNC0wMDQyIn0+/Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFy=="
	return map[string]operationCase{
		"GetServiceStatus": {result: &amazonpay.ServiceStatus{
			Status: "GREEN_I", Timestamp: utc("2024-11-03T06:12:43.167Z"), MessageID: "173964729I",
			Messages: []amazonpay.ServiceMessage{{Locale: "en_US", Text: "Delays & retries are possible."}, {Locale: "de_DE", Text: "Verzögerungen möglich."}},
		}},
		"GetMerchantAccountStatus": {result: &amazonpay.MerchantAccountStatus{AccountStatus: "ACTIVE"}},
		"GetMerchantNotificationConfiguration": {joined: 1, result: &amazonpay.MerchantNotificationConfiguration{
			NotificationConfigurationList: []amazonpay.NotificationConfiguration{
				{NotificationURL: "https://shop.example/ipn?a=1&b=2", EventTypes: []amazonpay.EventType{amazonpay.EventTypeOrderReference, amazonpay.EventTypePaymentAuthorize}},
				{NotificationURL: "https://shop.example/rest", EventTypes: []amazonpay.EventType{amazonpay.EventTypeBillingAgreement, amazonpay.EventTypeChargebackDetailed}},
			},
		}},
		"SetMerchantNotificationConfiguration": {request: amazonpay.SetMerchantNotificationConfigurationRequest{
			NotificationConfigurationList: []amazonpay.NotificationConfiguration{
				{NotificationURL: "https://shop.example/ipn?a=1&b=2", EventTypes: []amazonpay.EventType{amazonpay.EventTypeAll}},
				{NotificationURL: "https://shop.example/rest", EventTypes: []amazonpay.EventType{amazonpay.EventTypeBillingAgreement, amazonpay.EventTypeChargebackDetailed}},
			},
		}},

		"SetOrderReferenceDetails": {
			request: amazonpay.SetOrderReferenceDetailsRequest{AmazonOrderReferenceID: order, OrderReferenceAttributes: attributes}, unset: noPSP,
			result: goldenOrder(1, amazonpay.StateDraft, amazonpay.ReasonInvalidPaymentMethod, "seen in a draft"),
		},
		"SetOrderAttributes": {
			request: amazonpay.SetOrderAttributesRequest{AmazonOrderReferenceID: order, OrderAttributes: pspAttributes},
			result:  goldenOrder(2, amazonpay.StateOpen, amazonpay.ReasonExpired, "seen while open"),
		},
		"GetOrderReferenceDetails": {
			request: amazonpay.GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: order, AccessToken: exampleToken},
			unset:   []string{"AddressConsentToken"}, // excludes AccessToken
			result:  goldenOrder(3, amazonpay.StateSuspended, amazonpay.ReasonInvalidPaymentMethod, "The card has expired."),
		},
		"ConfirmOrderReference": {request: amazonpay.ConfirmOrderReferenceRequest{
			AmazonOrderReferenceID: order, SuccessURL: "https://shop.example/success?order=42", FailureURL: "https://shop.example/failure?order=42",
			AuthorizationAmount: price("120.50"), ExpectImmediateAuthorization: true,
		}},
		"CancelOrderReference": {request: amazonpay.CancelOrderReferenceRequest{AmazonOrderReferenceID: order, CancelationReason: "out of stock"}},
		"CloseOrderReference":  {request: amazonpay.CloseOrderReferenceRequest{AmazonOrderReferenceID: order, ClosureReason: "shipped"}},
		"ListOrderReference": {
			request: amazonpay.ListOrderReferenceRequest{
				QueryID: "order-2024-0042", QueryIDType: "SellerOrderId", PaymentDomain: "EU_GBP",
				CreatedTimeRange: amazonpay.CreatedTimeRange{
					StartTime: utc("2024-11-01T00:00:00.9Z"),
					EndTime:   utc("2024-12-01T00:00:00Z").In(time.FixedZone("", 3600)).Add(-time.Hour),
				},
				SortOrder: "Descending", PageSize: 20,
				OrderReferenceStatusListFilter: []amazonpay.State{amazonpay.StateOpen, amazonpay.StateCanceled},
			},
			result: &amazonpay.OrderReferencePage{NextPageToken: pageToken, OrderReferences: []amazonpay.OrderReference{
				goldenListed("P02-1234567-0000001", amazonpay.StateClosed, amazonpay.ReasonSellerClosed, "shipped"),
				goldenListed("P02-1234567-0000002", amazonpay.StateCanceled, amazonpay.ReasonStale, "three hours"),
			}},
			absent: slices.Concat(notListed("OrderReferences[0]."), notListed("OrderReferences[1].")),
		},
		"ListOrderReferenceByNextToken": {
			request: amazonpay.ListOrderReferenceByNextTokenRequest{NextPageToken: "eyJxIjoib3JkZXIifQ+/=="},
			result: &amazonpay.OrderReferencePage{NextPageToken: reversed(pageToken), OrderReferences: []amazonpay.OrderReference{
				goldenListed("P02-1234567-0000003", amazonpay.StateClosed, amazonpay.ReasonExpired, "180 days"),
			}},
			absent: notListed("OrderReferences[0]."),
		},
		"CreateOrderReferenceForId": {
			request: amazonpay.CreateOrderReferenceForIdRequest{
				ID: agreement, IDType: "BillingAgreement", InheritShippingAddress: new(false), ConfirmNow: true, OrderReferenceAttributes: attributes,
			}, unset: noPSP,
			result: goldenOrder(4, amazonpay.StateClosed, amazonpay.ReasonSellerClosed, "done"),
		},

		"Authorize": {
			request: amazonpay.AuthorizeRequest{
				AmazonOrderReferenceID: order, AuthorizationReferenceID: "invoice-2024-11_1", AuthorizationAmount: price("24.90"),
				SellerAuthorizationNote: "November", TransactionTimeout: new(0), CaptureNow: true, SoftDescriptor: "Teeladen",
				ProviderCreditList: credits, OrderItemCategories: []string{"Antiques", "Apparel"},
			},
			result: goldenAuthorization(1, "invoice-2024-11", amazonpay.StateClosed, amazonpay.ReasonMaxCapturesProcessed, "captured"),
		},
		"GetAuthorizationDetails": {
			request: amazonpay.GetAuthorizationDetailsRequest{AmazonAuthorizationID: "S02-1234567-1234567-A000001"},
			result:  goldenAuthorization(2, "invoice-2024-12", amazonpay.StateDeclined, amazonpay.ReasonInvalidPaymentMethod, "declined by the bank"),
		},
		"CloseAuthorization": {request: amazonpay.CloseAuthorizationRequest{AmazonAuthorizationID: "S02-1234567-1234567-A000001", ClosureReason: "not needed"}},
		"Capture": {
			request: amazonpay.CaptureRequest{
				AmazonAuthorizationID: "S02-1234567-1234567-A000001", CaptureReferenceID: "capture-2024-11_1", CaptureAmount: price("24.90"),
				SellerCaptureNote: "November", SoftDescriptor: "Teeladen", ProviderCreditList: credits,
			},
			result: goldenCapture(1, "capture-2024-11", amazonpay.StatePending, amazonpay.ReasonStopShipmentAtypicalAuth, "unusual"),
		},
		"GetCaptureDetails": {
			request: amazonpay.GetCaptureDetailsRequest{AmazonCaptureID: "S02-1234567-1234567-C000001"},
			result:  goldenCapture(2, "capture-2024-12", amazonpay.StateClosed, amazonpay.ReasonMaxRefundsProcessed, "ten"),
		},
		"Refund": {
			request: amazonpay.RefundRequest{
				AmazonCaptureID: "S02-1234567-1234567-C000001", RefundReferenceID: "refund-2024-11_1", RefundAmount: price("4.90"),
				SellerRefundNote: "Sorry", SoftDescriptor: "Teeladen",
				ProviderCreditReversalList: []amazonpay.ProviderCreditReversal{{ProviderID: "A3PROVIDERONE", CreditReversalAmount: price("0.50")}},
			},
			result: goldenRefund(1, amazonpay.RefundTypeSellerInitiated, amazonpay.StatePending, amazonpay.ReasonProcessingFailure, "odd but possible"),
		},
		"GetRefundDetails": {
			request: amazonpay.GetRefundDetailsRequest{AmazonRefundID: "S02-1234567-1234567-R000001"},
			result:  goldenRefund(2, amazonpay.RefundTypeAmazonAZGuarantee, amazonpay.StateDeclined, amazonpay.ReasonAmazonRejected, "negative balance"),
		},

		"GetBillingAgreementDetails": {
			request: amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: agreement, AddressConsentToken: exampleToken},
			unset:   []string{"AccessToken"}, // excludes AddressConsentToken
			result:  goldenAgreement(1, amazonpay.StateSuspended, amazonpay.ReasonInvalidPaymentMethod, "The card has expired."),
		},
		"SetBillingAgreementDetails": {
			request: amazonpay.SetBillingAgreementDetailsRequest{AmazonBillingAgreementID: agreement, BillingAgreementAttributes: amazonpay.BillingAgreementAttributes{
				PlatformID: "A3PLATFORMEXAMPLE", SellerNote: exampleNote,
				SellerBillingAgreementAttributes: amazonpay.SellerBillingAgreementAttributes{
					SellerBillingAgreementID: "subscription-42", StoreName: "Teeladen", CustomInformation: "cohort 7",
				},
				BillingAgreementType: amazonpay.MerchantInitiatedTransaction, SubscriptionAmount: price("24.90"),
			}},
			result: goldenAgreement(2, amazonpay.StateDraft, amazonpay.ReasonStale, "seen in a draft"),
		},
		"ConfirmBillingAgreement": {request: amazonpay.ConfirmBillingAgreementRequest{
			AmazonBillingAgreementID: agreement, SuccessURL: "https://shop.example/success?order=42", FailureURL: "https://shop.example/failure?order=42",
		}},
		"ValidateBillingAgreement": {
			request: amazonpay.ValidateBillingAgreementRequest{AmazonBillingAgreementID: agreement},
			result: &amazonpay.BillingAgreementValidation{
				ValidationResult: "Failure", FailureReasonCode: amazonpay.ReasonValidationTimedOut,
				BillingAgreementStatus: goldenStatus("2024-11-03T06:12:43.508Z", amazonpay.StateSuspended, amazonpay.ReasonInvalidPaymentMethod, "The card has expired."),
			},
		},
		"AuthorizeOnBillingAgreement": {
			request: amazonpay.AuthorizeOnBillingAgreementRequest{
				AmazonBillingAgreementID: agreement, AuthorizationReferenceID: "subscription-42-2024-11", AuthorizationAmount: price("24.90"),
				SellerAuthorizationNote: "November", TransactionTimeout: new(1440), CaptureNow: true, SoftDescriptor: "Teeladen",
				SellerNote: exampleNote, PlatformID: "A3PLATFORMEXAMPLE", SellerOrderAttributes: sellerOrder,
				InheritShippingAddress: new(false), ProviderCreditList: credits,
			},
			result: &amazonpay.BillingAgreementAuthorization{
				Authorization:          *goldenAuthorization(3, "subscription-42-2024-11", amazonpay.StatePending, amazonpay.ReasonStopShipmentAtypicalAuth, "unusual"),
				AmazonOrderReferenceID: order,
			},
		},
		"CloseBillingAgreement": {request: amazonpay.CloseBillingAgreementRequest{
			AmazonBillingAgreementID: agreement, ClosureReason: "moved abroad", ReasonCode: "SellerClosed",
		}},

		"GetProviderCreditDetails": {
			request: amazonpay.GetProviderCreditDetailsRequest{AmazonProviderCreditID: "S02-1234567-1234567-P000001"},
			result: &amazonpay.ProviderCreditDetails{
				AmazonProviderCreditID: "S02-1234567-1234567-P000001", SellerID: "A2SELLEREXAMPLE", ProviderID: "A3PROVIDERONE",
				CreditReferenceID: "credit-1", CreditAmount: price("1.00"), CreditReversalAmount: price("0.50"),
				CreditReversalIDList: []amazonpay.ProviderCreditReversalID{"S02-1234567-1234567-Q000001", "S02-1234567-1234567-Q000002"},
				CreationTimestamp:    utc("2024-11-03T06:12:43Z"),
				CreditStatus:         goldenStatus("2024-11-04T06:12:43Z", amazonpay.StateClosed, amazonpay.ReasonMaxAmountReversed, "All of it"),
			},
		},
		"GetProviderCreditReversalDetails": {
			request: amazonpay.GetProviderCreditReversalDetailsRequest{AmazonProviderCreditReversalID: "S02-1234567-1234567-Q000001"},
			result:  goldenReversal(amazonpay.StateCompleted),
		},
		"ReverseProviderCredit": {
			request: amazonpay.ReverseProviderCreditRequest{
				AmazonProviderCreditID: "S02-1234567-1234567-P000001", CreditReversalReferenceID: "reversal-2024-11_1",
				CreditReversalAmount: price("0.50"), CreditReversalNote: "fee taken back",
			},
			result: goldenReversal(amazonpay.StatePending),
		},
	}
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

func goldenStatus(since string, state amazonpay.State, reason amazonpay.Reason, description string) amazonpay.Status {
	return amazonpay.Status{State: state, LastUpdateTimestamp: utc(since), ReasonCode: reason, ReasonDescription: description}
}

func goldenAddress(name, street string) amazonpay.Address {
	return amazonpay.Address{
		Name: name, AddressLine1: street, AddressLine2: "Hinterhaus", AddressLine3: "3. Stock", City: "Berlin", County: "Mitte",
		District: "Wedding", StateOrRegion: "Land Berlin", PostalCode: "13347", CountryCode: "DE", Phone: "+49 30 5550100",
	}
}

var (
	goldenBuyer       = amazonpay.Buyer{Name: "Erika Beispiel", Email: "erika@shop.example", Phone: "+49 30 5550101"}
	goldenDestination = amazonpay.Destination{DestinationType: "Physical", PhysicalDestination: goldenAddress("Erika Beispiel", "Lieferweg 1")}
	goldenBilling     = amazonpay.BillingAddress{AddressType: "Physical", PhysicalAddress: goldenAddress("Erika B.", "Rechnungsweg 2")}
)

func goldenOrder(number int, state amazonpay.State, reason amazonpay.Reason, description string) *amazonpay.OrderReference {
	id := fmt.Sprintf("S02-1234567-%07d", number)
	authorizations := []amazonpay.AuthorizationID{amazonpay.AuthorizationID(id + "-A000001")}
	if number == 3 {
		authorizations = append(authorizations, amazonpay.AuthorizationID(id+"-A000002"))
	}
	return &amazonpay.OrderReference{
		AmazonOrderReferenceID: amazonpay.OrderReferenceID(id), Buyer: goldenBuyer,
		OrderTotal: amazonpay.MustPrice("119.00", amazonpay.CurrencyEUR), SellerNote: "Tee & Gebäck, <November>", PlatformID: "A3PLATFORMEXAMPLE",
		Destination: goldenDestination, BillingAddress: goldenBilling, ReleaseEnvironment: "Sandbox",
		SellerOrderAttributes: amazonpay.SellerOrderAttributes{
			SellerOrderID: "order-2024-0042", StoreName: "Teeladen", CustomInformation: "cohort 7",
			OrderItemCategories: []string{"Antiques", "Apparel"}, SupplementaryData: `{"OrderMetaData":{"numberOfItems":3}}`,
		},
		PaymentServiceProviderAttributes: amazonpay.PaymentServiceProviderAttributes{PaymentServiceProviderID: "A3PSPEXAMPLE", PaymentServiceProviderOrderID: "psp-77"},
		OrderReferenceStatus:             goldenStatus("2024-11-03T06:12:43.508Z", state, reason, description),
		Constraints: []amazonpay.Constraint{
			{ConstraintID: amazonpay.ConstraintPaymentPlanNotSet, Description: "No payment plan."},
			{ConstraintID: amazonpay.ConstraintShippingAddressNotSet, Description: "No address."},
		},
		CreationTimestamp: utc("2024-11-01T19:10:16Z"), ExpirationTimestamp: utc("2025-04-30T19:10:16Z"),
		ParentDetails: amazonpay.ParentDetails{Type: "BillingAgreement", ID: fmt.Sprintf("C02-1234567-%07d", number)},
		IDList:        authorizations, OrderLanguage: "de-DE", RequestPaymentAuthorization: true,
		PaymentDescriptor: amazonpay.PaymentDescriptor{
			FullDescriptor: "Amazon Pay (Visa **11)", Name: "Visa", AccountNumberTail: "11", UseAmazonBalanceFirst: true,
		},
		PaymentReference:            amazonpay.PaymentReference{StaticToken: "c3RhdGljLXRva2Vu"},
		PaymentAuthenticationStatus: amazonpay.PaymentAuthenticationStatus{State: "REQUIRED"},
	}
}

func goldenListed(id amazonpay.OrderReferenceID, state amazonpay.State, reason amazonpay.Reason, description string) amazonpay.OrderReference {
	return amazonpay.OrderReference{
		AmazonOrderReferenceID: id, OrderTotal: amazonpay.MustPrice("119.00", amazonpay.CurrencyEUR), ReleaseEnvironment: "Live",
		SellerOrderAttributes: amazonpay.SellerOrderAttributes{SellerOrderID: "order-2024-0042", StoreName: "Teeladen", CustomInformation: "cohort 7"},
		OrderReferenceStatus:  goldenStatus("2024-11-03T06:12:43.508Z", state, reason, description),
		CreationTimestamp:     utc("2024-11-01T19:10:16Z"),
	}
}

// notListed are the fields of an order reference that lists do not have.
func notListed(prefix string) (fields []string) {
	listed := goldenListed("id", "state", "reason", "description")
	for _, f := range zeroFields(reflect.ValueOf(listed), "") {
		fields = append(fields, prefix+f)
	}
	return fields
}

func goldenAuthorization(number int, reference amazonpay.ReferenceID, state amazonpay.State, reason amazonpay.Reason, description string) *amazonpay.Authorization {
	price := func(amount string) amazonpay.Price { return amazonpay.MustPrice(amount, amazonpay.CurrencyEUR) }
	return &amazonpay.Authorization{
		AmazonAuthorizationID:    amazonpay.AuthorizationID(fmt.Sprintf("S02-1234567-1234567-A%06d", number)),
		AuthorizationReferenceID: reference, AuthorizationBillingAddress: goldenAddress("Erika B.", "Rechnungsweg 2"),
		SellerAuthorizationNote: "November", AuthorizationAmount: price("24.90"), CapturedAmount: price("0"), AuthorizationFee: price("0.00"),
		IDList:            []amazonpay.CaptureID{amazonpay.CaptureID(fmt.Sprintf("S02-1234567-1234567-C%06d", number))},
		CreationTimestamp: utc("2024-11-03T06:12:40.1Z"), ExpirationTimestamp: utc("2024-12-03T06:12:40.123Z"),
		AuthorizationStatus: goldenStatus("2024-11-02T23:12:43-07:00", state, reason, description),
		SoftDecline:         true, CaptureNow: true, SoftDescriptor: "AMZ*Teeladen", AddressVerificationCode: "AddressAndPostalCodeMatch",
		OrderItemCategories: []string{"Antiques", "Apparel"},
	}
}

func goldenCapture(number int, reference amazonpay.ReferenceID, state amazonpay.State, reason amazonpay.Reason, description string) *amazonpay.Capture {
	price := func(amount string) amazonpay.Price { return amazonpay.MustPrice(amount, amazonpay.CurrencySEK) }
	refunds := []amazonpay.RefundID{"S02-1234567-1234567-R000001", "S02-1234567-1234567-R000002"}
	return &amazonpay.Capture{
		AmazonCaptureID:    amazonpay.CaptureID(fmt.Sprintf("S02-1234567-1234567-C%06d", number)),
		CaptureReferenceID: reference, SellerCaptureNote: "November",
		CaptureAmount: price("1129.79"), RefundedAmount: price("75"), CaptureFee: price("2.50"),
		IDList: refunds[:number], CreationTimestamp: utc("2024-11-03T06:12:43Z"),
		CaptureStatus:  goldenStatus("2024-11-03T06:12:44Z", state, reason, description),
		SoftDescriptor: "AMZ*Teeladen", ConvertedAmount: amazonpay.MustPrice("100", amazonpay.CurrencyEUR), ConversionRate: "11.2979085400",
		ProviderCreditSummaryList: []amazonpay.ProviderCreditSummary{
			{ProviderID: "A3PROVIDERONE", ProviderCreditID: "S02-1234567-1234567-P000001"},
			{ProviderID: "A3PROVIDERTWO", ProviderCreditID: "S02-1234567-1234567-P000002"},
		},
	}
}

func goldenRefund(number int, kind amazonpay.RefundType, state amazonpay.State, reason amazonpay.Reason, description string) *amazonpay.Refund {
	price := func(amount string) amazonpay.Price { return amazonpay.MustPrice(amount, amazonpay.CurrencySEK) }
	return &amazonpay.Refund{
		AmazonRefundID:    amazonpay.RefundID(fmt.Sprintf("S02-1234567-1234567-R%06d", number)),
		RefundReferenceID: amazonpay.ReferenceID(fmt.Sprintf("refund-%d", number)), SellerRefundNote: "Sorry", RefundType: kind,
		RefundAmount: price("75.00"), FeeRefunded: price("0.10"), CreationTimestamp: utc("2024-11-05T10:00:00Z"),
		RefundStatus:   goldenStatus("2024-11-05T10:00:01Z", state, reason, description),
		SoftDescriptor: "AMZ*Teeladen", ConvertedAmount: amazonpay.MustPrice("6.64", amazonpay.CurrencyEUR), ConversionRate: "11.2979085400",
		ProviderCreditReversalSummaryList: []amazonpay.ProviderCreditReversalSummary{
			{ProviderID: "A3PROVIDERONE", ProviderCreditReversalID: "S02-1234567-1234567-Q000001"},
		},
	}
}

func goldenAgreement(number int, state amazonpay.State, reason amazonpay.Reason, description string) *amazonpay.BillingAgreement {
	price := func(amount string) amazonpay.Price { return amazonpay.MustPrice(amount, amazonpay.CurrencyEUR) }
	return &amazonpay.BillingAgreement{
		AmazonBillingAgreementID: amazonpay.BillingAgreementID(fmt.Sprintf("C02-1234567-%07d", number)),
		BillingAgreementLimits: amazonpay.BillingAgreementLimits{
			AmountLimitPerTimePeriod: price("1000"), CurrentRemainingBalance: price("975.10"),
			TimePeriodStartDate: utc("2024-11-01T00:00:00Z"), TimePeriodEndDate: utc("2024-12-01T00:00:00Z"),
		},
		Buyer: goldenBuyer, SellerNote: "Tee & Gebäck, monatlich", PlatformID: "A3PLATFORMEXAMPLE",
		Destination: goldenDestination, BillingAddress: goldenBilling, ReleaseEnvironment: "Sandbox",
		SellerBillingAgreementAttributes: amazonpay.SellerBillingAgreementAttributes{
			SellerBillingAgreementID: "subscription-42", StoreName: "Teeladen", CustomInformation: "cohort 7",
		},
		BillingAgreementStatus: goldenStatus("2024-11-03T06:12:43.508Z", state, reason, description),
		Constraints:            []amazonpay.Constraint{{ConstraintID: amazonpay.ConstraintBuyerConsentNotSet, Description: "No consent."}},
		CreationTimestamp:      utc("2024-11-01T19:10:16.001Z"), ExpirationTimestamp: utc("2034-11-01T19:10:16Z"),
		BillingAgreementConsent: true, OrderLanguage: "de-DE",
		BillingAgreementType: amazonpay.MerchantInitiatedTransaction, SubscriptionAmount: price("24.90"),
	}
}

func goldenReversal(state amazonpay.State) *amazonpay.ProviderCreditReversalDetails {
	return &amazonpay.ProviderCreditReversalDetails{
		AmazonProviderCreditReversalID: "S02-1234567-1234567-Q000001", SellerID: "A2SELLEREXAMPLE", ProviderID: "A3PROVIDERONE",
		CreditReversalReferenceID: "reversal-1", CreditReversalAmount: amazonpay.MustPrice("0.50", amazonpay.CurrencyEUR),
		CreationTimestamp:    utc("2024-11-06T10:00:00Z"),
		CreditReversalStatus: goldenStatus("2024-11-06T10:00:02Z", state, amazonpay.ReasonMaxAmountReversed, "All of it"),
		CreditReversalNote:   "fee taken back",
	}
}
