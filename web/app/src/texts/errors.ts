/** What went wrong, in words for people. By the code of an error; what has no words here says it by itself. */

const byCode: Readonly<Record<string, string>> = {
  // of the service
  no_access: "It does not exist, or is not shared with you. The two look the same on purpose.",
  not_found: "The server does not know it. Has the person opened this page once, with this server?",
  no_grant: "This person has no access to take back.",
  not_document: "This is not an encrypted document.",
  corrupt: "The document was changed or damaged. Nothing of it was opened.",
  author: "Somebody else wrote this document than is expected.",
  verification: "What the server answered does not verify. Nothing was opened.",
  foreign_server: "This document belongs to another server.",
  key_changed: "This person has new keys. Compare the safety number first, under People.",
  reader_suite: "This person's keys are not strong enough for this collection.",
  self: "That is you.",
  exists: "There is one of this name already.",
  passcode: "The passcode is missing or wrong, or the link is not whole.",
  waiting: "Too many of your documents wait there to be accepted. Ask the owner to accept you as an author.",
  conflict: "Another device has changed the same thing at the same moment. Try again.",
  closed_epoch: "The collection changes its keys at the moment. Try again.",
  no_repository: "This server does not store documents. Download the encrypted file, and put it where you like.",
  full: "The server has no space left.",
  too_large: "That is larger than the server takes.",
  limited: "Too much at once. Wait a moment, and try again.",
  busy: "The server has too much to do. Wait a moment, and try again.",
  unreachable: "The server cannot be reached. Are you online?",
  fetch: "The document could not be fetched.",
  clock_skew: "The clock of this device is wrong: set it, and try again.",
  server_changed: "This is not the server that it was before. Nothing was sent.",
  rollback: "The server shows an older state than before. Nothing was done.",
  old_log: "The server shows an older state than before. Nothing was done.",
  forked_log: "The server tells different people different things. Nothing was done.",
  old_collection: "The server shows an older state of this collection than before. Nothing was done.",
  old_identity: "The server shows older keys of this person than before. Nothing was done.",
  forked_identity: "The server shows other keys of this person than before. Nothing was done.",
  swapped: "The server answered with somebody else's keys. Nothing was done.",
  receipt: "The server's receipt does not verify: it is not certain that the access is taken back.",
  kept_grant: "The server kept an access that it had confirmed as taken back.",
  new_keys: "This identity has got new keys on another device. Bring it here anew, from a newer backup.",
  closed: "The connection to the encryption module is closed. Load the page again.",
  // of the keys in this browser
  passphrase: "Wrong passphrase.",
  weak: "Choose a longer passphrase.",
  unavailable: "This browser does not let the page store anything.",
  evicted: "The browser has deleted what was stored. Bring the identity back with its recovery kit or a backup.",
  passkey: "The passkey was not given, or this one cannot unlock: not all of them can.",
  damaged: "What is stored in this browser is damaged. Use the recovery kit or a backup.",
  backup: "This is not a backup of an identity.",
  // of the module
  worker_died: "The encryption module has stopped. Load the page again.",
  locked: "Locked. Unlock it again.",
  old_engine: "This browser is too old, or WebAssembly is switched off.",
};

/** Says what went wrong. */
export function explain(error: unknown): string {
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string") {
    // The kit says in which line the typing error is.
    const known = error.code === "kit" ? undefined : byCode[error.code];
    if (known !== undefined) return known;
  }
  if (error instanceof Error && error.message !== "") return sentence(error.message);
  return "Something went wrong. Try again.";
}

/** The code of an error, "" if it has none. */
export function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : "";
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
