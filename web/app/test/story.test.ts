/** The whole story, with two people in two browsers. */

import { accessible } from "./access.js";
import { add, grant, open, publish, revoke, visit } from "./acts.js";
import { expect, PASSPHRASE, test, type Someone } from "./world.js";

const LETTER = "Dear doctor,\nthe blood pressure is 118 to 76.\n";

/** Opens a link in a page that has to be unlocked first, as after every load. */
async function unlockAndOpen(who: Someone, link: string): Promise<void> {
  await open(who.page, link);
  await who.page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
  await who.page.getByRole("button", { name: "Unlock" }).click();
}

test("two people share a letter, until one takes it back", async ({ someone }) => {
  test.setTimeout(240_000);
  const alice = await someone("alice");
  const bob = await someone("bob");
  await add(alice, bob);
  await add(bob, alice);

  await test.step("both see the same safety number, and confirm it", async () => {
    await visit(alice.page, `people/${bob.id}`);
    await visit(bob.page, `people/${alice.id}`);
    const [hers, his] = await Promise.all([alice, bob].map((p) => p.page.locator(".digits").innerText()));
    expect(hers).toMatch(/^(\d{5}\s*){12}$/);
    expect(hers).toBe(his);
    await accessible(alice.page);
    await alice.page.getByRole("button", { name: "They are the same" }).click();
    await expect(alice.page.getByText("Compared. Keys are confirmed.").first()).toBeVisible();
  });

  const link = await publish(alice, "letter.txt", LETTER);
  await accessible(alice.page);

  await test.step("the link alone opens nothing", async () => {
    await unlockAndOpen(bob, link);
    await expect(bob.page.getByText("It does not exist, or is not shared with you.")).toBeVisible();
    await accessible(bob.page);
  });

  await grant(alice, "bob");
  await accessible(alice.page);

  await test.step("bob sees what is shared with him, and who wrote it", async () => {
    await visit(bob.page, "sharing");
    await expect(bob.page.getByRole("region", { name: "Shared with you" }).getByText("can read")).toBeVisible();
    await accessible(bob.page);
    await bob.page.goto(link);
    await expect(bob.page.locator("pre.text")).toHaveText(LETTER.trim(), { useInnerText: true });
    await expect(bob.page.locator(".viewer-head")).toContainText("alice");
    await expect(bob.page.getByRole("heading", { level: 1 })).toHaveText("letter.txt");
    await accessible(bob.page);
    const download = bob.page.waitForEvent("download");
    await bob.page.getByRole("button", { name: "Save" }).click();
    const file = await download;
    expect(file.suggestedFilename()).toBe("letter.txt");
    const chunks: Buffer[] = [];
    for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe(LETTER);
  });

  await revoke(alice, "bob");
  await accessible(alice.page);

  await test.step("bob is refused", async () => {
    await unlockAndOpen(bob, link);
    await expect(bob.page.getByText("It does not exist, or is not shared with you.")).toBeVisible();
  });

  await test.step("what happened is in alice's activity", async () => {
    await visit(alice.page, "activity");
    for (const words of ["You let bob read", "bob opened a document", "You took back an access", "A collection of yours got new keys"]) await expect(alice.page.getByText(words, { exact: true }).first()).toBeVisible();
    await accessible(alice.page);
  });
});
