/** What others do: strangers who write, readers who ask, people whose keys change. Played one after the other by the same people. */

import type { Browser, Locator } from "@playwright/test";

import { accessible } from "./access.js";
import { add, publish, visit } from "./acts.js";
import { Command } from "./command.js";
import { browse, enrol, expect, test, type Complaints, type Server, type Someone } from "./world.js";

test.describe.configure({ mode: "serial" });

const complaints: Complaints = { list: [] };
let alice: Someone;
let bob: Someone;
/** A stranger, and the other devices of alice and bob. */
let command: Command;

test.beforeAll(async ({ browser, server }) => {
  command = new Command(server.url);
  [alice, bob] = await Promise.all([come("alice", browser, server), come("bob", browser, server)]);
  await Promise.all([command.restore("alice", alice.kit), command.restore("bob", bob.kit), command.run("identity", "create", "carol")]);
  await add(alice, bob);
});

test.afterAll(async () => {
  await Promise.all([alice, bob].map((who) => who.context.close()));
  command.remove();
});

test.afterEach(() => {
  expect(complaints.list).toEqual([]);
});

async function come(name: string, browser: Browser, server: Server): Promise<Someone> {
  const page = await browse(browser, complaints);
  return { name, page, context: page.context(), ...(await enrol(page, server.url, name)) };
}

/** A panel of the view that somebody is at. */
function panel(who: Someone, name: string): Locator {
  return who.page.getByRole("region", { name, exact: true });
}

/** Lets bob read the default collection. */
async function letRead(): Promise<void> {
  await alice.page.getByLabel("Person").selectOption({ label: "bob" });
  await alice.page.getByRole("button", { name: "Let read" }).click();
}

test("what a stranger has written is refused, or accepted with what comes later", async () => {
  const waiting = panel(alice, "Waiting to be accepted");
  const atServer = async (): Promise<{ author: string; count: number }[]> => JSON.parse(await command.run("deposits", "--as", "alice", "--json")) as { author: string; count: number }[];
  const write = async (name: string): Promise<string> => {
    command.write(name, `from carol: ${name}`);
    return command.run("encrypt", name, "--to", alice.id, "--as", "carol", "--publish");
  };
  await command.run("collection", "change", "default", "--deposit", "open", "--as", "alice");
  await visit(alice.page, "sharing");
  await expect(waiting).toHaveCount(0);

  await write("advertisement.txt");
  await expect(waiting).toContainText("has put 1 document into “My documents”"); // without loading anything again
  await expect(waiting).toContainText("not among your people");
  await accessible(alice.page);
  expect(await atServer()).toHaveLength(1);
  await waiting.getByRole("button", { name: /^Refuse: rid1/ }).click();
  await expect(waiting).toHaveCount(0);
  expect(await atServer()).toEqual([]);

  const address = await write("report.txt");
  await expect(waiting).toContainText("1 document");
  await visit(alice.page, "documents");
  await alice.page.getByRole("textbox", { name: "Link to a document" }).fill(address);
  await alice.page.keyboard.press("Enter");
  await expect(alice.page.locator("pre.text")).toHaveText("from carol: report.txt");
  await expect(alice.page.getByText("Its owner has not accepted this author yet.")).toBeVisible();
  await visit(alice.page, "sharing");
  await waiting.getByRole("button", { name: /^Accept: rid1/ }).click();
  await expect(waiting).toHaveCount(0);
  await write("report2.txt");
  expect(await atServer()).toEqual([]);
});

test("a reader who has to wait asks, and the owner says no in time", async () => {
  const link = await publish(alice, "will.txt", "my last will");
  await visit(alice.page, "sharing/default");
  await alice.page.getByLabel("Begins").selectOption({ label: "3 days after asking" });
  await letRead();
  await expect(alice.page.getByText("bob can read this collection after asking and waiting.").first()).toBeVisible();
  await expect(panel(alice, "Who can read")).toContainText("has to wait");

  const shared = panel(bob, "Shared with you");
  const ask = shared.getByRole("button", { name: "Ask to read" });
  await visit(bob.page, "sharing");
  await ask.click();
  await expect(shared).toContainText(/Asked\. It opens .* unless the owner says no\./);
  await expect(ask).toHaveCount(0);
  await bob.page.goto(link);
  await expect(bob.page.getByText("It does not exist, or is not shared with you.")).toBeVisible();

  await visit(alice.page, "activity");
  await alice.page.getByRole("link", { name: "bob asks to read" }).click();
  await expect(panel(alice, "Who can read")).toContainText(/bob has asked\. The collection opens .* unless you say no\./);
  await accessible(alice.page);
  await visit(bob.page, "sharing");
  await panel(alice, "Who can read").getByRole("button", { name: "Say no: bob" }).click();
  await expect(alice.page.getByText("bob has asked.")).toHaveCount(0);
  await expect(ask).toBeVisible(); // bob sees it as it happens, and may ask again
  await expect(shared).not.toContainText("Asked.");
  await visit(bob.page, "activity");
  await expect(bob.page.getByText(/^rid1.* said no$/)).toBeVisible();
});

test("a person with new keys is let read again only once the safety number was compared", async () => {
  const link = await publish(alice, "letter.txt", "Dear bob");
  await visit(alice.page, `people/${bob.id}`);
  await alice.page.getByRole("button", { name: "They are the same" }).click();
  await expect(alice.page.getByText("Compared. Keys are confirmed.").first()).toBeVisible();
  await visit(alice.page, "sharing/default");
  await letRead();
  await expect(alice.page.getByText("bob can read this collection now.").first()).toBeVisible();
  await bob.page.goto(link);
  await expect(bob.page.locator("pre.text")).toHaveText("Dear bob");

  await command.run("identity", "rotate", "bob");
  await visit(alice.page, "sharing");
  await visit(alice.page, "sharing/default");
  const readers = panel(alice, "Who can read");
  await expect(readers).toContainText("bob has new keys, and opens nothing until you let these read.");
  await letRead();
  await expect(alice.page.getByText("This person has new keys. Compare the safety number first, under People.")).toBeVisible();

  await readers.getByRole("link", { name: "Compare it" }).click();
  await expect(alice.page.getByText("bob has new keys. That is so after a lost computer;")).toBeVisible();
  await accessible(alice.page);
  const digits = (text: string): string => text.replace(/\D/g, "");
  const seen = digits(await alice.page.locator(".digits").innerText());
  expect(digits(await command.run("safety", alice.id, "--as", "bob", "--json"))).toContain(seen);
  await alice.page.getByRole("button", { name: "They differ" }).click();
  await expect(alice.page.getByText("Do not share anything with this identity.")).toBeVisible();
  await visit(alice.page, "people");
  await expect(panel(alice, "Your people")).toContainText("Safety number not compared yet");

  await visit(alice.page, `people/${bob.id}`);
  await alice.page.getByRole("button", { name: "They are the same" }).click();
  await expect(alice.page.getByText("What you shared with bob before is suspended until you share it again.")).toBeVisible();
  await visit(alice.page, "sharing/default");
  await expect(readers).toContainText("You have compared the new keys of bob. Let them read again, below.");
  const place = link.replace(/^.*#\/open\/([^/]*).*$/, "/v1/documents/$1");
  const open = (): Promise<string> => command.run("decrypt", new URL(place, link).href, "-o", "-", "--as", "bob");
  await expect(open()).rejects.toThrow("no_access");
  await letRead();
  await expect(alice.page.getByText("bob can read this collection now.").first()).toBeVisible();
  await expect(readers).not.toContainText("new keys");
  expect(await open()).toBe("Dear bob");
});
