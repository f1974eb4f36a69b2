package amazonpaytest_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/amazonpay-go/amazonpay"
)

const bytesOfAStep = 8

// decode makes a script of any bytes: the first says where, each eight more are
// a step. All bytes mean something, so that a fuzzer can play with them.
func decode(data []byte) *script {
	if len(data) == 0 {
		return &script{Region: amazonpay.RegionNA, Environment: amazonpay.Sandbox}
	}
	s := &script{Region: regions[data[0]%4], Environment: []amazonpay.Environment{amazonpay.Sandbox, amazonpay.Production}[data[0]/4%2]}
	dos, notes := sortedKeys(acts), sortedKeys(simulations)
	for data = data[1:]; len(data) >= bytesOfAStep && len(s.Steps) < 60; data = data[bytesOfAStep:] {
		st := step{Do: dos[int(data[0])%len(dos)], On: int(data[1]), Ref: int(data[2]), Amount: int64(int16(binary.LittleEndian.Uint16(data[3:5]))),
			Sync: data[5]&1 != 0, Now: data[5]&2 != 0, Fee: data[5]&4 != 0, Stranger: data[5]&24 == 24, Minutes: int64(data[6]) * int64(data[6]),
			Method: methodsOf[int(data[7])%len(methodsOf)]}
		if st.Amount < 0 {
			st.Amount %= 5
		}
		if data[5]&96 == 96 {
			st.Note = notes[int(data[6])%len(notes)]
		}
		if data[5]&128 != 0 && data[1]&128 != 0 {
			st.Fault = faults[int(data[6])%len(faults)]
		}
		if in(st.Do, "NewAgreement", "NewOrder") {
			st.Amount = max(st.Amount, 0)
		}
		s.Steps = append(s.Steps, st)
	}
	return s
}

var regions = []amazonpay.Region{amazonpay.RegionNA, amazonpay.RegionUK, amazonpay.RegionEU, amazonpay.RegionJP}

// Whatever is done in whatever order, no rule is broken.
func FuzzMachine(f *testing.F) {
	at := func(do string) byte { return byte(slices.Index(sortedKeys(acts), do)) }
	f.Add([]byte{0,
		at("NewAgreement"), 0, 0, 0, 0, 2, 0, 0,
		at("AuthorizeOnBillingAgreement"), 0, 1, 100, 0, 3, 0, 0,
		at("Refund"), 0, 2, 50, 0, 0, 0, 0,
		at("Advance"), 0, 0, 0, 0, 0, 90, 0,
		at("Again"), 1, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{5,
		at("NewOrder"), 0, 0, 200, 0, 2, 0, 4,
		at("Authorize"), 0, 1, 100, 0, 0, 0, 0,
		at("Advance"), 0, 0, 0, 0, 0, 30, 0,
		at("Capture"), 0, 2, 50, 0, 0, 0, 0,
		at("CancelOrderReference"), 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		s := decode(data)
		if v := run(s, documented(), lens{}); v != nil {
			small, v := shrink(s, v, func(s *script) *violation { return run(s, documented(), lens{}) })
			t.Fatalf("%v\n%v", v, small)
		}
	})
}
