package protocol

import (
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// cosigned begins what a timestamped cosignature covers (C2SP tlog-cosignature).
const cosigned = "cosignature/v1\ntime "

// SignCheckpoint signs a checkpoint of the service's own log with its record-signing key:
//
//	rsv1…                                         origin: the id of the service
//	20852163                                      leaves, decimal
//	CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=  root hash, base64
//
// or, with the lines "cosignature/v1" and "time 1679315147" before these, what a
// timestamped cosignature of it covers. Every line ends with a line feed, and there are no
// others. serviceSeed has 32 bytes, service is the server's record, and the signature 64
// bytes; the same text gets the same one.
//
// The log is signed with the key of the records, so that whoever knows the service knows
// its log. No text that is signed here can be taken for something else that the key signs: a
// record begins with the length of its label, the base of a request's signature with a
// quotation mark, these texts with a letter. And as nothing but these texts is signed,
// the program that keeps the log cannot get a signature for anything else.
//
// Errors: StatusMalformed, StatusSignature, and StatusMismatch for another seed or
// another origin.
func SignCheckpoint(serviceSeed, service []byte, text string) ([]byte, error) {
	at, err := openService(service)
	if err != nil {
		return nil, err
	}
	signer, err := unlock(serviceSeed, at.SigningKey)
	if err != nil {
		return nil, err
	}
	defer signer.Wipe()
	origin, err := FormatID(abi.KindService, at.ID)
	if err != nil {
		return nil, err
	}
	of, ok := checkpointOrigin(text)
	switch {
	case !ok:
		return nil, malformed("text is not a checkpoint")
	case of != origin:
		return nil, mismatch("checkpoint is of another log")
	}
	return signer.Sign([]byte(text)), nil
}

// checkpointOrigin returns the first line of a checkpoint, or of the one in a cosigned
// message. It reports whether it is one.
func checkpointOrigin(text string) (string, bool) {
	ok := true
	if len(text) >= len(cosigned) && text[:len(cosigned)] == cosigned {
		var time string
		time, text = line(text[len(cosigned):])
		ok = isDecimal(time)
	}
	origin, rest := line(text)
	size, root := line(rest)
	return origin, ok && isDecimal(size) && isHash(root)
}

// line cuts a text behind its first line, which is returned without its line feed. What
// has none is no line, and nothing is behind it. (strings.Cut brings a search for texts of
// any length into the module.)
func line(text string) (first, rest string) {
	for i := range len(text) {
		if text[i] == '\n' {
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}

// isDecimal reports whether s is a number that fits into 63 bits, in the one way to
// write it.
func isDecimal(s string) bool {
	const largest = "9223372036854775807"
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && (s[0] != '0' || s == "0") && (len(s) < len(largest) || len(s) == len(largest) && s <= largest)
}

// isHash reports whether s is a line with the base64 of 32 bytes, in the one way to write
// it: of its last digit, two bits are left over.
func isHash(s string) bool {
	if len(s) != 45 || s[43:] != "=\n" {
		return false
	}
	for i := range 43 {
		digit := 0
		for digit < len(base64Digits) && base64Digits[digit] != s[i] {
			digit++
		}
		if digit == len(base64Digits) || i == 42 && digit&3 != 0 {
			return false
		}
	}
	return true
}
