// Package recrypt is IronCore's recrypt transform encryption (proxy re-encryption),
// wire-compatible with the Rust, WebAssembly, Node.js and Scala libraries of that name.
//
// A delegator encrypts once, to her own public key. For each reader she makes a
// [TransformKey] and gives it to a proxy. When a reader asks, the proxy transforms the
// encrypted value into one that the reader's private key opens. The proxy never learns
// what is inside, and nobody re-encrypts anything when readers come or go.
//
// # What to use
//
// Make keys with [GeneratePrivateKey] (or [DerivePrivateKey] from a seed) and
// [GenerateSigningKey]. For each thing to protect, draw a [Plaintext] with
// [GeneratePlaintext], [Encrypt] it, and use [Plaintext.SymmetricKey], through a key
// derivation that names the context, as the key of an authenticated cipher. Plaintexts
// are keys, not messages. [PrivateKey.Decrypt] returns the plaintext, at any level.
//
// What is used often can be prepared: a proxy that transforms many values by one key
// calls [TransformKey.Prepare], who encrypts much to one key [PublicKey.Prepare]. The
// results are the same. Many values at once, for whoever opens a folder, are
// [NewEncryptedValues], [PreparedTransformKey.TransformMany] and [PrivateKey.DecryptMany]:
// they share what single calls would do each, and give each value an error of its own.
//
// Objects are decoded strictly, once, by the New functions: exact lengths, canonical
// field elements, points on the curve and in the right subgroup, private keys in
// [1, r-1], a bounded number of transform blocks. What is accepted has exactly one
// encoding. The table below says where that is stricter than upstream. Errors are one
// of the few Err values, and tell nothing about secrets.
//
// The first use of a suite compares it with known answers, natively some milliseconds of
// work; [SelfTest] does so earlier. A damaged copy of the program gives [ErrSelfTest].
//
// Randomness is drawn inside, from crypto/rand, afresh for every call. There is no
// state: all functions may be used from several goroutines, except Wipe. Independent parts
// of one operation, such as the two pairings of a transform block or the values of a
// batch, run on several processors at a time where there are any, which is nowhere in
// WebAssembly: at most GOMAXPROCS in the whole process, none of them after the operation
// has returned.
//
// # What it does not protect
//
//   - Collusion. A transform key together with the delegatee's private key opens
//     everything that was or will be encrypted to the delegator's key, and makes
//     transform keys to anybody (spec section 13, note 1). Only the delegator's private
//     key itself stays hidden. Use one key pair for each scope of delegation.
//   - Revocation. Deleting a transform key is a promise by the proxy. What a reader has
//     opened stays open.
//   - Identity. The signatures inside values and transform keys verify under a key that
//     travels with them. Anybody can sign again, and the result still decrypts. Compare
//     Signer with a key known from elsewhere, and sign what matters yourself; the
//     signature of a transform key does not even cover all of it.
//   - Context. Nothing binds a value to a recipient, a document or a time.
//   - Strength. [Suite256] has about 100 bits, [Suite480] is in the 128-bit class. Nothing
//     here resists a quantum computer.
//   - Memory. Wipe overwrites what an object holds; copies made by the compiler, the
//     garbage collector or WebAssembly's host are out of its reach.
//
// Operations on secrets are written to take time independent of them; no compiler or
// WebAssembly engine guarantees that it stays so.
//
// # Layout
//
// All encodings are the fields in order, without tags, of fixed length; n is 32 for
// recrypt256 and 60 for recrypt480. Integers are big-endian.
//
//	object           fields                                             256         480
//	private key      integer in [1, r-1]                                32          60
//	public key       x ‖ y                                              64          120
//	plaintext        element of GT, twelve field elements               384         720
//	signing key      Ed25519 seed ‖ public key                          64          64
//	verifying key    Ed25519 public key                                 32          32
//	Schnorr          r ‖ s                                              64          120
//	encrypted value  ephemeralPublicKey ‖ encryptedMessage ‖ authHash   480         872
//	                 m blocks                                           896·m       1680·m
//	                 publicSigningKey ‖ signature                       96          96
//	block            publicKey ‖ encryptedTempKey ‖ randomTransform-    896         1680
//	                 PublicKey ‖ randomTransformEncryptedTempKey
//	transform key    ephemeralPublicKey ‖ toPublicKey ‖                 736         1296
//	                 encryptedTempKey ‖ hashedTempKey ‖
//	                 publicSigningKey ‖ signature
//	prepared         transform key and tables, for memory only:         12010       38986
//	transform key    the form may change with every version
//
// The upstream bindings carry the same fields as named members of objects (spec section
// 15); concatenating them in this order gives the bytes used here.
//
// # Stricter than upstream
//
// Upstream's libraries take what stands here on the left (spec section 11). What they
// produce themselves is accepted here, but for keys and plaintexts that are useless or
// unsafe: those of the first four lines.
//
//	input                                     upstream          here
//	private key 0 mod r                       made, fails late  ErrPrivateKey
//	private key r … p-1                       acts mod r        ErrPrivateKey
//	plaintext of versions 0.8.0 to 0.8.3      accepted          ErrEncoding, ErrDecrypt
//	plaintext outside GT, 0, 1                accepted          ErrEncoding, ErrDecrypt
//	private key, field element p or more      reduced           the object's error
//	public key not on the curve               an error          ErrPublicKey
//	hashedTempKey off the twist               an error          ErrTransformKey
//	hashedTempKey outside G2                  accepted, aborts  ErrTransformKey
//	encryptedMessage, temp keys outside GT    accepted          ErrEncoding
//	wrong length                              aborts            ErrSize
//	more than MaxBlocks blocks                accepted          ErrBlocks
//	signer not canonical or of small order    accepted          ErrEncoding
//	Ed25519 R not canonical, of small order   mostly accepted   not verified
//	Ed25519 S not below the order             not verified      not verified
//	Schnorr r or s not below the order        reduced           not verified
//	Schnorr r = 0                             computed          not verified
//	sum of private keys zero                  zero              ErrPrivateKey
//	sum of public keys infinity               an error          ErrPublicKey
//	objects of two suites in one operation    cannot be written ErrSuite
//
// # Names elsewhere
//
//	spec section 14, Rust            here
//	random_private_key               GeneratePrivateKey
//	generate_key_pair                GeneratePrivateKey, PrivateKey.PublicKey
//	compute_public_key               PrivateKey.PublicKey
//	gen_plaintext                    GeneratePlaintext
//	derive_symmetric_key             Plaintext.SymmetricKey
//	derive_private_key               Plaintext.PrivateKey
//	encrypt                          Encrypt
//	decrypt                          PrivateKey.Decrypt
//	generate_transform_key           PrivateKey.TransformKey
//	transform                        TransformKey.Transform, or of a PreparedTransformKey
//	PublicKey::augment               PublicKey.Add
//	PrivateKey::augment_plus, _minus PrivateKey.Add, PrivateKey.Sub
//	TransformKey::augment            TransformKey.Augment
//	Hashable::to_bytes of a          TransformKey.Bytes without the last
//	transform key                    SignatureSize bytes
//	generate_ed25519_key_pair        GenerateSigningKey
//	SigningKeypair::from_bytes,      NewSigningKey, NewSigningKeyFromSeed,
//	bytes, public_key, sign          Bytes, VerifyingKey, Sign of SigningKey
//	PublicSigningKey::verify         VerifyingKey.Verify
//	schnorr_sign, schnorr_verify     PrivateKey.SignSchnorr, PublicKey.VerifySchnorr
//	Sha256Hashing::hash              crypto/sha256
//
// Known answers, given randomness and decoding as permissive as upstream's are in
// package recrypttest.
package recrypt
