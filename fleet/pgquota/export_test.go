package pgquota

import "github.com/amazonpay-go/amazonpay/fleet/internal/share"

// Store is what keeps the quota.
func (l *Limiter) Store() share.Store { return l.shared.Store }
