package main

import (
	"context"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/riverqueue/river"
)

// The jobs carry ids of the ledger and of Amazon, and nothing of the buyer:
// River keeps them for a day and shows them in its pages. None of them relies
// on being run once.
type (
	planArgs      struct{}
	sweepArgs     struct{}
	reportArgs    struct{}
	chargeArgs    struct{ Attempt int64 } // send an attempt
	lookArgs      struct{ Attempt int64 } // read a pending attempt
	noteArgs      struct{ ID string }     // work on a notification
	agreementArgs struct{ Agreement amazonpay.BillingAgreementID }
	releaseArgs   struct{ Authorization amazonpay.AuthorizationID }
)

func (planArgs) Kind() string      { return "plan" }
func (sweepArgs) Kind() string     { return "sweep" }
func (reportArgs) Kind() string    { return "report" }
func (chargeArgs) Kind() string    { return "charge" }
func (lookArgs) Kind() string      { return "look" }
func (noteArgs) Kind() string      { return "notification" }
func (agreementArgs) Kind() string { return "agreement" }
func (releaseArgs) Kind() string   { return "release" }

// The queues. What waits for a quota of its own waits in a queue of its own.
const (
	queueUpkeep  = "upkeep"  // planner, reconciler, report
	queueCharges = "charges" // AuthorizeOnBillingAgreement
	queueReads   = "reads"   // Get…Details
	queueNotes   = "notifications"
)

func (planArgs) InsertOpts() river.InsertOpts   { return river.InsertOpts{Queue: queueUpkeep} }
func (sweepArgs) InsertOpts() river.InsertOpts  { return river.InsertOpts{Queue: queueUpkeep} }
func (reportArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: queueUpkeep} }
func (chargeArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueCharges, Priority: 2} // what is repeated goes first
}
func (lookArgs) InsertOpts() river.InsertOpts      { return river.InsertOpts{Queue: queueReads} }
func (agreementArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: queueReads} }
func (releaseArgs) InsertOpts() river.InsertOpts   { return river.InsertOpts{Queue: queueReads} }
func (noteArgs) InsertOpts() river.InsertOpts      { return river.InsertOpts{Queue: queueNotes} }

// chargeJob is the job that sends an attempt at a time. River looks after
// scheduled jobs every 5 seconds; one that is due sooner is snoozed by its
// worker, which is exact.
func chargeJob(attempt int64, at time.Time) river.InsertManyParams {
	job := river.InsertManyParams{Args: chargeArgs{attempt}}
	if time.Until(at) > 5*time.Second {
		job.InsertOpts = &river.InsertOpts{ScheduledAt: at}
	}
	return job
}

// workers are River's workers for all kinds of jobs.
func (s *service) workers() *river.Workers {
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, _ *river.Job[planArgs]) error {
		_, err := s.plan(ctx)
		return err
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, _ *river.Job[sweepArgs]) error {
		return s.sweep(ctx)
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, _ *river.Job[reportArgs]) error {
		report, err := s.report(ctx)
		if err == nil {
			s.log.InfoContext(ctx, "billing", "report", report)
		}
		return err
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[chargeArgs]) error {
		again, err := s.charge(ctx, job.Args.Attempt)
		if err == nil && again > 0 {
			return river.JobSnooze(again)
		}
		return err
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[lookArgs]) error {
		return s.look(ctx, job.Args.Attempt)
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[noteArgs]) error {
		return s.work(ctx, job.Args.ID)
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[agreementArgs]) error {
		return s.readAgreement(ctx, job.Args.Agreement)
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[releaseArgs]) error {
		return s.release(ctx, job.Args.Authorization)
	}))
	return workers
}
