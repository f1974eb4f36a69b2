package amazonpay

import (
	"context"
	"strings"
	"time"
)

// ServiceStatus is the health of the payment API.
type ServiceStatus struct {
	Status    string           // "GREEN", "GREEN_I" (with information), "YELLOW" (degraded) or "RED" (down)
	Timestamp time.Time        // when the status was taken
	MessageID string           `xml:"MessageId"`        // Amazon's id of the messages; usually empty
	Messages  []ServiceMessage `xml:"Messages>Message"` // explanations; usually none
}

// ServiceMessage explains a [ServiceStatus] in one language.
type ServiceMessage struct {
	Locale string // such as "en_US"
	Text   string // for people
}

// GetServiceStatus asks for the health of the payment API. With its tiny quota
// it is no ping.
//
// Action: GetServiceStatus. Quota: 2, restored 1 per 5 minutes.
func (c *Client) GetServiceStatus(ctx context.Context) (*ServiceStatus, error) {
	return call[ServiceStatus](ctx, c, "GetServiceStatus", nil)
}

// MerchantAccountStatus tells whether an account may transact.
type MerchantAccountStatus struct {
	AccountStatus string // "ACTIVE" or "INACTIVE"
}

// GetMerchantAccountStatus asks whether the client's seller may transact; a
// solution provider asks through OnBehalfOf.
//
// Action: GetMerchantAccountStatus. Quota: not documented.
func (c *Client) GetMerchantAccountStatus(ctx context.Context) (*MerchantAccountStatus, error) {
	return call[MerchantAccountStatus](ctx, c, "GetMerchantAccountStatus", nil)
}

// EventType is a kind of notification, as an address asks for it. The type is
// open. In a [Notification] the kind is its Type, a [NotificationType]; its
// EventType is a [BillingAgreementEventType].
type EventType string

// The kinds of notifications.
const (
	EventTypeAll                EventType = "ALL"
	EventTypeOrderReference     EventType = "ORDER_REFERENCE"
	EventTypePaymentAuthorize   EventType = "PAYMENT_AUTHORIZE"
	EventTypePaymentCapture     EventType = "PAYMENT_CAPTURE"
	EventTypePaymentRefund      EventType = "PAYMENT_REFUND"
	EventTypeBillingAgreement   EventType = "BILLING_AGREEMENT"
	EventTypeChargebackDetailed EventType = "CHARGEBACK_DETAILED"
)

// NotificationConfiguration is an address that Amazon sends notifications to.
type NotificationConfiguration struct {
	NotificationURL string      `xml:"NotificationUrl" pay:"required"`                 // where to; https
	EventTypes      []EventType `xml:"EventTypes>EventTypeList|member" pay:"required"` // what about; at least one
}

// MerchantNotificationConfiguration is where Amazon sends notifications.
type MerchantNotificationConfiguration struct {
	NotificationConfigurationList []NotificationConfiguration `xml:"NotificationConfigurationList>member|NotificationConfiguration"` // all addresses; empty if there are none
}

// GetMerchantNotificationConfiguration reads where Amazon sends notifications.
// The operation is known from two official SDKs only.
//
// Action: GetMerchantNotificationConfiguration. Quota: not documented.
func (c *Client) GetMerchantNotificationConfiguration(ctx context.Context) (*MerchantNotificationConfiguration, error) {
	got, err := call[MerchantNotificationConfiguration](ctx, c, "GetMerchantNotificationConfiguration", nil)
	got.separate()
	return got, err
}

// separate takes joined event types apart: a recorded answer holds
// "ORDER_REFERENCE,PAYMENT_AUTHORIZE" in one element.
func (m *MerchantNotificationConfiguration) separate() {
	if m == nil {
		return
	}
	for i, c := range m.NotificationConfigurationList {
		var events []EventType
		for _, list := range c.EventTypes {
			for event := range strings.SplitSeq(string(list), ",") {
				if event = strings.TrimSpace(event); event != "" {
					events = append(events, EventType(event))
				}
			}
		}
		m.NotificationConfigurationList[i].EventTypes = events
	}
}

// SetMerchantNotificationConfigurationRequest lists all addresses that Amazon
// shall send notifications to; it replaces what was there.
type SetMerchantNotificationConfigurationRequest struct {
	NotificationConfigurationList []NotificationConfiguration `xml:"NotificationConfigurationList>NotificationConfiguration" pay:"required"` // all addresses; at least one
}

// SetMerchantNotificationConfiguration sets where Amazon sends notifications.
// The operation is known from two official SDKs only. Repeating it is harmless.
//
// Action: SetMerchantNotificationConfiguration. Quota: not documented.
func (c *Client) SetMerchantNotificationConfiguration(ctx context.Context, req SetMerchantNotificationConfigurationRequest) error {
	return exec(ctx, c, "SetMerchantNotificationConfiguration", &req)
}
