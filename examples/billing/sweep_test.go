package main

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// change changes the database by hand.
func change(t *testing.T, s *service, query string, args ...any) {
	t.Helper()
	require.NoError(t, s.db.within(t.Context(), func(x tx) error {
		_, err := x.exec(t.Context(), query, args...)
		return err
	}))
}

// jobArgs is the one argument of a job, in JSON as the database writes it.
var jobArgs = regexp.MustCompile(` \{"\w+": ?"?([^"}]*)"?\}`)

// jobs are the jobs that wait, as "charge 1"; they are taken away.
func jobs(t *testing.T, s *service) []string {
	t.Helper()
	args := "CAST(args AS TEXT)"
	if _, file := s.db.(*sqlite); file {
		args = "json(args)" // stored in SQLite's own way
	}
	list := texts(t, s, "SELECT kind || ' ' || "+args+" FROM river_job WHERE state = 'available' ORDER BY kind, id")
	for i, job := range list {
		list[i] = jobArgs.ReplaceAllString(job, " $1")
	}
	change(t, s, "DELETE FROM river_job")
	return list
}

// TestSweep has attempts in every state, not heard of for long or only just.
func TestSweep(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		states := []standing{intent, sending, unknown, pending, paid, declined, refused}
		s, _, made := owing(t, p, 2*len(states))
		old, fresh := time.Now().Add(-time.Second).UnixMilli(), time.Now().Add(time.Minute).UnixMilli()
		forget := func() {
			for i, state := range states {
				change(t, s, "UPDATE attempts SET state = $1, look = $2 WHERE id = $3", string(state), old, i+1)
				change(t, s, "UPDATE attempts SET state = $1, look = $2 WHERE id = $3", string(state), fresh, len(states)+i+1)
			}
			change(t, s, "UPDATE subscriptions SET state = 'suspended', look = $1 WHERE id = 1", old)
			change(t, s, "UPDATE subscriptions SET state = 'suspended', look = $1 WHERE id = 2", fresh)
			change(t, s, "UPDATE subscriptions SET state = 'ended', look = $1 WHERE id = 3", old)
			change(t, s, "DELETE FROM river_job")
		}
		for name, c := range map[string]struct {
			waiting []river.InsertManyParams
			want    []string
		}{
			"nothing waits": {nil, []string{"agreement " + string(made[0].ID()), "charge 1", "charge 2", "charge 3", "look 4"}},
			"charges wait: what was not sent has its job": {[]river.InsertManyParams{{Args: chargeArgs{99}}},
				[]string{"agreement " + string(made[0].ID()), "charge 99", "charge 2", "charge 3", "look 4"}},
			"readings wait: more do not help": {[]river.InsertManyParams{{Args: lookArgs{99}}},
				[]string{"charge 1", "charge 2", "charge 3", "look 99"}},
		} {
			forget()
			require.NoError(t, s.db.within(t.Context(), func(x tx) error { return x.enqueue(t.Context(), c.waiting...) }))
			change(t, s, "UPDATE river_job SET scheduled_at = created_at")
			time.Sleep(20 * time.Millisecond) // they are due
			require.NoError(t, s.sweep(t.Context()))
			assert.ElementsMatch(t, c.want, jobs(t, s), name)
			require.NoError(t, s.sweep(t.Context()))
			if c.waiting == nil {
				assert.Empty(t, jobs(t, s), "not again at once")
			}
		}
	})
}

// TestSweepOfNotifications has jobs of notifications be lost.
func TestSweepOfNotifications(t *testing.T) {
	s, _, _ := owing(t, sqlitePlace(t), 1)
	jobs(t, s)
	reference := entryOf(t, s, 1).Reference
	for _, id := range []string{"new", "waits", "worked", "old and worked", "old"} {
		require.NoError(t, s.receive(t.Context(), &amazonpay.Notification{ID: id, Type: amazonpay.NotificationAuthorize, Timestamp: time.Now(),
			Object: &amazonpay.Authorization{AmazonAuthorizationID: "A1", AuthorizationReferenceID: reference,
				AuthorizationStatus: amazonpay.Status{State: amazonpay.StatePending}}}))
	}
	require.Len(t, jobs(t, s), 5)
	ago := func(d time.Duration) int64 { return time.Now().Add(-d).UnixMilli() }
	change(t, s, "UPDATE inbox SET at = $1 WHERE id <> 'new'", ago(2*s.settings.patience))
	change(t, s, "UPDATE inbox SET at = $1 WHERE id LIKE 'old%'", ago(keepInbox+time.Hour))
	change(t, s, "UPDATE notifications SET at = $1 WHERE id LIKE 'old%'", ago(keepInbox+time.Hour))
	change(t, s, "UPDATE notifications SET worked = 1 WHERE id LIKE '%worked'")
	require.NoError(t, s.sweep(t.Context()))
	assert.Equal(t, []string{"notification waits"}, jobs(t, s))
	assert.Equal(t, []string{"new", "waits", "worked"}, texts(t, s, "SELECT id FROM inbox ORDER BY id"))
	assert.Equal(t, []string{"new", "old", "waits", "worked"}, texts(t, s, "SELECT id FROM notifications ORDER BY id"), "nothing is forgotten that was not worked on")
}

// TestAnswerAfterTheEnd has a worker be stopped while it waits for an answer:
// what the answer said is written all the same.
func TestAnswerAfterTheEnd(t *testing.T) {
	s, w, g, _, _ := gated(t)
	ctx, cancel := context.WithCancel(t.Context())
	g.RoundTripper = stopper{w.fake, cancel}
	_, err := s.charge(ctx, 1)
	require.NoError(t, err)
	require.Error(t, ctx.Err())
	assert.Equal(t, pending, entryOf(t, s, 1).State)
}

