/** Sharing between the SDK and the command line, which is the Go client: each grants to the other and opens what the other wrote. */

import { createCollection } from "../../src/client/collections.js";
import { acceptAuthor, deposits } from "../../src/client/deposits.js";
import { grantAccess } from "../../src/client/grant.js";
import { grants } from "../../src/client/grants.js";
import { createSymKey, getSymKey } from "../../src/client/key.js";
import { createLink, openLink } from "../../src/client/link.js";
import { getSymKeys } from "../../src/client/many.js";
import { requestAccess } from "../../src/client/request.js";
import { revokeAccess } from "../../src/client/revoke.js";
import { rotate } from "../../src/client/rotate.js";
import { Suite } from "../../src/index.js";
import { assert } from "./assert.js";
import { fromUtf8, hex, utf8 } from "./bytes.js";
import { closed, coreOf, device, later, opens, refused, seal, someone } from "./cast.js";
import { type CommandResult, type Env, test } from "./registry.js";

const NEEDS = { needs: ["server"] } as const;

/** As the command line makes identities. */
const BOTH = [Suite.Recrypt256, Suite.Recrypt480];

/** Somebody who uses the command line. */
class Commander {
  readonly #env: Env;
  readonly #name: string;
  readonly id: string;

  private constructor(env: Env, name: string, id: string) {
    this.#env = env;
    this.#name = name;
    this.id = id;
  }

  /** Makes an identity, with keys of both suites, and publishes it. */
  static async make(env: Env, name: string): Promise<Commander> {
    const made = await env.cli(["identity", "create", name, "--no-passphrase", "--json"]);
    assert.equal(made.code, 0, made.stderr);
    return new Commander(env, name, (JSON.parse(made.stdout) as { id: string }).id);
  }

  /** Runs a command that has to succeed. */
  async run(args: readonly string[], files: Readonly<Record<string, Uint8Array>> = {}): Promise<CommandResult> {
    const done = await this.#env.cli([...args, "--as", this.#name, "--no-passphrase", "--force"], files);
    assert.equal(done.code, 0, `${args.join(" ")}: ${done.stderr}`);
    return done;
  }

  /** Runs a command that has to fail with a code of its own. */
  async fails(code: string, args: readonly string[], files: Readonly<Record<string, Uint8Array>> = {}): Promise<void> {
    const done = await this.#env.cli([...args, "--as", this.#name, "--no-passphrase", "--force"], files);
    assert.ok(done.code !== 0 && done.stderr.includes(`[${code}]`), `${args.join(" ")}: want ${code}: ${done.stderr}`);
  }

  async encrypt(content: string, ...more: string[]): Promise<Uint8Array> {
    const name = `${this.#name}.txt`;
    const { files } = await this.run(["encrypt", name, "-o", `${name}.recrypt`, ...more], { [name]: utf8(content) });
    return files[`${name}.recrypt`] ?? assert.fail("no document was written");
  }

  async opens(document: Uint8Array, content: string, from: string): Promise<void> {
    const out = `${this.#name}.out`;
    const { files } = await this.run(["decrypt", "in.recrypt", "-o", out, "--from", from], { "in.recrypt": document });
    assert.equal(fromUtf8(files[out] ?? new Uint8Array(0)), content);
  }

  async isShut(document: Uint8Array): Promise<void> {
    await this.fails("no_access", ["decrypt", "in.recrypt", "-o", "none"], { "in.recrypt": document });
  }
}

test("the Go client: it grants, and the SDK opens; it revokes, and the SDK is shut out", async (env) => {
  const bob = await someone(env, BOTH);
  const alice = await Commander.make(env, "go-alice");
  const before = await alice.encrypt("before");
  await closed(bob, before);
  await alice.run(["grant", bob.id, "--expires", "30d"]);
  const after = await alice.encrypt("after");
  await opens(bob, before, "before", alice.id);
  await opens(bob, after, "after", alice.id);
  const [g] = (await grants(bob.client)).received;
  assert.deepEqual([g?.owner, g?.status, g?.kind], [alice.id, "active", "direct"]);
  await alice.run(["collection", "rotate", "default"]);
  await opens(bob, await alice.encrypt("rotated"), "rotated", alice.id);
  const made = JSON.parse((await alice.run(["key", "create", "--json"])).stdout) as { key: string; id: string };
  const opened = await getSymKey(bob.client, made.id, { from: alice.id });
  assert.ok(JSON.stringify(made).includes(hex(opened.key)), "the same key");
  await alice.run(["revoke", bob.id]);
  for (const document of [before, after, await alice.encrypt("next")]) await closed(bob, document);
  await refused("no_access", getSymKey(bob.client, made.id));
}, NEEDS);

test("the Go client: the SDK grants, and it opens; the SDK revokes, and it is shut out", async (env) => {
  const alice = await someone(env, BOTH);
  const bob = await Commander.make(env, "go-bob");
  const before = await seal(alice, "before");
  await bob.isShut(before.document);
  await grantAccess(alice.client, bob.id, { expiresIn: 3600_000 });
  const after = await seal(alice, "after");
  await bob.opens(before.document, "before", alice.id);
  await bob.opens(after.document, "after", alice.id);
  assert.match((await bob.run(["grants"])).stdout, /active/);
  await rotate(alice.client);
  await bob.opens((await seal(alice, "rotated")).document, "rotated", alice.id);
  const key = await createSymKey(alice.client);
  assert.ok((await bob.run(["key", "get", key.id, "--from", alice.id])).stdout.includes(hex(key.key)), "the same key");
  assert.equal((await revokeAccess(alice.client, bob.id)).destroyed, 2);
  for (const document of [before.document, after.document, (await seal(alice, "next")).document]) await bob.isShut(document);
}, NEEDS);

