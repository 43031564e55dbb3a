package abitest

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// nativeFile is a file of recorded answers in the hexadecimal schema, in which fields
// name each other as in "key_pairs[1]".
type nativeFile struct {
	Edges []nativeEdge `json:"private_key_edges"`
	Cases []nativeCase `json:"cases"`
}

type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

type hexPoint struct {
	X     hexBytes `json:"x"`
	Y     hexBytes `json:"y"`
	Error string   `json:"error"`
}

func (p hexPoint) point() point { return point{p.X, p.Y} }

// nativeEdge is an odd private key.
type nativeEdge struct {
	Input     hexBytes `json:"input"`
	Canonical hexBytes `json:"canonical_private_key"`
	PublicKey hexPoint `json:"public_key"`
}

// A reference is the index in "key_pairs[1]".
type reference int

func (r *reference) UnmarshalText(text []byte) error {
	_, index, _ := strings.Cut(string(text), "[")
	_, err := fmt.Sscanf(index, "%d]", (*int)(r))
	return err
}

// name is what the other schema calls a key or a signer.
func (r reference) name() string { return string(rune(firstKey[0] + byte(r))) }

type nativeCase struct {
	Case int `json:"case"`
	Keys []struct {
		Private hexBytes `json:"private_key"`
		Public  hexPoint `json:"public_key"`
	} `json:"key_pairs"`
	Signing []struct {
		Key struct {
			Private hexBytes `json:"private_signing_key_64"`
			Public  hexBytes `json:"public_signing_key"`
		} `json:"key"`
	} `json:"signing_key_pairs"`
	Ed25519 struct {
		SignedBy  reference `json:"signed_by"`
		Message   hexBytes  `json:"message"`
		Signature hexBytes  `json:"signature"`
	} `json:"ed25519"`
	Plaintext struct {
		Bytes        hexBytes `json:"bytes"`
		SymmetricKey hexBytes `json:"derived_symmetric_key"`
		PrivateKey   hexBytes `json:"derived_private_key"`
		PublicKey    hexPoint `json:"public_key_of_derived_private_key"`
	} `json:"plaintext"`
	TransformKeys []struct {
		From         reference          `json:"from"`
		To           reference          `json:"to"`
		SignedBy     reference          `json:"signed_by"`
		TransformKey nativeTransformKey `json:"transform_key"`
	} `json:"transform_keys"`
	Schnorr      nativeSchnorr       `json:"schnorr"`
	Augmentation *nativeAugmentation `json:"augmentation"`

	levels []nativeStep
}

// UnmarshalJSON also reads the levels, which are fields of their own.
func (c *nativeCase) UnmarshalJSON(b []byte) error {
	type plain nativeCase
	var fields map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(b, (*plain)(c)), json.Unmarshal(b, &fields)); err != nil {
		return err
	}
	for name := "encrypted_value"; fields[name] != nil; name = fmt.Sprintf("transformed_level%d", len(c.levels)) {
		var s nativeStep
		if err := json.Unmarshal(fields[name], &s); err != nil {
			return err
		}
		c.levels = append(c.levels, s)
	}
	return nil
}

type nativeStep struct {
	EncryptedTo   *reference  `json:"encrypted_to"`
	DecryptableBy *reference  `json:"decryptable_by"`
	SignedBy      reference   `json:"signed_by"`
	Value         nativeValue `json:"value"`
}

type nativeValue struct {
	EphemeralPublicKey hexPoint `json:"ephemeral_public_key"`
	EncryptedMessage   hexBytes `json:"encrypted_message"`
	AuthHash           hexBytes `json:"auth_hash"`
	TransformBlocks    []struct {
		PublicKey                       hexPoint `json:"public_key"`
		EncryptedTempKey                hexBytes `json:"encrypted_temp_key"`
		RandomTransformPublicKey        hexPoint `json:"random_transform_public_key"`
		EncryptedRandomTransformTempKey hexBytes `json:"encrypted_random_transform_temp_key"`
	} `json:"transform_blocks"`
	PublicSigningKey hexBytes `json:"public_signing_key"`
	Signature        hexBytes `json:"signature"`
}

func (v *nativeValue) value() peerValue {
	out := peerValue{EphemeralPublicKey: v.EphemeralPublicKey.point(), EncryptedMessage: v.EncryptedMessage,
		AuthHash: v.AuthHash, PublicSigningKey: v.PublicSigningKey, Signature: v.Signature}
	for _, b := range v.TransformBlocks {
		out.TransformBlocks = append(out.TransformBlocks, peerBlock{PublicKey: b.PublicKey.point(), EncryptedTempKey: b.EncryptedTempKey,
			RandomTransformPublicKey: b.RandomTransformPublicKey.point(), RandomTransformEncryptedTempKey: b.EncryptedRandomTransformTempKey})
	}
	return out
}

type nativeTransformKey struct {
	EphemeralPublicKey hexPoint `json:"ephemeral_public_key"`
	ToPublicKey        hexPoint `json:"to_public_key"`
	EncryptedTempKey   hexBytes `json:"encrypted_temp_key"`
	HashedTempKey      hexBytes `json:"hashed_temp_key"`
	PublicSigningKey   hexBytes `json:"public_signing_key"`
	Signature          hexBytes `json:"signature"`
}

func (t *nativeTransformKey) key() peerTransformKey {
	return peerTransformKey{EphemeralPublicKey: t.EphemeralPublicKey.point(), ToPublicKey: t.ToPublicKey.point(),
		EncryptedTempKey: t.EncryptedTempKey, HashedTempKey: t.HashedTempKey, PublicSigningKey: t.PublicSigningKey, Signature: t.Signature}
}

type nativeSchnorr struct {
	Key       reference `json:"key"`
	Message   hexBytes  `json:"message"`
	Signature hexBytes  `json:"signature"`
}

type nativeAugmentation struct {
	ServerPrivate hexBytes           `json:"server_private_key"`
	ServerPublic  hexPoint           `json:"server_public_key"`
	Public        hexPoint           `json:"augmented_public_key_of_key_pairs_0"`
	Sum           hexBytes           `json:"private_key_0_plus_server"`
	Difference    hexBytes           `json:"private_key_0_minus_server"`
	TransformKey  nativeTransformKey `json:"transform_keys_0_augmented_with_server_private_key"`
	Encrypted     nativeStep         `json:"encrypted_to_augmented_public_key"`
	Transformed   nativeStep         `json:"transformed_with_augmented_transform_key_decryptable_by_key_pairs_1"`
	Schnorr       nativeSchnorr      `json:"schnorr_signed_with_key_pairs_0_private_and_augmented_public"`
}
