package bn256

import "testing"

// Points of the twist outside G2, by their order. Only the 256-bit curve has such
// small ones.
var offSubgroup = map[string]string{
	"13": "255d1b683b6590764c89e9c8d98954da4be6b567baed11e98322e19df052a4b3" +
		"8d39c1c3dcf08d5732a60d283c9434e5216605135c434d4bf2eddbf25e6fb1eb" +
		"661f399b7bf1850ee8a1d1ddd227f268e7ac5ea46884d3fb81197cbfc07005c1" +
		"834327c3b16566ee2ed063a48ff828d76146a2a64e269b5fce157144106a4a01",
	"7369": "170449535da03026d3537714c8cf874e68b0a257639e52e5fa2d0e5ab60c8cbf" +
		"078864524719d333ce9556b953923fbd2e7970781e5a3ef75a4ba1f772e77185" +
		"5c5fc06496ff5d68e04d409b30a2a52758f23b6fc98d3c909bcc7693a1e9aabb" +
		"4aed50446986c17dc4cc4082e477196e85662affdfd3a2d0c401a5a63882aa2e",
	"13r": "23ea787884a34426c477d17c5a3def26d94db520869eb51c74da38cc8af37e51" +
		"070cea7c01ff3291e4f9d1c38b28e3cc01b4271f400510c8cad8a5a9a4fd66e2" +
		"584d25b3f389df748da6550dd286ce955d5a594c4929e0c81b16f09fa390cc91" +
		"7f6208049448fcde55c564db38c559f7576c74b511a483b061ccd96066fd6497",
}

func TestSmallOrderDecode(t *testing.T) {
	for order, s := range offSubgroup {
		checkOffSubgroup(t, "of order "+order, unhex(s))
	}
}

// The formulas have no exceptions on the whole twist.
func TestTwistSmallOrder(t *testing.T) {
	q, err := new(G2).SetBytesReduced(unhex(offSubgroup["13"]))
	if err != nil {
		t.Fatal(err)
	}
	var acc G2
	for i := range 13 {
		if i > 0 && acc.IsIdentity() == 1 {
			t.Fatalf("order %d", i)
		}
		acc.Add(&acc, q)
	}
	if acc.IsIdentity() != 1 {
		t.Error("[13]Q is not the identity")
	}
	if acc.ScalarMult(scalarInt(t, 13*7369), q).IsIdentity() != 1 {
		t.Error("[13·7369]Q is not the identity")
	}
	if acc.ScalarMult(scalarInt(t, 27), q).Equal(q) != 1 {
		t.Error("[27]Q ≠ Q")
	}
}
