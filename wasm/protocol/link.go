package protocol

import "golang.org/x/crypto/argon2"

// LinkSeed returns the seed and the recovery seed of the reader that a link makes, 32
// bytes each, from the link's secret of 32 bytes. The same link always gives the same.
//
// With a passcode, up to 1024 bytes of UTF-8 which the caller has normalised (NFC), the
// link alone opens nothing, but who has it can try passcodes, without asking anybody: each
// gives the id of a reader, which is in the public log if it is the right one. Each try costs
// one Argon2id, at the floor for sealed secrets, with a salt from the secret, so that a
// passcode has to be long.
//
// The errors have StatusMalformed or StatusTooLarge.
func LinkSeed(secret, passcode []byte) (seed, recoverySeed []byte, err error) {
	salt, err := derive(secret, nil, label("link passcode salt"), sealSalt)
	if err != nil {
		return nil, nil, err
	}
	mixed := append(make([]byte, 0, 2*seedSize), secret...)
	if len(passcode) != 0 {
		if err := checkPassphrase(passcode); err != nil {
			return nil, nil, err
		}
		untidy.Store(true)
		stretched := argon2.IDKey(passcode, salt, MinPasses, MinMemoryKiB, lanes, seedSize)
		mixed = append(mixed, stretched...)
		clear(stretched)
	}
	both := hkdfKey(mixed, nil, label("link seeds"), 2*seedSize)
	clear(mixed)
	return both[:seedSize:seedSize], both[seedSize:], nil
}
