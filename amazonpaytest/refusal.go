package amazonpaytest

import "fmt"

// refusal is an error answer of the API.
type refusal struct {
	status  int
	code    string
	message string
}

// The HTTP statuses that are not 400. Amazon documents some; where no source
// knows one, it is 400. Of the two for ConstraintsExist (400 in Europe, 404 in
// America) and InvalidAddress (404 from the gateway) it is the first.
var statuses = map[string]int{
	"AccessDenied":                  401,
	"BillingAgreementNotModifiable": 405,
	"CaptureNotRefundable":          405,
	"InternalServerError":           500,
	"InvalidAccessKeyId":            403,
	"InvalidAccountStatus":          403,
	"InvalidAddressConsentToken":    404,
	"InvalidAuthorizationStatus":    405,
	"InvalidOrderReferenceId":       404,
	"OrderReferenceCountExceeded":   405,
	"OrderReferenceNotModifiable":   405,
	"RequestThrottled":              503,
	"ServiceUnavailable":            503,
	"SignatureDoesNotMatch":         403,
}

// gatewayCodes come from the gateway, with its namespace and RequestID.
var gatewayCodes = map[string]bool{
	"AccessDenied":          true,
	"InvalidAccessKeyId":    true,
	"InvalidAddress":        true,
	"InvalidParameterValue": true,
	"SignatureDoesNotMatch": true,
}

func refuse(code, format string, args ...any) *refusal {
	status := 400
	if known := statuses[code]; known != 0 {
		status = known
	}
	return &refusal{status, code, printable(fmt.Sprintf(format, args...))}
}

// badValue is the refusal that names the parameter and its value.
func badValue(name, value string) *refusal {
	if secretParameters[name] {
		value = "[hidden]"
	}
	return refuse("InvalidParameterValue", "Value '%s' for parameter %s is invalid.", value, name)
}

// secretParameters never show in a message.
var secretParameters = map[string]bool{
	"AccessToken": true, "AddressConsentToken": true, "MWSAuthToken": true, "Signature": true,
}
