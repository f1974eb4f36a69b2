package amazonpay

// The classes of refusals, for the tables of the tests.
const (
	RefusedUnconfigured   = refusedUnconfigured
	RefusedMethod         = refusedMethod
	RefusedSize           = refusedSize
	RefusedBody           = refusedBody
	RefusedEnvelope       = refusedEnvelope
	RefusedHeader         = refusedHeader
	RefusedType           = refusedType
	RefusedVersion        = refusedVersion
	RefusedTopic          = refusedTopic
	RefusedAge            = refusedAge
	RefusedCertificateURL = refusedCertificateURL
	RefusedDownload       = refusedDownload
	RefusedCertificate    = refusedCertificate
	RefusedSignature      = refusedSignature
	RefusedPayload        = refusedPayload
	RefusedSeller         = refusedSeller
	RefusedEnvironment    = refusedEnvironment
	RefusedSubscribeURL   = refusedSubscribeURL
	RefusedConfirmation   = refusedConfirmation
	DefaultInboxSize      = defaultInboxSize
)