test("the Go client: collections, deposits, documents and waits across", async (env, step) => {
  const alice = await someone(env, BOTH);
  const carl = await Commander.make(env, "go-carl");
  await step("it deposits with the SDK's owner", async () => {
    const inbox = await createCollection(alice.client, "Böx", { deposit: "open" });
    const document = await carl.encrypt("letter", "--to", alice.id);
    assert.equal((await opens(alice, document, "letter", carl.id)).waiting, true);
    assert.deepEqual((await deposits(alice.client)).map((d) => [d.author, d.title, d.count]), [[carl.id, "Böx", 1]]);
    assert.equal(await acceptAuthor(alice.client, inbox.id, carl.id), 1);
    assert.equal((await opens(alice, document, "letter", carl.id)).waiting, false);
  });
  await step("the SDK deposits with its owner", async () => {
    await carl.run(["collection", "create", "results", "--deposit", "listed", "--author", alice.id]);
    const { document, info } = await seal(alice, "negative", { to: carl.id });
    assert.equal(info.owner, carl.id);
    await carl.opens(document, "negative", alice.id);
  });
  await step("single documents of the SDK's owner", async () => {
    const [one, other] = [await seal(alice, "one"), await seal(alice, "other")];
    await grantAccess(alice.client, carl.id, { documents: [one.info.key] });
    await carl.opens(one.document, "one", alice.id);
    await carl.isShut(other.document);
    await revokeAccess(alice.client, carl.id);
  });
  await step("a waiting period that its owner has set", async () => {
    const document = await carl.encrypt("will");
    await carl.run(["grant", alice.id, "--pending", "1s"]);
    await closed(alice, document);
    const asked = await requestAccess(alice.client, carl.id);
    await later(Math.max(0, (asked[0]?.opens ?? 0) - Date.now()) + 200);
    await opens(alice, document, "will", carl.id);
  });
  await step("a folder of both", async () => {
    const made = JSON.parse((await carl.run(["key", "create", "--json"])).stdout) as { id: string };
    const own = await createSymKey(alice.client);
    const opened = await getSymKeys(alice.client, [made.id, own.id]);
    assert.deepEqual(opened.map((o) => o.key?.author), [carl.id, alice.id]);
  });
}, NEEDS);

test("the Go client: its keys change", async (env) => {
  const [alice, bob] = [await someone(env, BOTH), await someone(env, BOTH)];
  const erin = await Commander.make(env, "go-erin");
  const [hers, mine] = [await erin.encrypt("hers"), await seal(alice, "mine")];
  await erin.run(["grant", alice.id]);
  await createCollection(alice.client, "inbox", { deposit: "listed", authors: [erin.id] });
  await grantAccess(alice.client, erin.id);
  await grantAccess(alice.client, bob.id, { collection: "inbox" });
  const letter = await erin.encrypt("letter", "--to", alice.id);
  await opens(alice, hers, "hers", erin.id);
  await erin.opens(mine.document, "mine", alice.id);
  await erin.run(["identity", "rotate"]);

  // What she signed before counts, as the log proves that it was there before.
  for (const who of [alice, bob]) await opens(who, letter, "letter", erin.id);
  await opens(await device(env, alice), letter, "letter", erin.id);
  // Nothing is granted to the new keys until they are confirmed, and others are not held up.
  assert.ok(await alice.client.changed(await alice.client.lookUp(erin.id)), "the keys have changed");
  await refused("key_changed", grantAccess(alice.client, erin.id));
  await refused("key_changed", alice.client.confirm(erin.id));
  await erin.isShut(mine.document);
  assert.equal((await grants(alice.client)).issued.find((g) => g.reader === erin.id)?.status, "suspended");
  await grantAccess(alice.client, bob.id);
  const rotated = await rotate(alice.client);
  assert.deepEqual([rotated.readers, rotated.suspended], [1, 1]);
  const digits = await alice.client.safetyNumber(erin.id);
  assert.match(digits, /^[0-9]{60}$/);
  await alice.client.confirm(erin.id);
  await grantAccess(alice.client, erin.id);
  await erin.opens(mine.document, "mine", alice.id);
  await erin.opens((await seal(alice, "new")).document, "new", alice.id);
  await opens(alice, await erin.encrypt("with new keys", "--to", alice.id), "with new keys", erin.id);
}, NEEDS);

test("the Go client: links across", async (env, step) => {
  const alice = await someone(env, BOTH);
  const dora = await Commander.make(env, "go-dora");
  await step("made by the SDK", async () => {
    const made = await createLink(alice.client, { title: "guests", passcode: "Löwenzahn 7", expiresIn: 3600_000 });
    const { document } = await seal(alice, "deed", { collection: "guests" });
    const files = { "link": utf8(`${made.url}\n`), "code": utf8("Löwenzahn 7\n"), "in.recrypt": document };
    const done = await env.cli(["decrypt", "in.recrypt", "--link", "link", "--passcode-file", "code", "-o", "guest.out", "--force"], files);
    assert.equal(done.code, 0, done.stderr);
    assert.equal(fromUtf8(done.files["guest.out"] ?? new Uint8Array(0)), "deed");
  });
  await step("made by it", async () => {
    const { stdout } = await dora.run(["grant", "--link", "--collection", "Gäste", "--passcode-file", "code", "--json"], { code: utf8("Löwenzahn 7\n") });
    const { url } = JSON.parse(stdout) as { url: string };
    const document = await dora.encrypt("deed", "--collection", "Gäste");
    const { seed, identity, owner } = openLink(await coreOf(env), url, "Löwenzahn 7");
    assert.equal(owner, dora.id);
    await opens(await device(env, { seed, identity }), document, "deed", owner);
  });
}, NEEDS);
