package amazonpaytest

// The parameters of an order's description come under three prefixes.
const sellerOrderAttributes = `
	?SellerOrderAttributes.SellerOrderId text
	?SellerOrderAttributes.StoreName text
	?SellerOrderAttributes.CustomInformation text
	?SellerOrderAttributes.SupplementaryData text
	?SellerOrderAttributes.OrderItemCategories.OrderItemCategory.N text`

const providerCredits = `
	ProviderCreditList.member.N.ProviderId text
	ProviderCreditList.member.N.CreditAmount price`

const authorizing = `
	AuthorizationReferenceId! reference
	AuthorizationAmount! price
	SellerAuthorizationNote text 255
	TransactionTimeout timeout
	CaptureNow boolean
	SoftDescriptor text 16` + providerCredits

// on is an operation on an object that must be found first.
func on[T any](find func(*Fake, *request) (*T, *refusal), do func(*Fake, *request, *T) ([]node, *refusal)) func(*Fake, *request) ([]node, *refusal) {
	return func(f *Fake, r *request) ([]node, *refusal) {
		object, refused := find(f, r)
		if refused != nil {
			return nil, refused
		}
		return do(f, r, object)
	}
}

// operations is all of the API: what each action takes and what does it.
var operations = map[string]operation{
	"GetServiceStatus":                     {do: (*Fake).getServiceStatus},
	"GetMerchantAccountStatus":             {do: (*Fake).getMerchantAccountStatus},
	"GetMerchantNotificationConfiguration": {do: (*Fake).getNotificationConfiguration},
	"SetMerchantNotificationConfiguration": {do: (*Fake).setNotificationConfiguration, takes: parameters(`
		NotificationConfigurationList.NotificationConfiguration.N.NotificationUrl url
		NotificationConfigurationList.NotificationConfiguration.N.EventTypes.EventTypeList.N one ALL ORDER_REFERENCE PAYMENT_AUTHORIZE PAYMENT_CAPTURE PAYMENT_REFUND BILLING_AGREEMENT CHARGEBACK_DETAILED`)},

	"SetOrderReferenceDetails": {do: on((*Fake).findOrder, (*Fake).setOrderReferenceDetails), moves: true, takes: parameters(`
		AmazonOrderReferenceId! id
		OrderReferenceAttributes.OrderTotal! price
		OrderReferenceAttributes.PlatformId text
		OrderReferenceAttributes.SellerNote text 1024
		OrderReferenceAttributes.RequestPaymentAuthorization boolean` +
		prefixed("OrderReferenceAttributes."))},
	"SetOrderAttributes": {do: on((*Fake).findOrder, (*Fake).setOrderAttributes), moves: true, takes: parameters(`
		AmazonOrderReferenceId! id
		OrderAttributes.OrderTotal price
		OrderAttributes.PlatformId text
		OrderAttributes.SellerNote text 1024
		OrderAttributes.RequestPaymentAuthorization boolean
		OrderAttributes.PaymentServiceProviderAttributes.PaymentServiceProviderId text
		OrderAttributes.PaymentServiceProviderAttributes.PaymentServiceProviderOrderId text` +
		prefixed("OrderAttributes."))},
	"GetOrderReferenceDetails": {do: on((*Fake).findOrder, (*Fake).getOrderReferenceDetails), takes: parameters(`
		AmazonOrderReferenceId! id
		AddressConsentToken text
		AccessToken text`)},
	"ConfirmOrderReference": {do: on((*Fake).findOrder, (*Fake).confirmOrderReference), moves: true, takes: parameters(`
		AmazonOrderReferenceId! id
		SuccessUrl url
		FailureUrl url
		AuthorizationAmount price
		ExpectImmediateAuthorization boolean`)},
	"CancelOrderReference": {do: on((*Fake).findOrder, (*Fake).cancelOrderReference), takes: parameters(`
		AmazonOrderReferenceId! id
		CancelationReason text 1024`)},
	"CloseOrderReference": {do: on((*Fake).findOrder, (*Fake).closeOrderReference), takes: parameters(`
		AmazonOrderReferenceId! id
		ClosureReason text 1024`)},
	"ListOrderReference": {do: (*Fake).listOrderReference, takes: parameters(`
		QueryId! text
		QueryIdType! one SellerOrderId
		PaymentDomain! one NA_USD EU_EUR EU_GBP FE_JPY
		CreatedTimeRange.StartTime time
		CreatedTimeRange.EndTime time
		SortOrder one Ascending Descending
		PageSize count
		OrderReferenceStatusListFilter.OrderReferenceStatus.N fold`)},
	"ListOrderReferenceByNextToken": {do: (*Fake).listOrderReferenceByNextToken, takes: parameters(`
		NextPageToken! text`)},
	"CreateOrderReferenceForId": {do: on((*Fake).findAgreement, (*Fake).createOrderReferenceForID), moves: true, takes: parameters(`
		Id! id
		IdType! one BillingAgreement
		InheritShippingAddress boolean
		ConfirmNow boolean
		OrderReferenceAttributes.OrderTotal price
		OrderReferenceAttributes.PlatformId text
		OrderReferenceAttributes.SellerNote text 1024
		OrderReferenceAttributes.SupplementaryData text` + // as two of the official SDKs spell it
		prefixed("OrderReferenceAttributes."))},

	"Authorize": {do: on((*Fake).findOrder, (*Fake).authorize), key: "AuthorizationReferenceId", moves: true, takes: parameters(`
		AmazonOrderReferenceId! id
		OrderItemCategories.OrderItemCategory.N text` + authorizing)},
	"GetAuthorizationDetails": {do: on((*Fake).findAuthorization, (*Fake).getAuthorizationDetails), takes: parameters(`
		AmazonAuthorizationId! id`)},
	"CloseAuthorization": {do: on((*Fake).findAuthorization, (*Fake).closeAuthorization), takes: parameters(`
		AmazonAuthorizationId! id
		ClosureReason text 255`)},
	"Capture": {do: on((*Fake).findAuthorization, (*Fake).capture), key: "CaptureReferenceId", moves: true, takes: parameters(`
		AmazonAuthorizationId! id
		CaptureReferenceId! reference
		CaptureAmount! price
		SellerCaptureNote text 255
		SoftDescriptor text 16` + providerCredits)},
	"GetCaptureDetails": {do: on((*Fake).findCapture, (*Fake).getCaptureDetails), takes: parameters(`
		AmazonCaptureId! id`)},
	"Refund": {do: on((*Fake).findCapture, (*Fake).refund), key: "RefundReferenceId", moves: true, takes: parameters(`
		AmazonCaptureId! id
		RefundReferenceId! reference
		RefundAmount! price
		SellerRefundNote text 255
		SoftDescriptor text 16
		ProviderCreditReversalList.member.N.ProviderId text
		ProviderCreditReversalList.member.N.CreditReversalAmount price`)},
	"GetRefundDetails": {do: (*Fake).getRefundDetails, takes: parameters(`
		AmazonRefundId! id`)},

	"GetBillingAgreementDetails": {do: on((*Fake).findAgreement, (*Fake).getBillingAgreementDetails), takes: parameters(`
		AmazonBillingAgreementId! id
		AddressConsentToken text
		AccessToken text`)},
	"SetBillingAgreementDetails": {do: on((*Fake).findAgreement, (*Fake).setBillingAgreementDetails), moves: true, takes: parameters(`
		AmazonBillingAgreementId! id
		BillingAgreementAttributes.PlatformId text
		BillingAgreementAttributes.SellerNote text 1024
		BillingAgreementAttributes.SellerBillingAgreementAttributes.SellerBillingAgreementId text
		BillingAgreementAttributes.SellerBillingAgreementAttributes.StoreName text
		BillingAgreementAttributes.SellerBillingAgreementAttributes.CustomInformation text
		BillingAgreementAttributes.BillingAgreementType text
		BillingAgreementAttributes.SubscriptionAmount price`)},
	"ConfirmBillingAgreement": {do: on((*Fake).findAgreement, (*Fake).confirmBillingAgreement), moves: true, takes: parameters(`
		AmazonBillingAgreementId! id
		SuccessUrl url
		FailureUrl url`)},
	"ValidateBillingAgreement": {do: on((*Fake).findAgreement, (*Fake).validateBillingAgreement), takes: parameters(`
		AmazonBillingAgreementId! id`)},
	"AuthorizeOnBillingAgreement": {do: on((*Fake).findAgreement, (*Fake).authorizeOnBillingAgreement), key: "AuthorizationReferenceId", moves: true, takes: parameters(`
		AmazonBillingAgreementId! id
		SellerNote text 1024
		PlatformId text
		InheritShippingAddress boolean` + authorizing + prefixed(""))},
	"CloseBillingAgreement": {do: on((*Fake).findAgreement, (*Fake).closeBillingAgreement), takes: parameters(`
		AmazonBillingAgreementId! id
		ClosureReason text 1024
		ReasonCode text`)},

	"GetProviderCreditDetails": {do: on((*Fake).findCredit, (*Fake).getProviderCreditDetails), takes: parameters(`
		AmazonProviderCreditId! id`)},
	"GetProviderCreditReversalDetails": {do: (*Fake).getProviderCreditReversalDetails, takes: parameters(`
		AmazonProviderCreditReversalId! id`)},
	"ReverseProviderCredit": {do: on((*Fake).findCredit, (*Fake).reverseProviderCredit), key: "CreditReversalReferenceId", space: "reversal", moves: true, takes: parameters(`
		AmazonProviderCreditId! id
		CreditReversalReferenceId! reference
		CreditReversalAmount! price
		CreditReversalNote text 255`)},
}
