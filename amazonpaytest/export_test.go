package amazonpaytest

// Signatures is how many messages the fake has signed.
func (f *Fake) Signatures() int { return int(f.signatures.Load()) }