// stopper ends a context as soon as there is an answer.
type stopper struct {
	http.RoundTripper
	stop func()
}

func (p stopper) RoundTrip(r *http.Request) (*http.Response, error) {
	defer p.stop()
	return p.RoundTripper.RoundTrip(r)
}

// TestRefusedInDoubt has Amazon refuse an attempt whose earlier request had no
// answer. That says nothing about the earlier one, until its books can be
// trusted.
func TestRefusedInDoubt(t *testing.T) {
	s, _, g, _, _ := gated(t)
	apply(t, s, 1, event{Kind: evSend})
	apply(t, s, 1, event{Kind: evLost})
	g.action, g.status, g.body = "AuthorizeOnBillingAgreement", 400, refusalOf(amazonpay.ErrInvalidBillingAgreementStatus)
	again, err := s.charge(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, unknown, entryOf(t, s, 1).State)
	assert.Equal(t, obligationOpen, obligationOf(t, s, 1))
	assert.Equal(t, s.settings.patience, again, "it does not take the others' turn")

	change(t, s, "UPDATE attempts SET doubt_since = $1", time.Now().Add(-s.settings.certain-time.Second).UnixMilli())
	_, err = s.charge(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, refused, entryOf(t, s, 1).State)
	assert.Equal(t, obligationWaiting, obligationOf(t, s, 1))
}

// TestUnwanted has an agreement end or be suspended before an attempt is sent.
func TestUnwanted(t *testing.T) {
	for name, c := range map[string]struct {
		agreement  subscriptionState
		doubt      bool
		want       standing
		obligation obligationState
	}{
		"active":                 {subscriptionActive, false, pending, obligationOpen},
		"ended":                  {subscriptionEnded, false, refused, obligationFailed},
		"suspended":              {subscriptionSuspended, false, refused, obligationWaiting},
		"ended, and sent before": {subscriptionEnded, true, pending, obligationOpen},
		"suspended, and so on":   {subscriptionSuspended, true, pending, obligationOpen},
	} {
		t.Run(name, func(t *testing.T) {
			s, w, _ := owing(t, sqlitePlace(t), 1)
			change(t, s, "UPDATE subscriptions SET state = $1", string(c.agreement))
			change(t, s, "UPDATE attempts SET doubt = $1", bit(c.doubt))
			calls := len(w.fake.Calls())
			_, err := s.charge(t.Context(), 1)
			require.NoError(t, err)
			assert.Equal(t, c.want, entryOf(t, s, 1).State)
			assert.Equal(t, c.obligation, obligationOf(t, s, 1))
			assert.Equal(t, c.want == pending, len(w.fake.Calls()) > calls, "what is sent")
		})
	}
}

// TestRelease has a capture be declined: what its authorization has reserved is
// given back, and doing so twice is harmless.
func TestRelease(t *testing.T) {
	s, w, made := owing(t, sqlitePlace(t), 1)
	made[0].UpdatePaymentMethod(amazonpaytest.CaptureFailing)
	jobs(t, s)
	decide(t, s, w, 1)
	e := entryOf(t, s, 1)
	require.Equal(t, declined, e.State)
	assert.Contains(t, jobs(t, s), "release "+string(e.AuthorizationID))
	for range 2 {
		require.NoError(t, s.release(t.Context(), e.AuthorizationID))
	}
	state, _ := w.fake.Authorization(e.AuthorizationID).State()
	assert.Equal(t, amazonpay.StateClosed, state)
	assert.Error(t, s.release(t.Context(), "S01-0000000-0000001-A000001"))
}

// TestConstraints has a buyer complete what an agreement lacks: it is confirmed
// again before the same request is.
func TestConstraints(t *testing.T) {
	s, _, g, _, agreement := gated(t)
	g.action, g.status, g.body = "AuthorizeOnBillingAgreement", 400, refusalOf(amazonpay.ErrBillingAgreementConstraintsExist)
	_, err := s.charge(t.Context(), 1)
	require.NoError(t, err)
	e := entryOf(t, s, 1)
	assert.False(t, e.Confirm)
	g.status = 0
	require.NoError(t, s.readAgreement(t.Context(), agreement))
	assert.True(t, entryOf(t, s, 1).Confirm)
	assert.Equal(t, obligationOpen, obligationOf(t, s, 1))
	_, err = s.charge(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, pending, entryOf(t, s, 1).State)
	assert.Equal(t, e.Reference, entryOf(t, s, 1).Reference)
}

// TestOneAtATime has two bring news of an attempt at the same time: one waits
// for the other, so that none is forgotten.
func TestOneAtATime(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s, _, _ := owing(t, p, 1)
		loaded, done := make(chan struct{}), make(chan error, 1)
		require.NoError(t, s.db.within(t.Context(), func(x tx) error {
			e, err := s.load(t.Context(), x, "id", 1)
			if err != nil {
				return err
			}
			go func() {
				close(loaded)
				done <- s.db.within(context.Background(), func(x tx) error {
					e, err := s.load(context.Background(), x, "id", 1)
					if err != nil {
						return err
					}
					return s.happened(context.Background(), x, e, event{Kind: evNews, News: paid})
				})
			}()
			<-loaded
			select {
			case err := <-done:
				return fmt.Errorf("the other did not wait: %w", err)
			case <-time.After(300 * time.Millisecond):
			}
			return s.happened(t.Context(), x, e, event{Kind: evNews, News: pending, AuthorizationID: "A1"})
		}))
		require.NoError(t, <-done)
		e := entryOf(t, s, 1)
		assert.Equal(t, paid, e.State)
		assert.EqualValues(t, "A1", e.AuthorizationID)
	})
}
