/** Passphrases: how hard one is to guess, and one that is. */

/** What people take first, and what is tried first. */
const COMMON = new Set(
  ("password passwort passw0rd letmein welcome admin administrator iloveyou monkey dragon sunshine princess football baseball superman batman master hello " +
    "freedom whatever qwerty qwertz qwertyuiop asdf asdfgh asdfghjkl zxcvbn zxcvbnm abc abcdef secret login starwars michael charlie trustno shadow jesus ninja summer winter " +
    "spring autumn computer internet changeme default recrypt passphrase test testing google facebook").split(" "),
);

/**
 * Guesses how many bits a passphrase is worth to somebody who guesses cleverly. It errs on the low
 * side, and it is a hint: it cannot know that this is the name of your dog.
 */
export function bitsOf(passphrase: string): number {
  const text = passphrase.normalize("NFC").trim();
  if (text === "") return 0;
  const words = text.split(/[\s\-_.,;:/]+/u).filter((w) => w !== "");
  const distinct = [...new Set(words.map((w) => w.toLowerCase()))];
  const byWords = distinct.reduce((sum, w) => sum + wordBits(w), 0);
  return Math.min(byWords, 4.5 * varied(text));
}

/** A word out of some thousands is worth 12 bits, whatever its length; one that is not a word is worth what is in it. */
function wordBits(word: string): number {
  const letters = word.replace(/[^\p{L}]/gu, "");
  const base = word.replace(/0/g, "o").replace(/1/g, "l").replace(/3/g, "e").replace(/[4@]/g, "a").replace(/[5$]/g, "s").replace(/[^\p{L}]/gu, "");
  const others = Array.from(word).length - Array.from(letters).length;
  if (COMMON.has(letters) || COMMON.has(base)) return 4 + Math.min(others, 4);
  if (letters.length === 0) return 2.5 * varied(word); // numbers are dates and telephone numbers
  if (others === 0) return letters.length <= 12 ? Math.min(12, 3.5 * varied(word)) : 2 * varied(word);
  return 3 * varied(word) + Math.min(others, 4);
}

/** How many characters there are that do not just repeat or follow the one before. */
function varied(text: string): number {
  const codes = Array.from(text).map((c) => c.codePointAt(0) ?? 0);
  return codes.filter((c, i) => i === 0 || Math.abs(c - (codes[i - 1] ?? 0)) > 1).length;
}

/** From 0, too easy, to 4. */
export function strengthOf(passphrase: string): 0 | 1 | 2 | 3 | 4 {
  const bits = bitsOf(passphrase);
  if (bits < 28) return 0;
  if (bits < 38) return 1;
  if (bits < 48) return 2;
  return bits < 58 ? 3 : 4;
}

const CONSONANTS = "bdfghjklmnprstvz"; // 16
const VOWELS = "aiou"; // 4: no e, which sounds like i in some languages

/** Five made-up words that can be said, of 12 random bits each. */
export function suggest(): string {
  const random = crypto.getRandomValues(new Uint8Array(20));
  const letters = [...random].map((b, i) => (i % 2 === 0 ? CONSONANTS.charAt(b & 15) : VOWELS.charAt(b & 3)));
  random.fill(0);
  return (letters.join("").match(/.{4}/g) ?? []).join("-");
}
