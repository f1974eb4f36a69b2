package share

// Lines is how many queues are kept.
func (l *Limiter) Lines() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lines)
}
