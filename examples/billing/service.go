package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/riverqueue/river"
)

// settings are how a billing service works. All durations are of the clock on
// the wall.
type settings struct {
	shop    string // goes into every reference id: two shops may share a seller account
	role    string
	workers int // charges at the same time. More than a few do not help: the quota is the limit
	dunning amazonpay.Dunning
	arrears int // how many periods a subscriber may be charged for at once, after an outage or when a card is repaired

	call     time.Duration // the longest that one charge may take, with its repeats and the wait for the quota
	lease    time.Duration // for how long a worker has an attempt to itself; longer than call
	retry    time.Duration // when an attempt without an answer is repeated
	patience time.Duration // when the reconciler looks after what has not been heard of
	certain  time.Duration // how long after a lost answer Amazon's books can be searched for it
	upkeep   time.Duration // how often the planner and the reconciler run
	poll     time.Duration // how often River asks for jobs where the database does not tell it
}

// production are the settings for real money.
func production() settings {
	return settings{
		shop: "billing", role: roleAll, workers: 4, dunning: amazonpay.DefaultDunning(), arrears: 1,
		call: 3 * time.Minute, lease: 5 * time.Minute, retry: 30 * time.Second, patience: time.Hour, certain: time.Hour,
		upkeep: time.Minute, poll: time.Second,
	}
}

// The roles of a process. A fleet has one or two planners, some workers and one
// web; all of them together may also be one.
const (
	roleAll     = "all"
	rolePlanner = "planner" // plans, reconciles and reports
	roleWorker  = "worker"  // charges, reads and works on notifications
	roleWeb     = "web"     // takes notifications in and shows the pages
)

// service bills subscribers.
type service struct {
	db       database
	queue    queue
	client   *amazonpay.Client
	calendar calendar
	settings settings
	log      *slog.Logger
	hold     hold
}

// newService opens the queue on a database that has been migrated.
func newService(db database, client *amazonpay.Client, c calendar, set settings, log *slog.Logger) (*service, error) {
	s := &service{db: db, client: client, calendar: c, settings: set, log: log}
	if set.lease <= set.call {
		return nil, errors.New("a lease must be longer than a call")
	}
	config := &river.Config{
		Workers:           s.workers(),
		Queues:            queuesOf(set),
		FetchCooldown:     set.poll / 10,
		FetchPollInterval: set.poll,

		// River's defaults are a minute, 25 attempts over three weeks, and an
		// hour. The ledger's reconciler writes a new job for what a killed worker
		// left behind; River rescues only what is not in the ledger.
		JobTimeout:           set.lease,
		MaxAttempts:          5,
		RescueStuckJobsAfter: max(2*set.lease, 10*time.Minute),
		SoftStopTimeout:      farewell, // without it, the end of start's context aborts all calls
		Logger:               slog.New(warnings{log.Handler()}),
	}
	if set.role == roleAll || set.role == rolePlanner {
		every := river.PeriodicInterval(set.upkeep)
		config.PeriodicJobs = []*river.PeriodicJob{
			river.NewPeriodicJob(every, func() (river.JobArgs, *river.InsertOpts) { return planArgs{}, s.oncePerPeriod() }, nil),
			river.NewPeriodicJob(every, func() (river.JobArgs, *river.InsertOpts) { return sweepArgs{}, s.oncePerPeriod() }, nil),
			river.NewPeriodicJob(river.PeriodicInterval(60*set.upkeep),
				func() (river.JobArgs, *river.InsertOpts) { return reportArgs{}, nil }, nil),
		}
	} else {
		config.LeaderElectionDisabled = true // the leader writes the periodic jobs, so it must know them
	}
	var err error
	s.queue, err = db.open(config)
	return s, err
}

// warnings lets through what River says when something is wrong.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}
func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}
func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }

func queuesOf(set settings) map[string]river.QueueConfig {
	queues := map[string]river.QueueConfig{}
	if set.role == roleAll || set.role == rolePlanner {
		queues[queueUpkeep] = river.QueueConfig{MaxWorkers: 2}
	}
	if set.role == roleAll || set.role == roleWorker {
		queues[queueCharges] = river.QueueConfig{MaxWorkers: set.workers}
		queues[queueReads] = river.QueueConfig{MaxWorkers: 2}
		queues[queueNotes] = river.QueueConfig{MaxWorkers: 4}
	}
	return queues
}

// oncePerPeriod keeps upkeep jobs of several processes from piling up. Nothing
// depends on it.
func (s *service) oncePerPeriod() *river.InsertOpts {
	return &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByPeriod: max(time.Second, s.settings.upkeep)}}
}

// electionTime is how long River's periodic jobs may be away after a process
// was killed: its term as leader must end first.
const electionTime = 20 * time.Second

// farewell is how long calls may go on when the process is to end. With the
// 5 seconds for what is then aborted it is less than the half minute that
// supervisors usually give.
const farewell = 20 * time.Second

// start begins to work, and plans and reconciles at once: there may be
// something left over from a process that was killed.
func (s *service) start(ctx context.Context) error {
	if s.settings.role == roleWeb {
		return nil
	}
	if err := s.queue.Start(ctx); err != nil {
		return err
	}
	if s.settings.role == roleWorker {
		return nil
	}
	go func() {
		for begun := time.Now(); time.Since(begun) < electionTime && ctx.Err() == nil; {
			if err := s.tend(ctx); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "upkeep jobs could not be written", "error", err)
			}
			select {
			case <-time.After(s.settings.upkeep):
			case <-ctx.Done():
			}
		}
	}()
	return nil
}

// tend writes the upkeep jobs.
func (s *service) tend(ctx context.Context) error {
	return s.db.within(ctx, func(t tx) error {
		return t.enqueue(ctx, river.InsertManyParams{Args: planArgs{}, InsertOpts: s.oncePerPeriod()},
			river.InsertManyParams{Args: sweepArgs{}, InsertOpts: s.oncePerPeriod()})
	})
}

// stop lets what is being charged end, for a while, and no longer.
func (s *service) stop() {
	if s.settings.role == roleWeb {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), farewell+5*time.Second)
	defer cancel()
	if err := s.queue.Stop(ctx); err != nil {
		s.log.WarnContext(ctx, "the end did not wait for all jobs", "error", err)
	}
}
