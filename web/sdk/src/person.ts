/** A verified identity as pages see it. */

import type { PersonInfo } from "./answers.js";
import type { Client, Person } from "./client/client.js";
import { suiteName } from "./suites.js";

/** Says what an identity is. */
export async function describePerson(c: Client, p: Person): Promise<PersonInfo> {
  return {
    id: p.id,
    version: p.identity.version,
    suites: p.identity.keys.map((k) => suiteName(k.suite)),
    changed: await c.changed(p),
  };
}
